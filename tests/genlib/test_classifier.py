"""The judge tells classes apart, is trained once for each data set, and is then only read."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load as load_tensors
from sklearn.metrics import accuracy_score

from genlib.classifier import (
    MIRRORED,
    Classifier,
    ClassifierSpec,
    classified,
    classifier_of,
)
from genlib.data import DATASETS
from genlib.data.dataset import Dataset, load
from genlib.family import to_float
from genlib.jobs.catalogue import read_task
from genlib.rng import generator
from genlib.tasks.progress import Progress
from genlib.tasks.workspace import Workspace
from tests.support.studied import CPU, workspace_of

SPEC = ClassifierSpec(dataset="digits", steps=75, batch_size=128)
USUAL = ClassifierSpec(dataset="digits")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_of(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def events(workspace: Workspace) -> list[Progress]:
    return list(SPEC.perform(workspace, {}))


@pytest.fixture(scope="module")
def classifier(events: list[Progress]) -> Classifier:
    return SPEC.read(events[-1].files, CPU)


def finished(asked) -> tuple[Classifier, int]:
    """Return the judge that was asked for, and how often it was told how far it is."""
    count = 0
    while True:
        try:
            next(asked)
        except StopIteration as end:
            return end.value, count
        count += 1


def test_a_judge_of_a_data_set_is_read_as_it_was_written():
    again = read_task(SPEC.model_dump_json())
    assert again == SPEC
    assert again.fingerprint == SPEC.fingerprint
    assert len({ClassifierSpec(dataset=name).fingerprint for name in DATASETS}) == len(DATASETS)


def test_its_progress_rises_to_the_end_and_only_the_last_step_has_files(events):
    steps = [event.step for event in events]
    assert steps == sorted(set(steps))
    assert {event.steps for event in events} == {steps[-1]}
    assert [bool(event.files) for event in events] == [False] * (len(events) - 1) + [True]


def test_it_tells_most_digits_apart_and_says_how_many(events, classifier):
    data = load("digits")
    guesses = classified(classifier, to_float(data.test)).classes
    accuracy = accuracy_score(data.test_labels, guesses)
    assert accuracy > 0.9
    text = json.loads(events[-1].files["judge.json"])["test_accuracy"]
    assert text == pytest.approx(accuracy)


def test_it_is_frozen(classifier):
    assert not classifier.training
    assert not any(weight.requires_grad for weight in classifier.parameters())


def test_the_same_judge_comes_again_whatever_was_kept_of_it(workspace, events):
    *_, again = SPEC.perform(workspace, {"model.safetensors": b"half of another judge"})
    first, second = (load_tensors(each.files["model.safetensors"]) for each in (events[-1], again))
    assert set(first) == set(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_opinion_is_the_features_and_the_likeliest_class_of_each_picture(classifier):
    x = to_float(load("digits").train)[:1100]  # more than are judged at once
    opinion = classified(classifier, x)
    assert opinion.features.shape == (len(x), 2 * SPEC.width)
    assert opinion.classes.shape == (len(x),)
    with torch.no_grad():
        torch.testing.assert_close(opinion.features, classifier.features(x), rtol=1e-4, atol=1e-4)
        assert torch.equal(opinion.classes, classifier(x).argmax(1))


def test_what_lies_beyond_black_and_white_is_judged_as_black_or_white(classifier):
    x = 2 * torch.rand(20, 1, 8, 8, generator=generator(0)) - 0.5
    assert torch.equal(
        classified(classifier, x).features, classified(classifier, x.clamp(0, 1)).features
    )


@pytest.mark.slow
def test_a_judge_that_is_asked_for_is_trained_once_and_then_read(tmp_path: Path):
    """The one test that trains a judge in full: more than a minute."""
    workspace = workspace_of(tmp_path)
    (first, steps), messages = finished(classifier_of("digits", workspace, 3))
    assert messages > 0
    assert steps == USUAL.steps
    assert (
        json.loads(workspace.store.read_run(USUAL.fingerprint)["judge.json"])["test_accuracy"]
        > 0.97
    )
    (second, steps), messages = finished(classifier_of("digits", workspace, 3))
    assert messages == steps == 0
    for name, weight in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], weight)


def test_the_judge_in_the_store_is_believed(tmp_path: Path, events, classifier):
    """One that was trained for a moment: where it is there, no other is trained."""
    workspace = workspace_of(tmp_path)
    workspace.store.write_run(USUAL.fingerprint, events[-1].files)
    (actual, _), messages = finished(classifier_of("digits", workspace, 3))
    assert messages == 0
    for name, weight in classifier.state_dict().items():
        assert torch.equal(actual.state_dict()[name], weight)


def test_what_a_mirror_would_make_another_sign_is_not_mirrored():
    signs = {name for name, data in DATASETS.items() if data.classes == DATASETS["digits"].classes}
    assert signs == {"mnist", "digits"}
    assert not MIRRORED & (signs | {"kmnist"})


def test_features_of_both_blocks_are_those_of_the_last_one_and_the_means_of_the_first():
    spec = ClassifierSpec(dataset="digits", levels="details and shapes")
    both = spec.build().eval()
    x = to_float(load("digits").test)[:5]
    maps: list[torch.Tensor] = []
    both.body[2].register_forward_hook(lambda *given: maps.append(given[2]))
    features = both.features(x)
    assert features.shape == (5, 3 * spec.width)
    torch.testing.assert_close(features[:, spec.width :], both.body(x))
    means = both.details(maps[0]).relu().mean((2, 3))
    torch.testing.assert_close(features[:, : spec.width], means)


def test_with_corrupted_pictures_it_is_another_judge_and_as_it_was_without(events):
    steps = {"steps": 10, "batch_size": 32}
    few = ClassifierSpec(dataset="digits", **steps)
    assert few.fingerprint == few.model_copy(update={"corrupted": 0.0}).fingerprint
    corrupted = few.model_copy(update={"corrupted": 0.5})
    assert corrupted.fingerprint != few.fingerprint
    data = load("digits")
    first, *_, last = (dict(each.state_dict()) for each in _copies(corrupted, data))
    plain_first, *_ = (dict(each.state_dict()) for each in _copies(few, data))
    assert not torch.equal(first["head.weight"], plain_first["head.weight"])
    assert all(bool(value.isfinite().all()) for value in last.values())


def _copies(spec: ClassifierSpec, data: Dataset) -> list[Classifier]:
    return [deepcopy(each) for each in spec._trained(data)]
