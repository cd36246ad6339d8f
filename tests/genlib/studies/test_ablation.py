"""An ablation trains what it says, each time the same, and tells of each what the loop makes."""

import math
from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError

from genlib.classifier import ClassifierSpec, classified
from genlib.config import TrainConfig
from genlib.data.dataset import load
from genlib.family import to_float, to_uint8
from genlib.jobs.catalogue import read_task
from genlib.metrics import class_shares, frechet_distance
from genlib.models import FAMILIES
from genlib.rng import generator
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.studies.ablation import (
    EVALUATIONS,
    SHOWN,
    WHOLE,
    Ablation,
    Variant,
    ingredients,
    samples,
    variants,
)
from genlib.tasks.progress import Progress
from genlib.tasks.result import list_to_json
from genlib.tasks.workspace import Workspace
from tests.support.studied import CPU, workspace_of

GROWING = [name for name, entry in FAMILIES.items() if "grows" in entry.abilities]
PICTURES = 200
JUDGE = ClassifierSpec(dataset="digits")
every_growing = pytest.mark.parametrize("family", GROWING)


def begun(family: str, train: dict[str, object] | None = None, **model) -> RunSpec:
    """Return a training of ten steps."""
    sizes = {"filters": 4, "most_filters": 16, "codings": 4, "fading": 1.0}
    recipe = {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32, "epochs": 1}
    recipe |= {"pictures": 320, "ema": 0.9}
    return RunSpec.model_validate(
        {
            "family": family,
            "dataset": "digits",
            "model": sizes | model,
            "train": TrainConfig.model_validate(recipe | (train or {})),
        }
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a bench with a judge of digits that was trained for a moment."""
    workspace = workspace_of(tmp_path_factory.mktemp("ablating"))
    *_, last = ClassifierSpec(dataset="digits", steps=30, batch_size=128).perform(workspace, {})
    workspace.store.write_run(JUDGE.fingerprint, last.files)
    return workspace


@pytest.fixture(
    scope="module",
    params=["progressive", pytest.param("stylegan", marks=pytest.mark.slow)],
)
def study(request) -> Ablation:
    return Ablation(start=begun(request.param), pictures=PICTURES)


@pytest.fixture(scope="module")
def progress_of(study: Ablation, workspace: Workspace) -> list[Progress]:
    return list(study.perform(workspace, {}))


def timeless(each: Variant) -> tuple:
    """Return what does not depend on how busy the machine is."""
    fids = [(evaluation.step, evaluation.fid) for evaluation in each.evaluations]
    return each.name, fids, each.findings, each.shares


@every_growing
def test_an_ablation_is_read_as_it_was_written(family):
    study = Ablation(start=RunSpec.of_preset(family))
    again = read_task(study.model_dump_json())
    assert type(again) is Ablation
    assert again == study
    assert again.fingerprint == study.fingerprint


@pytest.mark.parametrize("family", ["gan", "dcgan", "vae"])
def test_only_what_grows_has_ingredients_to_leave_out(family):
    spec = RunSpec.of_preset(family, dataset="digits")
    assert ingredients(spec) == {}
    with pytest.raises(ValidationError, match=f"the family {family} does not grow"):
        Ablation(start=spec)


@every_growing
def test_each_model_lacks_one_ingredient_and_is_otherwise_the_same(family):
    start = RunSpec.of_preset(family)
    specs = Ablation(start=start).specs()
    whole, parts = specs[WHOLE], ingredients(start)
    assert list(specs) == [WHOLE, *parts]
    assert whole.model == start.model
    for name, spec in specs.items():
        assert (spec.family, spec.dataset) == (start.family, start.dataset)
        assert spec.train == start.train
        one, other = whole.model.model_dump(), spec.model.model_dump()
        changed = {knob: other[knob] for knob in one if other[knob] != one[knob]}
        assert changed == parts.get(name, {})
        assert changed or name == WHOLE
    assert len({spec.fingerprint for spec in specs.values()}) == len(specs)


def test_progress_rises_to_its_end_and_models_come_one_by_one(study, progress_of):
    steps = [event.step for event in progress_of]
    assert {event.steps for event in progress_of} == {EVALUATIONS * len(study.specs())}
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (1, progress_of[-1].steps)
    counts = [len(variants(event.files)) for event in progress_of]
    assert counts == sorted(counts)
    actual = variants(progress_of[-1].files)
    assert [each.name for each in actual] == list(study.specs())
    for event, count in zip(progress_of, counts, strict=True):
        assert variants(event.files) == actual[:count]


def test_what_was_written_is_read(progress_of):
    actual = variants(progress_of[-1].files)
    assert list_to_json(actual) == progress_of[-1].files["ablation.json"]
    shown = samples(progress_of[-1].files)
    assert shown.shape == (len(actual), SHOWN, 1, 8, 8)
    assert shown.dtype == torch.uint8
    assert variants({}) == []


def test_each_training_is_evaluated_to_its_last_step(study, progress_of):
    for each in variants(progress_of[-1].files):
        assert [evaluation.step for evaluation in each.evaluations] == list(range(1, 11))
        assert all(one.seconds < other.seconds for one, other in pairwise(each.evaluations))
        assert all(evaluation.fid >= 0 for evaluation in each.evaluations)


def test_interrupted_after_two_models_it_trains_the_rest_and_ends_the_same(
    study, workspace, progress_of
):
    files = next(event.files for event in progress_of if len(variants(event.files)) == 2)
    rest = list(study.perform(workspace, files))
    steps = [event.step for event in rest]
    assert steps[0] == 2 * EVALUATIONS + 1
    assert steps[-1] == progress_of[-1].step
    whole, again = (variants(events[-1].files) for events in (progress_of, rest))
    assert again[:2] == whole[:2]
    assert list(map(timeless, again)) == list(map(timeless, whole))
    assert torch.equal(samples(rest[-1].files), samples(progress_of[-1].files))
    assert list(study.perform(workspace, progress_of[-1].files)) == []


@pytest.mark.parametrize("place", [0, -1])
def test_its_figures_are_those_of_the_run_that_anyone_would_train(
    study, workspace, progress_of, place
):
    """The first and the last model: samples of the finished run, judged by other means."""
    *_, run = perform(list(study.specs().values())[place], CPU)
    assert isinstance(run, Run)
    output = run.family.sample(PICTURES, generator(0))
    classifier, data = JUDGE.read(workspace.store.read_run(JUDGE.fingerprint), CPU), load("digits")
    seen = classified(classifier, output)
    expected = variants(progress_of[-1].files)[place]
    fid, pixel_fid, recall, coverage = expected.findings
    real = classified(classifier, to_float(data.test)).features
    other = classified(classifier, to_float(data.train[-PICTURES:])).features
    names = [each.name for each in (fid, pixel_fid, recall)]
    assert names == ["classifier FID", "pixel FID", "recall"]
    assert fid.value == pytest.approx(frechet_distance(real, seen.features), rel=1e-3)
    assert fid.real == pytest.approx(frechet_distance(real, other), rel=1e-3)
    assert fid.value == pytest.approx(expected.evaluations[-1].fid)  # as many samples as there are
    far = torch.cdist(real, seen.features).amin(1)
    reach = torch.cdist(real, real).sort().values[:, 5]
    assert coverage.name == "coverage"
    assert coverage.value == pytest.approx(float((far < reach).float().mean()), abs=0.01)
    assert expected.shares == pytest.approx(class_shares(seen.classes, 10).tolist(), abs=0.01)
    shown = samples(progress_of[-1].files)[place]
    assert (shown.int() - to_uint8(output[:SHOWN]).int()).abs().max() <= 1


@every_growing
def test_what_diverges_has_no_figures_and_stops_nothing(workspace, family):
    wild = {"optimizer": "sgd", "learning_rate": 10.0, "ema": 0.0}
    study = Ablation(start=begun(family, wild, loss="least squares", r1=100.0), pictures=PICTURES)
    *_, last = study.perform(workspace, {})
    assert last.step == last.steps
    actual = variants(last.files)
    assert [each.name for each in actual] == list(study.specs())
    for each in actual:
        assert each.findings == []
        assert each.shares == []
        assert len(each.evaluations) < EVALUATIONS
        assert all(math.isfinite(evaluation.fid) for evaluation in each.evaluations)
    assert len(samples(last.files)) == len(actual)


@pytest.mark.slow
def test_what_grows_without_bounds_but_stays_finite_has_diverged_too(workspace):
    wild = {"optimizer": "sgd", "learning_rate": 10.0, "ema": 0.0}
    study = Ablation(start=begun("progressive", wild, loss="wasserstein"), pictures=PICTURES)
    *_, last = study.perform(workspace, {})
    for each in variants(last.files):
        stopped = not each.evaluations or each.evaluations[-1].step < 10
        assert bool(each.findings) != stopped
