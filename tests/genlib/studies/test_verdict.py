"""The verdict on a generator: planted samples whose state is plain are called by its name."""

import re

import pytest
import torch
from torch import Tensor

from genlib.augmentation import blurred
from genlib.classifier import Classifier, ClassifierSpec
from genlib.data.dataset import load
from genlib.family import to_float
from genlib.metrics import ModeCount
from genlib.rng import generator
from genlib.studies.findings import STATISTICS, Finding
from genlib.studies.health import Report, report_of
from genlib.studies.reference import Reference
from genlib.studies.verdict import Verdict, plane_verdict, verdict
from tests.support.studied import workspace_of

COUNT = 300
DATA = load("digits")
NAMES = tuple("0123456789")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    spec = ClassifierSpec(dataset="digits", steps=300, batch_size=128)
    *_, last = spec.perform(workspace_of(tmp_path_factory.mktemp("classifying")), {})
    classifier = spec.read(last.files, torch.device("cpu"))
    assert isinstance(classifier, Classifier)
    return Reference(classifier, DATA, COUNT)


def examined(reference: Reference, x: Tensor) -> Verdict:
    """Return the verdict on samples."""
    seen = reference.seen(x)
    findings = reference.manifold(seen)
    findings += [reference.statistic(name, seen) for name in STATISTICS]
    return verdict(report_of(reference, DATA.train, x, seen, findings), NAMES)


def shaken(x: Tensor, size: float) -> Tensor:
    noise = torch.randn(x.shape, generator=generator(0))
    return (x + size * noise).clamp(0, 1)


def test_real_pictures_themselves_are_healthy(reference):
    actual = examined(reference, to_float(DATA.test[:COUNT]))
    assert actual[:4] == ("healthy", "realistic", "varied", "all there")
    assert actual.sentence.startswith("Healthy: realistic (density ")


def test_few_pictures_are_a_collapse_though_each_is_real_and_all_classes_are_there(reference):
    real, labels = to_float(DATA.train[-COUNT:]), DATA.train_labels[-COUNT:]
    x = torch.cat([real[labels == kind][:1] for kind in range(10)])
    actual = examined(reference, shaken(x[torch.arange(COUNT) % 10], 0.01))
    assert actual[:4] == ("collapsed", "realistic", "few pictures", "all there")
    assert actual.sentence.startswith("Mode collapse: about ")
    assert "different pictures in all; all classes are there" in actual.sentence


def test_one_picture_that_looks_like_none_is_a_collapse_that_does_not_look_real(reference):
    grey = shaken(torch.full((COUNT, *DATA.train.shape[1:]), 0.4), 0.001)
    actual = examined(reference, grey)
    assert actual[:3] == ("collapsed", "unreal", "few pictures")
    assert "do not look real" in actual.sentence
    assert "about 1 different pictures in all" in actual.sentence


def test_noise_is_divergence_whatever_class_a_classifier_puts_it_in(reference):
    x = torch.rand(COUNT, *DATA.train.shape[1:], generator=generator(0)) < 0.5
    actual = examined(reference, x.float())
    assert (actual.state, actual.realism) == ("diverged", "unreal")
    assert actual.sentence.startswith("Diverged")


def test_half_of_the_classes_are_a_partial_collapse_that_names_the_others(reference):
    x = to_float(DATA.test[DATA.test_labels < 5])
    actual = examined(reference, shaken(x[torch.arange(COUNT) % len(x)], 0.06))
    assert (actual.state, actual.classes) == ("partial", "missing")
    assert re.search(r"[3-5] of 10 classes missing \([5-9](, [5-9])+\)", actual.sentence)


def test_copies_are_called_so_and_are_not_healthy(reference):
    actual = examined(reference, to_float(DATA.train[:COUNT]))
    assert actual[:4] == ("copied", "realistic", "varied", "all there")


def test_blurred_pictures_are_less_realistic_and_no_divergence(reference):
    x = to_float(DATA.test[:COUNT])
    actual = examined(reference, blurred(x, torch.full((COUNT,), 0.5)))
    assert (actual.state, actual.realism) == ("flawed", "less realistic")
    assert "less realistic than real pictures (density " in actual.sentence


def planted(shares: list[float] | None = None, twins: int = 0, **values: float) -> Report:
    """Return a report whose figures are those of real pictures, but for some."""
    real = {"density": 1.03, "recall": 0.93, "coverage": 0.97, "classifier FID": 0.05}
    findings = [
        Finding(name=name, value=values.get(name, usual), low=0, high=1, real=usual, wanted="high")
        for name, usual in real.items()
    ]
    return Report(
        pictures=2000,
        findings=findings,
        shares=shares or [0.1] * 10,
        real_shares=[0.1] * 10,
        p_value=0.5,
        support=124_750 / twins if twins else float("inf"),
        twins=twins,
        real_twins=1,
        to_training=values.get("to_training", 3.5),
        real_to_training=3.5,
    )


def test_a_generator_is_not_healthy_at_a_recall_of_13_hundredths():
    actual = verdict(planted(recall=0.13), NAMES)
    assert actual[:4] == ("flawed", "realistic", "narrow", "all there")
    assert "recall 0.13, real 0.93" in actual.sentence


def test_a_density_far_below_that_of_real_pictures_is_not_healthy():
    assert verdict(planted(density=0.7), NAMES)[:2] == ("flawed", "less realistic")
    assert verdict(planted(density=0.1), NAMES)[:2] == ("diverged", "unreal")


def test_one_class_above_four_fifths_is_a_collapse_though_no_two_samples_are_alike():
    shares = [0.81, 0.19, *[0.0] * 8]
    actual = verdict(planted(shares), NAMES)
    assert (actual.state, actual.classes) == ("collapsed", "one class")
    assert "81% of the samples are of one class, 0" in actual.sentence
    assert verdict(planted([0.79, 0.21, *[0.0] * 8]), NAMES).state == "partial"


def test_rare_and_missing_are_shares_of_the_classes_own():
    rare = verdict(planted([0.125] * 7 + [0.02, 0.04, 0.065]), NAMES)
    assert (rare.state, rare.classes) == ("flawed", "rare")
    assert "rare: 7;" in rare.sentence
    missing = verdict(planted([0.125] * 7 + [0.005, 0.02, 0.1]), NAMES)
    assert "1 of 10 classes missing (7)" in missing.sentence


@pytest.mark.parametrize(("twins", "state"), [(249, "healthy"), (250, "collapsed")])
def test_where_most_samples_have_a_twin_there_are_few_pictures(twins, state):
    assert verdict(planted(twins=twins), NAMES).state == state


@pytest.mark.parametrize(
    ("captured", "high_quality", "state"),
    [
        (8, 0.95, "all modes"),
        (8, 0.3, "imprecise"),
        (6, 0.9, "partial"),
        (4, 0.9, "partial"),
        (1, 0.99, "collapsed"),
        (3, 0.6, "collapsed"),
        (0, 0.0, "diverged"),
        (1, 0.0004, "diverged"),
    ],
)
def test_in_the_plane_collapse_is_told_from_divergence(captured, high_quality, state):
    actual = plane_verdict(ModeCount(captured, high_quality, reverse_kl=0.5), 8)
    assert actual.state == state
    assert f"{captured} of 8 modes captured, {high_quality:.0%} of the points" in actual.sentence
