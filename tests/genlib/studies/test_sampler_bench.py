"""The bench of samplers: every point is what its walk makes, measured once and kept."""

import time
from itertools import islice

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from genlib.classifier import Classifier, ClassifierSpec, classified
from genlib.data.dataset import load
from genlib.diffusion.samplers import SAMPLERS
from genlib.errors import TaskError
from genlib.family import to_float
from genlib.jobs.catalogue import read_task
from genlib.metrics import frechet_distance
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import STUDIES, sampler_bench
from genlib.studies.sampler_bench import (
    BATCH,
    REPEATS,
    STEPS,
    Point,
    Quality,
    SamplerBench,
    compared,
    evaluation_seconds,
    quality,
)
from genlib.studies.starts import diffusing
from genlib.tasks.progress import Progress
from genlib.tasks.workspace import Workspace
from tests.support.studied import trained, workspace_of

JUDGE = ClassifierSpec(dataset="digits")
PICTURES = BATCH
TIMES = 10  # of the model: fewer than the most steps
WAYS = [(name, steps) for name in compared() for steps in STEPS if steps <= TIMES]
SMALL = {"width": 8, "depth": 1}


@pytest.fixture(scope="module")
def run() -> Run:
    return trained("ddpm", 2, timesteps=TIMES, prediction="velocity", **SMALL)


@pytest.fixture(scope="module")
def other() -> Run:
    """Return a run that is told the class, and knows three times only."""
    return trained("ddpm", 2, timesteps=3, prediction="velocity", conditional=True, **SMALL)


@pytest.fixture(scope="module")
def instant() -> Run:
    """Return a run that knows one time, which the page offers."""
    return trained("ddpm", 1, timesteps=1, prediction="velocity", **SMALL)


@pytest.fixture(scope="module")
def straight() -> Run:
    return trained("flow", 1, **SMALL)


@pytest.fixture(scope="module")
def workspace(
    run, other, instant, straight, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """Return a bench whose judge of digits was trained for a moment: it is there, so it judges."""
    workspace = workspace_of(tmp_path_factory.mktemp("walking"), run, other, instant, straight)
    *_, last = ClassifierSpec(dataset="digits", steps=30, batch_size=128).perform(workspace, {})
    workspace.store.write_run(JUDGE.fingerprint, last.files)
    return workspace


@pytest.fixture(scope="module")
def classifier(workspace: Workspace) -> Classifier:
    return JUDGE.read(workspace.store.read_run(JUDGE.fingerprint), workspace.device)


def study(run: Run, pictures: int = PICTURES) -> SamplerBench:
    return SamplerBench(start=run.spec, pictures=pictures)


@pytest.fixture(scope="module")
def measured(run: Run, workspace: Workspace) -> list[Progress]:
    return list(study(run).perform(workspace, {}))


def points(files: dict[str, bytes]) -> list[Point]:
    """Return the points so far."""
    result = quality(files)
    return [] if result is None else result.points


def floor(files: dict[str, bytes]) -> float:
    """Return the classifier FID of real pictures."""
    return quality(files).floor


def timeless(results: list[Point]) -> list[Point]:
    """Return points without their seconds, which no two measurements share."""
    return [point.model_copy(update={"seconds": 0}) for point in results]


def test_the_bench_of_samplers_is_a_study_like_the_others():
    assert STUDIES["sampler_bench"].load() is SamplerBench
    task = SamplerBench(start=RunSpec.of_preset("flow", dataset="digits"), pictures=300)
    again = read_task(task.model_dump_json())
    assert type(again) is SamplerBench
    assert again == task
    assert again.fingerprint == task.fingerprint
    assert task.fingerprint != task.model_copy(update={"pictures": 301}).fingerprint


@pytest.mark.parametrize("family", ["gan", "vae", "stacked", "dcgan"])
def test_only_what_knows_noise_is_walked(family):
    with pytest.raises(ValidationError, match=f"the family {family} knows no noise"):
        SamplerBench(start=RunSpec.of_preset(family, dataset="digits"))


@pytest.mark.parametrize("family", ["ddpm", "flow"])
def test_points_in_the_plane_have_no_judge(family):
    with pytest.raises(ValidationError, match="a classifier knows pictures alone"):
        SamplerBench(start=RunSpec.of_preset(family, "in the plane"))
    with pytest.raises(ValidationError, match="a classifier knows pictures alone"):
        SamplerBench(start=RunSpec.of_preset(family, dataset="moons"))


@pytest.mark.parametrize("pictures", [255, 10_001])
def test_too_few_pictures_say_nothing_and_more_than_there_are_are_not_compared(pictures):
    with pytest.raises(ValidationError, match="pictures"):
        SamplerBench(start=RunSpec.of_preset("ddpm", dataset="digits"), pictures=pictures)


def test_a_model_that_is_not_trained_is_not_measured(workspace):
    start = RunSpec.of_preset("ddpm", dataset="digits")
    with pytest.raises(TaskError, match="not trained"):
        next(SamplerBench(start=start).perform(workspace, {}))


def test_points_come_in_order_and_no_more_steps_are_taken_than_there_are_times(measured):
    actual = points(measured[-1].files)
    assert [(point.sampler, point.steps) for point in actual] == WAYS
    assert max(point.steps for point in actual) == TIMES
    assert {point.sampler for point in actual} == set(compared())


def test_each_point_is_told_of_as_soon_as_it_is_there(measured):
    assert [event.step for event in measured] == list(range(1, len(WAYS) + 1))
    assert {event.steps for event in measured} == {len(WAYS)}
    whole = points(measured[-1].files)
    for event in measured:
        assert points(event.files) == whole[: event.step]
        assert floor(event.files) == floor(measured[-1].files)


def test_points_are_read_as_they_were_written(measured):
    result = quality(measured[-1].files)
    assert result.pictures == PICTURES
    assert quality({"points.json": result.to_json()}) == result


def test_before_anything_is_measured_there_are_no_points():
    assert quality({}) is None


def asked(run: Run, name: str, steps: int) -> int:
    """Return how often a sampler evaluates the network."""
    model, calls = diffusing(run), []
    hook = model.network.register_forward_hook(lambda *_: calls.append(1))
    noise = torch.randn(1, *model.shape, generator=generator(0))
    with torch.no_grad():
        list(model.trajectory(noise, SAMPLERS[name], model.schedule.times(steps), generator(0)))
    hook.remove()
    return len(calls)


def test_nfe_is_how_often_the_sampler_evaluates_the_network(run, measured):
    for point in points(measured[-1].files):
        assert point.nfe == asked(run, point.sampler, point.steps), point
        if point.sampler == "Heun":
            assert point.steps < point.nfe < 2 * point.steps
        else:
            assert point.nfe == point.steps


@pytest.mark.slow
def test_on_straight_paths_heun_evaluates_twice_but_at_the_last_step(straight, workspace):
    *_, last = islice(study(straight).perform(workspace, {}), len(STEPS) + 1)
    actual = points(last.files)
    for point in actual:
        assert point.nfe == asked(straight, point.sampler, point.steps), point
    assert (actual[-1].sampler, actual[-1].steps, actual[-1].nfe) == ("Heun", 3, 5)
    assert [point.steps for point in actual[:-1]] == list(STEPS), "there are times enough"


def test_equal_evaluations_cost_equal_seconds(run, workspace, measured):
    began = time.perf_counter()
    cost = evaluation_seconds(diffusing(run), workspace.device)
    assert 0 < cost < (time.perf_counter() - began) / REPEATS
    result = quality(measured[-1].files)
    for point, seconds in zip(result.points, result.seconds, strict=True):
        assert point.seconds == pytest.approx(point.nfe * result.evaluation)
        assert seconds == pytest.approx(point.seconds)


def test_of_version_1_the_shortest_evaluation_counts_at_every_point():
    timed_once = [("Heun", 4, 0.12), ("DDIM", 3, 0.27), ("DDIM", 5, 0.10)]
    result = Quality(
        points=[
            Point(sampler=name, steps=nfe, nfe=nfe, seconds=seconds, fid=1.0)
            for name, nfe, seconds in timed_once
        ],
        floor=0.1,
    )
    assert result.evaluation is None
    assert result.seconds == pytest.approx([0.08, 0.06, 0.10])


def walked(run: Run, name: str, steps: int) -> Tensor:
    """Return the pictures that are judged: every class in turn, where there are any."""
    model, rng = diffusing(run), generator(0)
    noise = torch.randn(PICTURES, *model.shape, generator=rng)
    labels = torch.arange(PICTURES) % 10 if model.classes else None
    times = model.schedule.times(steps)
    with torch.no_grad():
        *_, last = model.trajectory(noise, SAMPLERS[name], times, rng, labels)
    return (last.x + 1) / 2


def distance(classifier: Classifier, output: Tensor) -> float:
    """Return the classifier FID of samples to all test pictures."""
    real = to_float(load("digits").test)
    return frechet_distance(
        classified(classifier, real).features, classified(classifier, output).features
    )


def test_a_point_is_the_distance_of_what_the_walk_makes(run, classifier, measured):
    for point in points(measured[-1].files):
        output = walked(run, point.sampler, point.steps)
        assert point.fid == pytest.approx(distance(classifier, output), rel=1e-3), point


def test_what_is_told_the_class_makes_every_class(other, classifier, workspace):
    *_, last = study(other).perform(workspace, {})
    actual = points(last.files)
    assert [(point.sampler, point.steps) for point in actual] == [(name, 3) for name in compared()]
    for point in actual:
        output = walked(other, point.sampler, 3)
        assert point.fid == pytest.approx(distance(classifier, output), rel=1e-3)


def test_more_pictures_than_a_batch_are_all_made(run, other, classifier, workspace, monkeypatch):
    monkeypatch.setattr(sampler_bench, "BATCH", 37)
    for start in (run, other):
        first = points(next(study(start).perform(workspace, {})).files)[0]
        output = walked(start, first.sampler, first.steps)
        assert first.fid == pytest.approx(distance(classifier, output), rel=1e-3)


def test_real_pictures_are_nearer_to_real_ones_than_what_is_made(measured):
    worst = max(point.fid for point in points(measured[-1].files))
    assert 0 < floor(measured[-1].files) < worst


def test_the_same_model_is_measured_alike(run, workspace, measured):
    *_, again = study(run).perform(workspace, {})
    first, second = points(measured[-1].files), points(again.files)
    assert timeless(second) == timeless(first)
    assert floor(again.files) == floor(measured[-1].files)


@pytest.mark.parametrize("done", [1, 5, len(WAYS) - 1])
def test_a_measurement_goes_on_where_it_was_and_keeps_what_it_found(
    run, workspace, measured, done
):
    half = measured[done - 1].files
    events = list(study(run).perform(workspace, half))
    assert [event.step for event in events] == list(range(done + 1, len(WAYS) + 1))
    actual, whole = points(events[-1].files), points(measured[-1].files)
    assert actual[:done] == whole[:done], "with their seconds"
    assert timeless(actual) == timeless(whole), "and the rest is as if nothing had happened"
    assert points(half) == whole[:done], "what was given is as it was"


def test_no_point_is_measured_twice(run, workspace, measured):
    marked = [
        point.model_copy(update={"seconds": 1234.5, "fid": -1.0})
        for point in points(measured[2].files)
    ]  # nobody would find this
    half = {"points.json": Quality(points=marked, floor=-1.0).to_json()}
    *_, last = study(run).perform(workspace, half)
    assert points(last.files)[:3] == marked
    assert timeless(points(last.files)[3:]) == timeless(points(measured[-1].files)[3:])
    assert floor(last.files) == floor(measured[-1].files), "it is found anew"
    assert list(study(run).perform(workspace, measured[-1].files)) == [], "nothing is left to do"


def test_the_floor_is_the_distance_to_other_pictures_however_many_are_asked_for(run, workspace):
    count = len(load("digits").test)
    first = next(study(run, count).perform(workspace, {}))
    assert floor(first.files) > 1e-3


def test_a_model_of_fewer_times_than_the_fewest_steps_is_measured(instant, workspace):
    *_, last = study(instant).perform(workspace, {})
    assert points(last.files)
