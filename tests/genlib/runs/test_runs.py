import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.decomposition import PCA
from torch.utils.flop_counter import FlopCounterMode

from genlib.config import MOST_EPOCHS, TrainConfig
from genlib.data import DATASETS
from genlib.data.dataset import load
from genlib.family import to_float
from genlib.metrics import pca_error
from genlib.models import FAMILIES
from genlib.models.stacked.config import StackedConfig
from genlib.rng import generator
from genlib.runs.cost import estimated_seconds, multiply_adds
from genlib.runs.run import (
    Run,
    curve_from_json,
    curve_to_json,
    perform,
    snapshots_from_tensors,
    snapshots_to_tensors,
)
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.training.curve import Row
from genlib.training.events import Diverged, Snapshot
from genlib.training.loop import Training, snapshot_steps

CPU = torch.device("cpu")
TRAIN = TrainConfig(batch_size=128, epochs=3)
MODEL = {"codings": 5, "depth": 0}
finite = st.floats(allow_nan=False, allow_infinity=False)


def spec(model: object = MODEL, train: object = TRAIN, family: str = "stacked") -> RunSpec:
    return RunSpec.model_validate(
        {"family": family, "dataset": "digits", "model": model, "train": train}
    )


@pytest.fixture(scope="module")
def run() -> Run:
    *_, last = perform(spec(), CPU)
    return last


def test_the_fingerprint_does_not_depend_on_where_the_model_config_came_from():
    config = StackedConfig.model_validate(MODEL)
    forms = [config, config.model_dump(), MODEL, json.loads(config.model_dump_json())]
    specs = [spec(form) for form in forms]
    specs += [spec(train=TRAIN.model_dump()), RunSpec(**dict(specs[0]))]
    specs += [RunSpec.model_validate_json(specs[0].model_dump_json())]
    assert {each.fingerprint for each in specs} == {specs[0].fingerprint}
    assert all(each.model == config for each in specs)


@pytest.mark.parametrize(
    "change", [{"model": {"codings": 6, "depth": 0}}, {"train": {"seed": 1}}, {"model": {}}]
)
def test_the_fingerprint_depends_on_model_and_training(change):
    assert spec(**change).fingerprint != spec().fingerprint


def test_the_fingerprint_depends_on_the_data_set():
    names = ["digits", "mnist", "fashion_mnist"]
    prints = {RunSpec.of_preset("stacked", "fast", name).fingerprint for name in names}
    assert len(prints) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "stackedd"},
        {"family": ""},
        {"model": TRAIN},
        {"model": {"codings": 0}},
        {"model": {"layers": 3}},
        {"model": None},
        {"model": 3},
        {"train": {"epochs": 0}},
        {"train": None},
    ],
)
def test_what_no_family_can_train_is_refused(wrong):
    with pytest.raises(ValidationError):
        spec(**wrong)


@pytest.mark.parametrize("document", [[], "stacked", {}, {"family": "stacked"}, None])
def test_what_is_no_specification_is_refused(document):
    with pytest.raises(ValidationError):
        RunSpec.model_validate(document)


def test_presets_by_name():
    with pytest.raises(KeyError):
        RunSpec.of_preset("stacked", "slow", "digits")
    with pytest.raises(KeyError):
        RunSpec.of_preset("unstacked", "fast", "digits")
    assert RunSpec.of_preset("stacked", "fast", "mnist").train == TrainConfig()


def test_few_pictures_take_more_passes_up_to_the_most_and_else_nothing_changes():
    passes = DATASETS["digits"].passes
    assert {name for name, source in DATASETS.items() if source.passes != 1} == {"digits"}
    usual, digits = (RunSpec.of_preset("vae", dataset=name) for name in ("mnist", "digits"))
    assert digits.train.epochs == passes * usual.train.epochs
    assert digits.train.model_copy(update={"epochs": usual.train.epochs}) == usual.train
    assert RunSpec.of_preset("linear", "ellipse", "digits").train.epochs == MOST_EPOCHS
    assert RunSpec.of_preset("linear").train == FAMILIES["linear"].presets["ellipse"].train
    for family, entry in FAMILIES.items():
        if entry.learns[0] == "pictures":
            usual, digits = (
                RunSpec.of_preset(family, dataset=name) for name in ("mnist", "digits")
            )
            assert digits.steps <= usual.steps, "it takes no longer than on many pictures"


def test_a_run_survives_its_files_bit_for_bit(run):
    files = run.to_files()
    again = Run.from_files(files)
    assert again.spec == run.spec
    assert again.provenance == run.provenance
    assert again.curve == run.curve
    assert [(m.step, m.figures) for m in again.snapshots] == [
        (m.step, m.figures) for m in run.snapshots
    ]
    for mine, theirs in zip(again.snapshots, run.snapshots, strict=True):
        assert torch.equal(mine.images, theirs.images)
    weights, expected = again.family.state_dict(), run.family.state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert again.to_files() == files


def test_a_run_survives_the_store(run, home):
    store = open_store(Settings())
    store.write_run(run.spec.fingerprint, run.to_files())
    assert store.fingerprints()[0] == run.spec.fingerprint
    files = store.read_run(run.spec.fingerprint)
    assert files == run.to_files()
    assert (home / "runs" / run.spec.fingerprint).is_dir()


def test_a_finished_run_is_for_looking_not_for_training(run):
    for family in (run.family, Run.from_files(run.to_files()).family):
        assert not family.training
        assert not any(weight.requires_grad for weight in family.parameters())


def test_its_numbers_are_those_of_its_weights_beside_scikit_learns_pca(run):
    data = load("digits")
    train, test = to_float(data.train), to_float(data.test)
    error = (run.family.reconstruct(test) - test).square().mean()
    metrics = run.provenance.metrics
    assert metrics["test_mse"] == pytest.approx(float(error), rel=1e-5)
    pca = PCA(MODEL["codings"], svd_solver="full").fit(train.flatten(1).numpy())
    flat = test.flatten(1).numpy()
    best = ((flat - pca.inverse_transform(pca.transform(flat))) ** 2).mean()
    assert metrics["pca_mse"] == pytest.approx(best, rel=1e-3)


def test_no_linear_autoencoder_beats_pca_on_the_pictures_both_were_fitted_to():
    *_, last = perform(spec(train=TRAIN.model_copy(update={"epochs": 40})), CPU)
    x = to_float(load("digits").train)
    error = float((last.family.reconstruct(x) - x).square().mean())
    flat = x.flatten(1)
    least = pca_error(flat, flat, MODEL["codings"])
    assert least <= error < 1.5 * least


def test_the_history_has_every_step_and_every_snapshot(run):
    steps = TRAIN.epochs * (len(load("digits").train) // TRAIN.batch_size)
    assert [row.step for row in run.curve] == list(range(1, steps + 1))
    assert [snapshot.step for snapshot in run.snapshots] == sorted(snapshot_steps(steps))
    last = run.snapshots[-1]
    x = to_float(load("digits").validation)
    error = float((run.family.reconstruct(x) - x).square().mean())
    assert last.figures["mse"] == pytest.approx(error, rel=1e-5)


def test_going_on_from_a_checkpoint_gives_the_same_run(run):
    data = load("digits")
    half = Training(spec().build(), data.train, TRAIN)
    for _ in range(7):
        half.advance()
    earlier = tuple(snapshot for snapshot in run.snapshots if snapshot.step < 7)
    *_, again = perform(spec(), CPU, half.state(), earlier)
    mine, theirs = again.to_files(), run.to_files()
    for name in ("model.safetensors", "history.jsonl", "snapshots.safetensors"):
        assert mine[name] == theirs[name]


def test_a_run_that_diverges_ends_with_that():
    train = {"optimizer": "adam", "learning_rate": 10, "batch_size": 64, "epochs": 10}
    *events, last = perform(spec({"activation": "selu"}, train), CPU)
    assert isinstance(last, Diverged)
    assert isinstance(events[0], Snapshot)


@given(
    st.lists(
        st.builds(
            Row,
            st.integers(0, 10**6),
            st.text(),
            *[st.dictionaries(st.text(), finite, max_size=3)] * 2,
        )
    )
)
def test_curves_survive_json(curve):
    assert curve_from_json(curve_to_json(curve)) == curve


@given(st.dictionaries(st.integers(0, 10**6), finite, max_size=4))
def test_moments_survive_safetensors_in_the_order_of_their_steps(values):
    images = torch.randint(0, 256, (2, 5, 4, 3), generator=generator(0)).to(torch.uint8)
    snapshots = [
        Snapshot(step, {"mse": value, "bce_excess": -value}, images.permute(0, 2, 1, 3))
        for step, value in values.items()
    ]
    again = snapshots_from_tensors(snapshots_to_tensors(snapshots))
    assert [(m.step, m.figures) for m in again] == sorted((m.step, m.figures) for m in snapshots)
    assert all(torch.equal(m.images, images.permute(0, 2, 1, 3)) for m in again)


def test_the_estimate_of_what_was_measured_is_the_measurement_and_grows_with_the_epochs(run):
    seconds = run.provenance.seconds
    assert estimated_seconds(run.spec, run.spec, seconds) == pytest.approx(seconds)
    twice = spec(train=TRAIN.model_copy(update={"epochs": 2 * TRAIN.epochs}))
    assert estimated_seconds(twice, run.spec, seconds) == pytest.approx(2 * seconds)


@pytest.mark.parametrize(
    ("family", "preset"),
    [("stacked", "fast"), ("convolutional", "textbook"), ("denoising", "convolutional")],
)
def test_multiply_adds_are_about_those_that_torch_counts(family: str, preset: str):
    spec = RunSpec.of_preset(family, preset)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        spec.build().preview(torch.zeros(1, 1, 28, 28), generator(0))
    expected = counter.get_total_flops() / 2  # it counts no biases, and a product as two
    assert multiply_adds(spec) == pytest.approx(expected, rel=0.02)


def test_a_recurrent_layer_uses_its_weights_once_for_each_row():
    lstms = [(28, 100), (100, 30), (30, 100)]
    weights = sum(4 * size * (fan_in + size + 2) for fan_in, size in lstms) + 28 * 101
    assert multiply_adds(RunSpec.of_preset("recurrent")) == 28 * weights
