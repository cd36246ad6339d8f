"""Families compared: the budget, the figures of each, the triangle, and configs apart."""

import json
import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from genlib.classifier import ClassifierSpec, classified
from genlib.cli import main
from genlib.config import differences
from genlib.data.dataset import load
from genlib.errors import TaskError
from genlib.family import to_float, to_uint8
from genlib.jobs.catalogue import read_task
from genlib.metrics import class_shares, frechet_distance
from genlib.models import FAMILIES
from genlib.plots import triangle
from genlib.plots.triangle import INNER, places
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store, open_store
from genlib.settings import Settings
from genlib.studies import STUDIES, comparison
from genlib.studies.comparison import (
    COMPONENTS,
    MEMBERS,
    MOST,
    REAL,
    SHOWN,
    Comparison,
    Figure,
    Standing,
    samples,
    standings,
)
from genlib.studies.health import Health, report
from genlib.studies.mixture_prior import fitted
from genlib.studies.trilemma import Shares, shares, variety
from genlib.tasks import workspace as benches
from genlib.tasks.progress import Progress
from genlib.tasks.result import list_to_json
from genlib.tasks.workspace import Workspace
from tests.support.studied import CPU, trained
from ui.compare import families, trilemma, two_runs

JUDGE = ClassifierSpec(dataset="digits")
PICTURES = 200
STUDY = Comparison(dataset="digits", seconds=1, pictures=PICTURES)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory):
    """Return a bench over the shipped runs, with a judge that was trained for a moment.

    No member trains for more than two epochs there.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLIB_HOME", str(tmp_path_factory.mktemp("comparing")))
        patch.setattr(comparison, "MOST", 2)
        workspace = Workspace(open_store(Settings()), CPU)
        *_, last = ClassifierSpec(dataset="digits", steps=30, batch_size=128).perform(
            workspace, {}
        )
        workspace.store.write_run(JUDGE.fingerprint, last.files)
        yield workspace


@pytest.fixture(scope="module")
def compared(workspace: Workspace) -> list[Progress]:
    return list(STUDY.perform(workspace, {}))


@pytest.fixture(scope="module")
def measured(compared: list[Progress]) -> list[Standing]:
    return standings(compared[-1].files)


@pytest.fixture(scope="module")
def runs(workspace: Workspace, compared) -> dict[str, Run]:
    return {name: workspace.run(spec) for name, spec in STUDY.specs(workspace.seconds).items()}


def timeless(measured: list[Standing]) -> list[Standing]:
    """Return standings without their seconds, which no two measurements share."""
    untimed = {"training": None, "sampling": None}
    return [each.model_copy(update=untimed) for each in measured]


def test_the_comparison_is_a_study_like_the_others():
    assert STUDIES["comparison"].load() is Comparison
    again = read_task(STUDY.model_dump_json())
    assert type(again) is Comparison
    assert again == STUDY
    assert again.fingerprint == STUDY.fingerprint
    changed = {"seed": 1, "seconds": 2, "pictures": 201, "dataset": "mnist"}
    others = [STUDY.model_copy(update={name: value}) for name, value in changed.items()]
    assert len({each.fingerprint for each in (STUDY, *others)}) == 5


@pytest.mark.parametrize("dataset", ["ring", "ellipse", "imagenet"])
def test_only_pictures_are_compared(dataset):
    with pytest.raises(ValidationError):
        Comparison(dataset=dataset)


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"seconds": 10_000}, {"pictures": 10}])
def test_a_budget_has_its_limits(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Comparison(dataset="digits", **wrong)


@pytest.mark.parametrize(
    ("seconds", "each", "epochs"),
    [(10, 2.0, 5), (10, 4.1, 2), (10, 60.0, 1), (1, 1000.0, 1), (240, 1e-3, MOST), (30, 30.0, 1)],
)
def test_the_epochs_are_what_the_budget_pays_for_and_one_at_least(seconds, each, epochs):
    study = Comparison(dataset="digits", seconds=seconds, seed=7)
    specs = study.specs(lambda spec: each * spec.train.epochs)
    assert list(specs) == list(MEMBERS)
    for name, spec in specs.items():
        assert spec.train.epochs == epochs
        preset = RunSpec.of_preset(MEMBERS[name], dataset="digits")
        messages = {title for title, *_ in differences(preset, spec)}
        assert {"Seed"} <= messages <= {"Seed", "Epochs"}, "nothing else is changed"


def test_a_default_run_costs_what_the_shipped_one_took(workspace):
    for family in MEMBERS.values():
        spec = RunSpec.of_preset(family)
        assert workspace.seconds(spec) == pytest.approx(workspace.run(spec).provenance.seconds)


def test_twice_the_budget_is_about_twice_the_epochs(workspace, monkeypatch):
    monkeypatch.setattr(comparison, "MOST", MOST)
    one, two = (
        Comparison(dataset="fashion_mnist", seconds=seconds).specs(workspace.seconds)
        for seconds in (120, 240)
    )
    for name in MEMBERS:
        assert abs(two[name].train.epochs - 2 * one[name].train.epochs) <= 1
        cost = workspace.seconds(one[name])
        assert abs(cost - 120) <= workspace.seconds(one[name]) / one[name].train.epochs


def test_without_shipped_runs_there_is_no_price(tmp_path):
    with pytest.raises(TaskError, match="not trained"):
        next(STUDY.perform(Workspace(Store(tmp_path), CPU), {}))


def test_a_comparison_tells_its_progress_and_everything_that_it_knows(compared, measured):
    steps = [event.step for event in compared]
    assert steps == sorted(steps)
    assert len({event.steps for event in compared}) == 1
    assert steps[-1] == compared[-1].steps
    for event in compared:
        expected = standings(event.files)
        assert expected == measured[: len(expected)]
        assert expected[0].name == REAL
        assert set(samples(event.files)) == {each.name for each in expected}


def test_the_standings_are_real_pictures_and_each_member_in_order(measured, compared):
    assert [each.name for each in measured] == [REAL, *MEMBERS]
    assert list_to_json(measured) == compared[-1].files["standings.json"]
    assert standings({}) == []
    assert samples({}) == {}


def test_every_interval_holds_its_figure(measured):
    for each in measured:
        for figure in (
            each.fid,
            each.pixel_fid,
            each.coverage,
            each.vendi,
            each.precision,
            each.recall,
        ):
            assert figure.low <= figure.value <= figure.high
        assert each.fid.value > 0
        for share in (each.coverage, each.precision, each.recall):
            assert 0 <= share.value <= 1
        assert sum(each.class_shares) == pytest.approx(1)
        assert 1 <= each.vendi.value <= PICTURES


def test_what_real_pictures_reach_is_the_floor_of_the_health_study(workspace, measured):
    run = trained("gan", 1, codings=3, hidden=9)
    workspace.store.write_run(run.spec.fingerprint, run.to_files())
    *_, last = Health(start=run.spec, pictures=PICTURES).perform(workspace, {})
    floor = {each.name: each.real for each in report(last.files).findings}
    real = measured[0]
    assert real.fid.value == pytest.approx(floor["classifier FID"])
    assert real.pixel_fid.value == pytest.approx(floor["pixel FID"])
    assert real.coverage.value == pytest.approx(floor["coverage"])
    assert real.vendi.value == pytest.approx(floor["Vendi score"])
    assert real.precision.value == pytest.approx(floor["precision"])
    assert real.recall.value == pytest.approx(floor["recall"])
    classifier = JUDGE.read(workspace.store.read_run(JUDGE.fingerprint), CPU)
    seen = classified(classifier, to_float(load("digits").train[-PICTURES:])).classes
    assert real.class_shares == pytest.approx(class_shares(seen, 10).tolist())


def test_sizes_and_errors_are_those_of_the_runs(measured, runs):
    for each in measured[1:]:
        family = RunSpec.of_preset(MEMBERS[each.name], dataset="digits").build()
        assert each.parameters == sum(weight.numel() for weight in family.parameters())
        run = runs[each.name]
        assert each.fingerprint == run.spec.fingerprint
        assert each.reconstruction == run.provenance.metrics.get("test_mse")
        assert each.training >= run.provenance.seconds
        assert 0 < each.sampling < 60
    messages = {each.name: each.reconstruction is not None for each in measured[1:]}
    assert [messages[name] for name in MEMBERS] == [True, True, False, False]
    assert {measured[0].reconstruction, measured[0].parameters, measured[0].training} == {None}


def drawn(name: str, run: Run, count: int) -> torch.Tensor:
    """Return a member's samples by other means."""
    if MEMBERS[name] != "stacked":
        return run.family.sample(count, generator(0))
    codings = run.family.encode(to_float(load("digits").train))
    return run.family.decode(fitted(codings, COMPONENTS).sample(count, generator(0)))


def test_samples_are_drawn_from_each_prior_and_from_the_fitted_mixture(compared, runs):
    stored = samples(compared[-1].files)
    assert torch.equal(stored[REAL], load("digits").test[:SHOWN])
    for name, run in runs.items():
        assert stored[name].shape == (SHOWN, 1, 8, 8)
        again = to_uint8(drawn(name, run, PICTURES)[:SHOWN])
        assert (stored[name].int() - again.int()).abs().max() <= 1, name


def test_the_fid_is_that_of_a_member_s_samples(measured, runs, workspace):
    classifier = JUDGE.read(workspace.store.read_run(JUDGE.fingerprint), CPU)
    real = classified(classifier, to_float(load("digits").test)).features
    for each in measured[1:]:
        output = classified(classifier, drawn(each.name, runs[each.name], PICTURES)).features
        assert each.fid.value == pytest.approx(frechet_distance(real, output), rel=1e-3)


@pytest.mark.parametrize("expected", [1, pytest.param(3, marks=pytest.mark.slow), 5])
def test_a_comparison_goes_on_where_it_was(workspace, compared, measured, expected):
    half = next(event.files for event in compared if len(standings(event.files)) == expected)
    *_, last = STUDY.perform(workspace, half)
    assert standings(last.files)[:expected] == measured[:expected], "with their seconds"
    assert timeless(standings(last.files)) == timeless(measured)
    assert last.files["samples.safetensors"] == compared[-1].files["samples.safetensors"]


def test_no_member_is_trained_or_measured_twice(workspace, compared, monkeypatch):
    monkeypatch.setattr(benches, "perform", lambda *_: pytest.fail("trained again"))
    marked = [each.model_copy(update={"parameters": -1}) for each in standings(compared[-1].files)]
    files = compared[-1].files | {"standings.json": list_to_json(marked)}
    *_, last = STUDY.perform(workspace, files)
    assert standings(last.files) == marked


def standing(name: str, fid: float, coverage: float, sampling: float | None = None) -> Standing:
    """Return a standing whose intervals reach a tenth to both sides."""
    return Standing(
        name=name,
        fid=around(fid),
        coverage=around(coverage),
        vendi=around(2.0),
        sampling=sampling,
    )


def around(value: float) -> Figure:
    return Figure(value=value, low=0.9 * value, high=1.1 * value)


STOOD = [
    standing(REAL, 1.0, 0.8),
    standing("worst and fast", 100.0, 0.2, 1e-3),
    standing("middle", 10.0, 0.4, 1e-2),
    standing("best and slow", 1.0, 0.9, 1e-1),
]


def test_the_triangle_counts_distances_and_speeds_by_their_logarithm():
    got = shares(STOOD)
    assert list(got) == [each.name for each in STOOD[1:]]
    assert got["worst and fast"] == pytest.approx(Shares(0, 0.25, 1))
    assert got["middle"] == pytest.approx(Shares(0.5, 0.5, 0.5))
    assert got["best and slow"] == pytest.approx(Shares(1, 1, 0)), "more than real counts as real"


def test_better_than_real_is_the_rim_and_equal_speeds_are_all_the_fastest():
    better = [*STOOD[:2], standing("better", 0.5, 0.5, 1e-3)]
    got = shares(better)
    assert got["better"].quality == 1
    assert {each.speed for each in got.values()} == {1}


def test_the_unit_of_a_figure_does_not_move_the_triangle():
    scaled = [
        standing(
            each.name,
            3 * each.fid.value,
            each.coverage.value,
            each.sampling and 7 * each.sampling,
        )
        for each in STOOD
    ]
    for name, places_ in shares(scaled).items():
        assert places_ == pytest.approx(shares(STOOD)[name])


def test_a_share_lies_between_the_inner_ring_and_its_corner():
    for corner in range(3):
        for share in (0.0, 0.3, 1.0):
            values = np.zeros(3)
            values[corner] = share
            far = np.hypot(*places(values).T)
            assert far[corner] == pytest.approx(INNER + (1 - INNER) * share)
    rim = places(np.ones(3))
    sides = [math.dist(rim[one], rim[one - 1]) for one in range(3)]
    assert sides == pytest.approx([math.sqrt(3)] * 3)
    assert rim[0] == pytest.approx([0, 1]), "the first corner is on top"
    assert rim[1][0] > 0 > rim[2][0], "and they go clockwise"


def test_each_member_has_a_triangle_that_says_its_values():
    got = {name: np.array(values) for name, values in shares(STOOD).items()}
    messages = {name: (f"{name} a", f"{name} b", f"{name} c") for name in got}
    figure = triangle(got, ("one", "two", "three"), messages)
    drawn = [trace for trace in figure.data if trace.name]
    assert [trace.name for trace in drawn] == list(got)
    assert len({trace.line.color for trace in drawn}) == len(got)
    for trace in drawn:
        np.testing.assert_allclose(np.stack([trace.x, trace.y], 1)[:3], places(got[trace.name]))
        assert (trace.x[0], trace.y[0]) == (trace.x[-1], trace.y[-1])
        assert tuple(trace.text[:3]) == messages[trace.name]
    assert [note.text for note in figure.layout.annotations] == ["one", "two", "three"]


def test_the_verdict_names_who_is_ahead_and_says_when_that_is_not_sure():
    sentence = trilemma.verdict(STOOD)
    assert (
        "best and slow comes nearest to real pictures, classifier FID 1 (real ones 1)." in sentence
    )
    assert "The farthest is worst and fast, 100." in sentence
    assert "best and slow has the highest coverage, 90% (real ones 80%)." in sentence
    assert "worst and fast has the lowest, 20%. Coverage falls with blur too" in sentence
    assert "Classes" not in sentence, "version 1 did not count them"
    assert "worst and fast is the fastest, 1 ms" in sentence
    assert "best and slow takes 100 times as long" in sentence
    assert "surely" not in sentence
    near = [*STOOD, standing("a twin", 1.05, 0.85, 1e-2)]
    sentence = trilemma.verdict(near)
    assert sentence.count("not surely ahead of a twin") == 2


def recalled(each: Standing, recall: float) -> Standing:
    """Return a standing as the study measures it now, with a recall and two classes."""
    return each.model_copy(update={"recall": around(recall), "class_shares": [0.25, 0.75]})


def test_where_recall_was_measured_it_is_the_diversity_and_coverage_is_not():
    now = [
        recalled(each, recall) for each, recall in zip(STOOD, (0.9, 0.6, 0.3, 0.1), strict=True)
    ]
    assert shares(now)["worst and fast"].diversity == pytest.approx(0.6 / 0.9)
    sentence = trilemma.verdict(now)
    assert "worst and fast has the highest recall, 60% (real ones 90%)." in sentence
    assert "best and slow has the lowest, 10%.\n" in sentence
    assert "rarest class: worst and fast 25.0%" in sentence
    some = [*now[:-1], STOOD[-1]]
    assert variety(some)[0] == "coverage", "one measure for all"


def test_the_seconds_of_each_training_are_said_and_who_had_more_than_the_budget():
    study = Comparison(dataset="fashion_mnist", seconds=30)
    took = {"VAE": 31.0, "GAN": 49.0, "Diffusion": 107.0}
    members = [
        standing(name, 1.0, 0.5, 1.0).model_copy(update={"training": seconds})
        for name, seconds in took.items()
    ]
    sentence = trilemma.trained(study, members)
    assert "The budget is 30 s each. Families train whole epochs" in sentence
    assert "VAE 31 s, GAN 49 s, Diffusion 107 s" in sentence
    assert sentence.endswith("Diffusion trained 3.5 times as long as VAE, which favours it.")
    assert "favours" not in trilemma.trained(study, members[:1])


def test_the_variance_that_the_vae_assumes_is_beside_the_one_that_it_has():
    vae = standing("VAE", 1.0, 0.5, 1.0).model_copy(update={"reconstruction": 0.02})
    sentence = trilemma.assumed_variance([vae])
    assert "0.020, 25 times less" in sentence
    preset = RunSpec.of_preset("vae").model
    assert (preset.beta, preset.loss) == (1.0, "mse")
    assert trilemma.assumed_variance([]) == ""


def test_noise_errors_compare_at_equal_schedules_alone():
    fast, thorough = RunSpec.of_preset("ddpm"), RunSpec.of_preset("ddpm", "thorough")
    assert two_runs.noise_compares(fast, thorough)
    for other in (RunSpec.of_preset("ddpm", "never noise"), RunSpec.of_preset("flow")):
        assert not two_runs.noise_compares(fast, other)


@pytest.mark.parametrize(
    ("seconds", "sentence"), [(1.0, "1 s"), (12.34, "12 s"), (0.1, "0.1 s"), (0.0012, "1.2 ms")]
)
def test_times_are_said_in_seconds_or_milliseconds(seconds, sentence):
    assert trilemma._time(seconds) == sentence


def test_every_member_is_one_of_the_families_apart():
    assert [name.split(" +")[0] for name in MEMBERS] == list(families.APART)
    assert set(MEMBERS.values()) <= set(FAMILIES)


def test_a_config_does_not_differ_from_itself():
    for family in FAMILIES:
        assert differences(RunSpec.of_preset(family), RunSpec.of_preset(family)) == []


def test_two_configs_differ_in_the_knob_that_was_changed_by_its_title():
    one = RunSpec.of_preset("vae")
    model = one.model.model_copy(update={"beta": 4.0})
    assert differences(one, one.model_copy(update={"model": model})) == [("β", 1.0, 4.0)]
    train = one.train.model_copy(update={"epochs": 3})
    assert differences(one.model_copy(update={"train": train}), one) == [("Epochs", 3, 8)]
    other = one.model_copy(update={"dataset": "digits"})
    assert differences(one, other) == [("Data set", "fashion_mnist", "digits")]


def test_a_knob_that_one_family_does_not_have_is_none_there():
    measured = differences(RunSpec.of_preset("vae"), RunSpec.of_preset("stacked"))
    messages = {title: (left, right) for title, left, right in measured}
    assert messages["Family"] == ("vae", "stacked")
    assert messages["β"] == (1.0, None)
    assert messages["Tied weights"] == (None, False)
    assert messages["Codings"] == (10, 30)
    assert "Optimizer" not in messages


def test_the_command_line_measures_the_comparison_that_a_page_would_ask_for(workspace, capsys):
    command = ["measure", "comparison", "--dataset", "digits", "--seconds", "1", "--seed", "0"]
    assert main([*command, "--pictures", str(PICTURES)]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {"fingerprint": STUDY.fingerprint}
    assert workspace.store.has_run(STUDY.fingerprint)
    assert main(["measure", "comparison", "--dataset", "ring"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
