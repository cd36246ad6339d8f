"""Studies measure what they say, the same each time, and lose nothing where they are stopped."""

import copy
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.numpy import load as load_arrays
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness

from genlib.data.dataset import load
from genlib.errors import TaskError
from genlib.family import to_float
from genlib.jobs.catalogue import read_task
from genlib.models import FAMILIES
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.code_map import ROUNDS, CodeMap, by_pca, codings_of
from genlib.studies.few_labels import (
    LABELS,
    METHODS,
    Accuracy,
    FewLabels,
    accuracies,
    drawn,
    to_files,
)
from genlib.tasks.workspace import Workspace
from tests.support.studied import few_labels_of, trained, workspace_of

SPEC = RunSpec.of_preset("stacked", dataset="digits")
PRESETS = [RunSpec.of_preset(name, each) for name in FAMILIES for each in FAMILIES[name].presets]
STARTS = [spec for spec in PRESETS if "encodes" in FAMILIES[spec.family].abilities]
TASKS = [
    *PRESETS,
    *(CodeMap(start=spec) for spec in STARTS),
    *(FewLabels(start=spec) for spec in STARTS if spec.dataset != "ellipse"),
    CodeMap(start=SPEC, pictures=300, perplexity=12.5),
    FewLabels(start=SPEC, seeds=7, steps=150),
]


@pytest.fixture(scope="module")
def run() -> Run:
    return trained(codings=10)


@pytest.fixture(scope="module")
def workspace(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_of(tmp_path_factory.mktemp("bench"), run)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few of the labels, so that a study takes a second."""
    monkeypatch.setattr("genlib.studies.few_labels.LABELS", (10, 30))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_a_task_is_read_as_it_was_written(task: RunSpec | CodeMap | FewLabels):
    again = read_task(task.model_dump_json())
    assert type(again) is type(task)
    assert again == task
    assert again.fingerprint == task.fingerprint
    spec = again if isinstance(again, RunSpec) else again.start
    assert type(spec.model) is FAMILIES[spec.family].config_type


def test_no_two_tasks_have_one_name():
    assert len({task.fingerprint for task in TASKS}) == len(TASKS)


@pytest.mark.parametrize(
    ("study", "changes"),
    [
        (CodeMap(start=SPEC), {"pictures": 400, "perplexity": 20.0, "start": PRESETS[-1]}),
        (FewLabels(start=SPEC), {"seeds": 4, "steps": 350, "start": PRESETS[-1]}),
    ],
    ids=["map", "few labels"],
)
def test_every_field_of_a_study_changes_its_name(study, changes):
    assert set(changes) | {"study"} == set(type(study).model_fields)
    names = {study.model_copy(update={key: value}).fingerprint for key, value in changes.items()}
    assert len(names | {study.fingerprint, SPEC.fingerprint}) == len(changes) + 2


START = SPEC.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "null", "1", "[]", "{}", '"stacked"', START[:-1], f"[{START}]"),
        *('{"family": []}', '{"family": "stacked"}', '{"study": []}', '{"study": "code_map"}'),
        f'{{"study": "seed_sweep", "start": {START}}}',
        f'{{"start": {START}}}',
        f'{{"study": "few_labels", "start": {START}, "perplexity": 30}}',
        f'{{"study": "few_labels", "start": {START}, "seeds": 1}}',
        f'{{"study": "few_labels", "start": {START}, "steps": 1e9}}',
        f'{{"study": "code_map", "start": {START}, "perplexity": NaN}}',
        f'{{"study": "code_map", "start": {{"study": "code_map", "start": {START}}}}}',
    ],
)
def test_what_is_no_task_is_refused(text: str):
    with pytest.raises(ValueError, match=r"there are only|validation error|Expecting"):
        read_task(text)


@pytest.fixture(scope="module")
def formed(run: Run, workspace: Workspace) -> list[dict[str, np.ndarray]]:
    """Return the map after each round."""
    events = list(CodeMap(start=run.spec, pictures=300).perform(workspace, {}))
    assert [(event.step, event.steps) for event in events] == [
        (step, ROUNDS) for step in range(1, ROUNDS + 1)
    ]
    return [load_arrays(event.files["map.safetensors"]) for event in events]


def test_a_map_has_a_place_for_every_picture(formed):
    for places in formed:
        assert set(places) == {"pca", "tsne"}
        for each in places.values():
            assert each.shape == (300, 2)
            assert each.dtype == np.float32
            assert np.isfinite(each).all()


def test_the_map_by_pca_is_scikit_learns_with_a_spread_of_one(run, formed):
    data = load("digits")
    codings = run.family.encode(to_float(data.test)).numpy()
    assert np.allclose(codings_of(run, 300), codings, atol=1e-6)
    expected = PCA(2, svd_solver="covariance_eigh").fit_transform(codings.astype(np.float64))
    expected /= expected.std(0)
    for places in formed:
        signs = np.sign((places["pca"] * expected).sum(0))
        np.testing.assert_allclose(places["pca"] * signs, expected, atol=1e-3)


@pytest.mark.parametrize("neighbours", [5, 15])
def test_t_sne_keeps_neighbours_and_more_of_them_than_pca(run, formed, neighbours: int):
    codings = codings_of(run, 300).numpy()

    def stored(places: np.ndarray) -> float:
        return trustworthiness(codings, places, n_neighbors=neighbours)

    assert stored(formed[-1]["tsne"]) > 0.95
    assert stored(formed[-1]["tsne"]) > stored(formed[-1]["pca"])
    assert stored(formed[-1]["tsne"]) > stored(formed[0]["tsne"])


def test_the_same_map_comes_again_whatever_was_kept_of_it(run, workspace, formed):
    study = CodeMap(start=run.spec)  # asks for more pictures than there are
    begun = {"map.safetensors": b"half of another map"}
    for event, before in zip(islice(study.perform(workspace, begun), 4), formed, strict=False):
        again = load_arrays(event.files["map.safetensors"])
        assert all(np.array_equal(again[name], before[name]) for name in before)


def test_the_pictures_of_a_map_are_the_first_ones(run, workspace):
    study = CodeMap(start=run.spec, pictures=120)
    first = next(iter(study.perform(workspace, {})))
    places = load_arrays(first.files["map.safetensors"])["pca"]
    assert np.array_equal(places, by_pca(codings_of(run, 300)[:120].numpy()))


def test_a_map_of_one_coding_is_a_map(tmp_path: Path):
    run = trained(codings=1)
    events = CodeMap(start=run.spec, pictures=300).perform(workspace_of(tmp_path, run), {})
    *_, last = islice(events, 5)
    places = load_arrays(last.files["map.safetensors"])
    codings = codings_of(run, 300).numpy()
    assert np.array_equal(places["pca"][:, 0], places["pca"][:, 1])
    assert abs(np.corrcoef(places["pca"][:, 0], codings[:, 0])[0, 1]) == pytest.approx(1)
    assert np.isfinite(places["tsne"]).all()
    assert trustworthiness(codings, places["tsne"], n_neighbors=10) > 0.95


def test_an_encoder_that_says_nothing_gives_a_map_of_finite_places():
    """As one whose rectified units have all died."""
    places = by_pca(np.zeros((100, 3), np.float32))
    assert np.isfinite(places).all()


def test_as_many_neighbours_as_there_are_pictures_is_no_error(run, workspace):
    study = CodeMap(start=run.spec, pictures=100, perplexity=100)
    first = next(iter(study.perform(workspace, {})))
    assert len(load_arrays(first.files["map.safetensors"])["tsne"]) == 100


@pytest.mark.parametrize("study", [CodeMap, FewLabels])
def test_a_family_without_codings_is_refused(study):
    with pytest.raises(ValidationError, match="codings"):
        study(start=RunSpec.of_preset("denoising"))


def test_points_have_no_classes_to_tell_apart():
    with pytest.raises(ValidationError, match="no classes"):
        FewLabels(start=RunSpec.of_preset("linear", "ellipse"))


@pytest.mark.parametrize("study", [CodeMap, FewLabels])
def test_a_study_of_a_run_that_is_not_in_the_store_says_so(run, tmp_path: Path, study):
    with pytest.raises(TaskError, match="not trained yet"):
        next(study(start=run.spec).perform(workspace_of(tmp_path), {}))


def test_a_bench_gives_the_run_that_was_kept(run, workspace):
    again = workspace.run(run.spec)
    stored, weights = run.family.state_dict(), again.family.state_dict()
    assert again.spec == run.spec
    assert all(torch.equal(weights[name], stored[name]) for name in stored)


def rows(pictures: torch.Tensor) -> set[bytes]:
    return {picture.numpy().tobytes() for picture in pictures.contiguous()}


@pytest.mark.parametrize("labels", LABELS)
def test_so_many_pictures_are_drawn_evenly_from_the_training_pictures(labels: int):
    data = load("digits")
    x, y = drawn(data, labels, 3)
    assert x.shape == (labels, 1, 8, 8)
    assert y.bincount(minlength=10).tolist() == [labels // 10] * 10
    reference = {(each.numpy().tobytes(), int(label)) for each, label in zip(
        to_float(data.train), data.train_labels, strict=True
    )}  # fmt: skip
    taken = [(each.numpy().tobytes(), int(label)) for each, label in zip(x, y, strict=True)]
    assert set(taken) <= reference
    assert len(set(taken)) == labels
    assert not rows(x) & (rows(to_float(data.test)) | rows(to_float(data.validation)))


def test_a_seed_draws_the_same_pictures_again_and_another_seed_others():
    data, before = load("digits"), torch.get_rng_state()
    sets = [drawn(data, 30, seed)[0] for seed in (0, 0, 1, 2)]
    assert torch.equal(sets[0], sets[1])
    assert len({each.numpy().tobytes() for each in sets}) == 3
    assert torch.equal(torch.get_rng_state(), before)


@given(
    some.lists(
        some.builds(
            Accuracy,
            method=some.sampled_from(list(METHODS)),
            labels=some.integers(1, 10**6),
            seed=some.integers(0, 9),
            accuracy=some.floats(0, 1),
        )
    )
)
def test_accuracies_survive_their_file(reference: list[Accuracy]):
    assert accuracies(to_files(reference)) == reference


def test_every_classifier_is_measured_once(few, run, workspace):
    study = few_labels_of(run)
    events = list(study.perform(workspace, {}))
    assert [event.step for event in events] == list(range(1, study.size + 1))
    assert {event.steps for event in events} == {study.size}
    last = accuracies(events[-1].files)
    measured = {(item.method, item.labels, item.seed) for item in last}
    assert measured == {(m, n, seed) for m in METHODS for n in (10, 30) for seed in range(2)}
    for event in events:
        assert accuracies(event.files) == last[: event.step]
    assert all(0.15 < item.accuracy <= 1 for item in last), "better than guessing"


@pytest.mark.slow
def test_interrupted_anywhere_it_measures_the_rest_and_ends_the_same(few, run, workspace):
    study = few_labels_of(run)
    whole = list(study.perform(workspace, {}))
    for done in range(1, study.size + 1):
        rest = list(study.perform(workspace, whole[done - 1].files))
        assert [event.step for event in rest] == list(range(done + 1, study.size + 1))
        if rest:
            assert accuracies(rest[-1].files) == accuracies(whole[-1].files)


def test_what_is_known_is_believed_and_not_measured_again(few, run, workspace):
    reference = [
        Accuracy(method="from scratch", labels=10, seed=0, accuracy=0.123),
        Accuracy(method="pretrained, frozen", labels=30, seed=1, accuracy=0.456),
    ]
    study = few_labels_of(run)
    events = list(study.perform(workspace, to_files(reference)))
    assert len(events) == study.size - 2
    last = accuracies(events[-1].files)
    assert last[:2] == reference
    measured = {(item.method, item.labels, item.seed) for item in last}
    assert len(measured) == len(last) == study.size


def test_stopped_after_every_single_measurement_it_still_ends_the_same(few, run, workspace):
    study = few_labels_of(run)
    *_, whole = study.perform(workspace, {})
    files: dict[str, bytes] = {}
    for _ in range(study.size):
        files = next(islice(study.perform(workspace, files), 1)).files
    assert files == whole.files


def measured(method: str, run: Run, labels: int, steps: int = 50, seed: int = 0) -> float:
    """Return one accuracy, as a study measures it."""
    data = load("digits")
    study = few_labels_of(run, steps=steps)
    return METHODS[method](study, run, data, drawn(data, labels, seed), seed)


@pytest.mark.parametrize("labels", [10, 300])
def test_the_linear_classifier_is_scikit_learns_on_the_same_pixels(run, labels: int):
    data = load("digits")
    x, y = drawn(data, labels, 1)
    model = LogisticRegression(max_iter=1000).fit(x.numpy().reshape(labels, -1), y.numpy())
    test = data.test.numpy().reshape(len(data.test), -1) / np.float32(255)
    expected = model.score(test, data.test_labels.numpy())
    assert measured("raw pixels, linear", run, labels, seed=1) == pytest.approx(expected)


def test_a_frozen_encoder_serves_about_as_well_as_it_does_scikit_learns_classifier(run):
    data = load("digits")
    x, y = drawn(data, 300, 0)
    z, test = (run.family.encode(part).numpy() for part in (x, to_float(data.test)))
    scale = z.std(0)
    model = LogisticRegression(C=10, max_iter=5000).fit(z / scale, y.numpy())
    expected = model.score(test / scale, data.test_labels.numpy())
    actual = measured("pretrained, frozen", run, 300, steps=1000)
    assert actual == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("method", METHODS)
def test_no_classifier_changes_the_run(run, method: str):
    before = copy.deepcopy(run.family.state_dict())
    measured(method, run, 30)
    after = run.family.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not any(weight.requires_grad for weight in run.family.parameters())
    assert not any(weight.grad is not None for weight in run.family.parameters())


def emptied(run: Run) -> Run:
    """Return the run with an encoder that gives all pictures the same codings."""
    files = run.to_files()
    empty = Run.from_files(files)
    for weight in empty.family.parameters():
        weight.zero_()
    return empty


def test_codings_that_say_nothing_give_chance(run):
    assert measured("pretrained, frozen", emptied(run), 100) == pytest.approx(0.1, abs=0.03)


def test_what_does_not_use_the_pretrained_weights_does_not_depend_on_them(run):
    for method in ("raw pixels, linear", "from scratch"):
        assert measured(method, emptied(run), 30) == measured(method, run, 30)


def test_a_gentle_touch_of_the_encoder_does_no_harm_where_labels_are_many(run):
    tuned = measured("pretrained, fine-tuned", run, 1000, steps=300)
    assert tuned > measured("pretrained, frozen", run, 1000, steps=300) - 0.01


def test_more_labels_classify_better(run):
    for method in METHODS:
        assert measured(method, run, 300) > measured(method, run, 10)


def test_a_study_is_kept_in_plain_formats(run, workspace, tmp_path: Path):
    first = next(iter(CodeMap(start=run.spec, pictures=100).perform(workspace, {})))
    path = tmp_path / "map.safetensors"
    path.write_bytes(first.files["map.safetensors"])
    with safe_open(path, "pt") as opened:
        assert set(opened.keys()) == {"pca", "tsne"}
