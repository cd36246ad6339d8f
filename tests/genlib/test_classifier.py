"""The judge tells classes apart, is trained once for each data set, and is then only read."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load as load_tensors
from sklearn.metrics import accuracy_score
from torch.nn import functional as F

from genlib.classifier import (
    MIRRORED,
    SHIFT,
    Classifier,
    ClassifierSpec,
    classified,
    classifier_of,
    varied,
)
from genlib.data import DATASETS
from genlib.data.dataset import load
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
        torch.testing.assert_close(opinion.features, classifier.body(x), rtol=1e-4, atol=1e-4)
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


COUNT = 2000
SIDES = 6, 7
PLACES = (2 * SHIFT + 1) ** 2


def shifts(image: torch.Tensor) -> list[torch.Tensor]:
    """Return a picture at each place that it may be moved to, black where it comes from."""
    height, width = SIDES
    padded = F.pad(image, [SHIFT] * 4)
    return [
        padded[:, top : top + height, left : left + width]
        for top in range(2 * SHIFT + 1)
        for left in range(2 * SHIFT + 1)
    ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_varied_picture_is_moved_by_two_pixels_at_most_and_mirrored_only_if_asked(
    channels, mirror
):
    rng = generator(1)
    image = torch.randint(1, 256, (channels, *SIDES), dtype=torch.uint8, generator=rng)
    output = varied(image.expand(COUNT, -1, -1, -1), rng, mirror=mirror)
    assert output.shape == (COUNT, channels, *SIDES)
    allowed = shifts(image) + (shifts(image.flip(2)) if mirror else [])
    expected = {
        to_float(each.contiguous()).numpy().tobytes(): at for at, each in enumerate(allowed)
    }
    assert len(expected) == PLACES * (2 if mirror else 1), "no two are alike"
    seen = torch.tensor([expected[each.numpy().tobytes()] for each in output.contiguous()])
    counts = seen.bincount(minlength=len(expected))
    share = COUNT / len(expected)
    assert ((counts - share).abs() < 5 * share**0.5).all(), "each as often as any other"


def test_pictures_of_a_batch_are_varied_one_by_one():
    images = torch.randint(1, 256, (50, 1, *SIDES), dtype=torch.uint8, generator=generator(2))
    output = varied(images, generator(3), mirror=False)
    places = []
    for image, each in zip(images, output, strict=True):
        places.append([torch.equal(to_float(at), each) for at in shifts(image)].index(True))
    assert len(set(places)) > PLACES // 2
    again = varied(images, generator(3), mirror=False)
    assert torch.equal(output, again)


def test_what_a_mirror_would_make_another_sign_is_not_mirrored():
    signs = {name for name, data in DATASETS.items() if data.classes == DATASETS["digits"].classes}
    assert signs == {"mnist", "digits"}
    assert not MIRRORED & (signs | {"kmnist"})
