"""Studies of GANs: the health of a generator, a game from many seeds, every loss and cure."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.spatial.distance import cdist, pdist

from genlib.adversarial.config import AdversarialConfig
from genlib.classifier import ClassifierSpec, classified
from genlib.config import TrainConfig
from genlib.data.dataset import load
from genlib.data.points import MODES
from genlib.errors import TaskError
from genlib.family import to_float, to_uint8
from genlib.jobs.catalogue import read_task
from genlib.metrics import count_modes, frechet_distance
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import recipe_grid
from genlib.studies.health import COMPARED, STEPS, Health, nearest, report
from genlib.studies.health import SHOWN as NEAREST
from genlib.studies.recipe_grid import CURES, LOSSES, PARTS, Recipe, RecipeGrid, grid
from genlib.studies.seed_sweep import SAMPLES, SHOWN, SeedSweep, samples_of, sweep
from genlib.tasks.progress import Progress
from genlib.tasks.result import list_to_json
from genlib.tasks.workspace import Workspace
from genlib.training.loop import Training
from tests.support.studied import trained, workspace_of

JUDGE = ClassifierSpec(dataset="digits")
PICTURES = 200
SHARES = ("precision", "recall", "coverage")


def game(dataset: str = "ring", train: dict[str, object] | None = None, **model) -> RunSpec:
    """Return a game in the plane of four steps."""
    recipe = {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 4096, "epochs": 1}
    return RunSpec.model_validate(
        {
            "family": "gan2d",
            "dataset": dataset,
            "model": {"hidden": 8} | model,
            "train": TrainConfig.model_validate(recipe | {"ema": 0.0} | (train or {})),
        }
    )


STUDIES = (
    Health(start=RunSpec.of_preset("gan", dataset="digits"), pictures=300),
    SeedSweep(start=game(), seeds=3),
    RecipeGrid(start=game("grid"), seeds=3),
)


@pytest.mark.parametrize("task", STUDIES, ids=lambda task: task.study)
def test_a_study_of_gans_is_read_as_it_was_written(task):
    again = read_task(task.model_dump_json())
    assert type(again) is type(task)
    assert again == task
    assert again.fingerprint == task.fingerprint


def test_only_what_makes_new_pictures_is_examined():
    with pytest.raises(ValidationError, match="the family stacked makes no new pictures"):
        Health(start=RunSpec.of_preset("stacked", dataset="digits"))
    with pytest.raises(ValidationError, match="a classifier knows pictures alone"):
        Health(start=game())


@pytest.mark.parametrize("study", [SeedSweep, RecipeGrid])
@pytest.mark.parametrize("family", ["gan", "dcgan", "vae"])
def test_only_games_in_the_plane_are_played_from_many_seeds(study, family):
    with pytest.raises(ValidationError, match=f"the family {family} is no game in the plane"):
        study(start=RunSpec.of_preset(family, dataset="digits"))


@pytest.fixture(scope="module")
def run() -> Run:
    return trained("gan", 2, codings=3, hidden=9)


@pytest.fixture(scope="module")
def workspace(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a bench whose judge of digits was trained for a moment: it is there, so it judges."""
    workspace = workspace_of(tmp_path_factory.mktemp("judging"), run)
    *_, last = ClassifierSpec(dataset="digits", steps=30, batch_size=128).perform(workspace, {})
    workspace.store.write_run(JUDGE.fingerprint, last.files)
    return workspace


@pytest.fixture(scope="module")
def examined(run: Run, workspace: Workspace) -> list[Progress]:
    return list(Health(start=run.spec, pictures=PICTURES).perform(workspace, {}))


@pytest.fixture(scope="module")
def examined_samples(run: Run) -> torch.Tensor:
    """Return the samples that are examined."""
    return run.family.sample(PICTURES, generator(0)).clamp(0, 1)


def test_an_examination_tells_each_of_its_steps_and_ends_with_its_report(examined):
    assert [event.step for event in examined] == list(range(1, STEPS + 1))
    assert {event.steps for event in examined} == {STEPS}
    assert [bool(event.files) for event in examined] == [False] * (STEPS - 1) + [True]


def test_the_same_generator_gets_the_same_report(run, workspace, examined):
    *_, again = Health(start=run.spec, pictures=PICTURES).perform(
        workspace, {"report.json": b"half"}
    )
    assert again.files == examined[-1].files


def test_a_report_is_read_as_it_was_written(examined):
    actual = report(examined[-1].files)
    assert actual.to_json() == examined[-1].files["report.json"]
    assert actual.pictures == PICTURES


def test_the_figures_of_a_report_lie_where_they_can(examined):
    actual = report(examined[-1].files)
    for shares in (actual.shares, actual.real_shares):
        assert len(shares) == 10
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= 0
    for finding in actual.findings:
        assert finding.low <= finding.high, finding.name
        assert math.isfinite(finding.real)
        if finding.name in SHARES:
            assert 0 <= finding.value <= 1
            assert 0 <= finding.real <= 1
    assert 0 <= actual.p_value <= 1
    pairs = COMPARED * (COMPARED - 1) // 2
    assert 0 <= actual.twins <= pairs
    assert 0 <= actual.real_twins <= pairs
    assert (actual.support == math.inf) == (actual.twins == 0)


def test_real_pictures_are_better_than_those_of_a_generator_that_has_learned_little(examined):
    actual = report(examined[-1].files)
    better = [
        finding.value > finding.real if finding.wanted == "low" else finding.value < finding.real
        for finding in actual.findings
    ]
    names = [finding.name for finding in actual.findings]
    messages = dict(zip(names, better, strict=True))
    assert {"classifier FID", "KID × 1,000", "recall", "coverage", "Vendi score"} <= set(names)
    assert messages["classifier FID"]
    assert messages["KID × 1,000"]
    assert messages["coverage"]
    assert actual.p_value < 0.05
    assert actual.to_training > actual.real_to_training


def test_what_a_report_says_of_features_is_so_by_other_means(
    workspace, examined, examined_samples
):
    classifier = JUDGE.read(workspace.store.read_run(JUDGE.fingerprint), workspace.device)
    data = load("digits")
    real = classified(classifier, to_float(data.test)).features
    other = classified(classifier, to_float(data.train[-PICTURES:])).features
    fake = classified(classifier, examined_samples)
    actual = report(examined[-1].files)
    messages = {finding.name: finding for finding in actual.findings}
    distance = messages["pairwise distance"]
    assert distance.value == pytest.approx(pdist(fake.features.double()).mean(), rel=1e-4)
    assert distance.real == pytest.approx(pdist(other.double()).mean(), rel=1e-4)
    fid = messages["classifier FID"]
    assert fid.value == pytest.approx(frechet_distance(real, fake.features), rel=1e-4)
    shares = np.bincount(fake.classes, minlength=10) / PICTURES
    assert actual.shares == pytest.approx(shares.tolist())


def test_the_distances_to_training_pictures_are_those_of_brute_force(examined, examined_samples):
    data = load("digits")
    expected = to_float(data.train).flatten(1).double().numpy()
    test = to_float(data.test[:COMPARED])
    actual = report(examined[-1].files)
    for value, pictures in (
        (actual.to_training, examined_samples),
        (actual.real_to_training, test),
    ):
        far = cdist(pictures.flatten(1).double().numpy(), expected).min(1)
        assert value == pytest.approx(float(np.sort(far)[(len(far) - 1) // 2]), abs=1e-3)


def test_the_nearest_training_pictures_are_those_of_brute_force(examined, examined_samples):
    samples, training = nearest(examined[-1].files)
    assert torch.equal(samples, to_uint8(examined_samples[:NEAREST]))
    assert training.shape == samples.shape
    train = load("digits").train
    here = examined_samples[:NEAREST].flatten(1).double()
    far = cdist(here.numpy(), to_float(train).flatten(1).double().numpy())
    for place, picture in enumerate(training):
        assert (train == picture).flatten(1).all(1).any(), "it is a training picture"
        own = float((here[place] - to_float(picture).flatten().double()).norm())
        assert own == pytest.approx(far[place].min(), abs=1e-4)


SEEDS = 3
STEEP = {"optimizer": "sgd", "learning_rate": 10.0, "epochs": 10}  # the slopes grow


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_of(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def swept(plain: Workspace) -> list[Progress]:
    return list(SeedSweep(start=game(), seeds=SEEDS).perform(plain, {}))


def test_a_sweep_of_seeds_is_read_as_it_was_found(swept):
    actual = sweep(swept[-1].files)
    assert (swept[-1].step, swept[-1].steps) == (5, 5), "four steps, and the samples"
    assert len(actual.games) == SEEDS
    games = samples_of(swept[-1].files)
    assert games.shape == (SEEDS, SHOWN, 2)
    assert actual.seconds > 0
    modes = MODES["ring"]
    for counts, samples in zip(actual.games, games, strict=True):
        assert 0 <= counts.captured <= 8
        assert 0 <= counts.high_quality <= 1
        assert -1e-6 <= counts.reverse_kl <= math.log(8) + 1e-6
        assert count_modes(samples, *modes).captured <= counts.captured, "of fewer samples"
        share = count_modes(samples, *modes).high_quality * SHOWN
        assert share <= counts.high_quality * SAMPLES + 1e-3
    assert not torch.equal(games[0], games[1])


def test_the_same_sweep_of_seeds_finds_the_same(plain, swept):
    *_, again = SeedSweep(start=game(), seeds=SEEDS).perform(plain, {"games.json": b"half"})
    assert sweep(again.files).games == sweep(swept[-1].files).games
    assert torch.equal(samples_of(again.files), samples_of(swept[-1].files))


@pytest.mark.parametrize("study", [SeedSweep, RecipeGrid])
def test_data_without_modes_are_refused(study, plain):
    with pytest.raises(TaskError, match="no modes to count"):
        next(study(start=game("moons"), seeds=2).perform(plain, {}))


def test_a_sweep_that_diverges_says_what_to_change(plain):
    start = game(
        train={"optimizer": "sgd", "learning_rate": 10.0, "epochs": 10}, loss="wasserstein"
    )
    with pytest.raises(TaskError, match="learning rate"):
        list(SeedSweep(start=start, seeds=2).perform(plain, {}))


@pytest.mark.parametrize("seeds", [3, 10])
def test_every_seed_takes_as_many_steps_as_a_single_game_of_few_points(seeds, plain):
    start = game(train={"pictures": 256, "batch_size": 64, "epochs": 1})
    single = Training(start.build(), load("ring").train, start.train)
    *_, last = SeedSweep(start=start, seeds=seeds).perform(plain, {})
    assert single.steps == 4
    assert last.steps == single.steps + 1, "and one for the samples"
    assert len(sweep(last.files).games) == seeds


def test_the_recipes_are_every_loss_with_every_cure_and_differ_in_nothing_else():
    start = game(loss="hinge", r1=3.0, packing=2, smoothing=0.1, critic_rate=0.5)
    recipes = RecipeGrid(start=start).recipes()
    assert set(recipes) == {(loss, cure) for loss in LOSSES for cure in CURES}
    assert len({spec.fingerprint for spec in recipes.values()}) == len(LOSSES) * len(CURES)
    usual = AdversarialConfig().model_dump()
    cured = {name for cure in CURES.values() for name in cure}
    for (loss, cure), spec in recipes.items():
        model, began = spec.model.model_dump(), start.model.model_dump()
        assert model.pop("loss") == loss
        for name in model:
            expected = usual if name in cured else began
            assert model[name] == CURES[cure].get(name, expected[name]), (loss, cure, name)
        assert spec.train == start.train
        assert (spec.family, spec.dataset) == (start.family, start.dataset)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> RecipeGrid:
    """Return a grid of two losses and two cures."""
    monkeypatch.setattr(recipe_grid, "LOSSES", ("hinge", "least squares"))
    monkeypatch.setattr(recipe_grid, "CURES", {"none": {}, "R1": CURES["R1"]})
    return RecipeGrid(start=game(), seeds=2)


def test_a_grid_of_recipes_tells_its_progress_and_goes_on_where_it_was(few, plain):
    events = list(few.perform(plain, {}))
    steps = [event.step for event in events]
    assert steps == sorted(steps)
    assert steps[-1] == PARTS * 4
    assert {event.steps for event in events} == {PARTS * 4}
    whole = grid(events[-1].files)
    assert [(recipe.loss, recipe.cure) for recipe in whole] == list(few.recipes())
    for recipe in whole:
        assert len(recipe.captured) == 2
        assert 0 <= recipe.high_quality <= 1
    for event in events:
        expected = grid(event.files)
        assert expected == whole[: len(expected)]
    played = whole[1].model_copy(update={"captured": [99, 98]})
    *_, last = few.perform(plain, {"recipes.json": list_to_json([played])})
    assert grid(last.files)[0] == played, "it is not played again"
    assert grid(last.files)[1:] == [whole[0], *whole[2:]]
    assert list(few.perform(plain, events[-1].files)) == []


def test_a_recipe_that_diverges_is_kept_without_modes(plain, monkeypatch):
    monkeypatch.setattr(recipe_grid, "LOSSES", ("wasserstein",))
    monkeypatch.setattr(recipe_grid, "CURES", {"none": {}})
    start = game(train=STEEP)
    *_, last = RecipeGrid(start=start, seeds=2).perform(plain, {})
    assert grid(last.files) == [
        Recipe(loss="wasserstein", cure="none", captured=[], high_quality=0.0)
    ]
    assert last.step == last.steps


def test_before_anything_is_found_a_grid_is_empty():
    assert grid({}) == []
