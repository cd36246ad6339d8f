"""The one reference: the same real pictures and as many samples, for whoever measures."""

import pytest
import torch
from sklearn.decomposition import PCA

from genlib.classifier import ClassifierSpec, classified
from genlib.data.dataset import load
from genlib.family import to_float
from genlib.metrics import class_shares, frechet_distance
from genlib.rng import generator
from genlib.studies.ablation import Ablation
from genlib.studies.comparison import Comparison
from genlib.studies.findings import PIXEL_FID, STATISTICS
from genlib.studies.health import Health
from genlib.studies.mixture_prior import MixturePrior
from genlib.studies.reference import COMPONENTS, SAMPLES, Reference
from genlib.studies.sampler_bench import SamplerBench

STUDIES = (Ablation, Comparison, Health, MixturePrior, SamplerBench)
COUNT = 120
DATA = load("digits")


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Return the reference of digits, by a classifier that was not trained: it measures alike."""
    return Reference(ClassifierSpec(dataset="digits").build().eval(), DATA, COUNT)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.__name__)
def test_every_study_of_samples_takes_the_same_number(study):
    assert study.model_fields["pictures"].default == SAMPLES


def test_samples_are_compared_with_all_test_pictures_and_the_floor_is_of_the_last_training_ones(
    reference,
):
    real = classified(reference.classifier, to_float(DATA.test))
    other = classified(reference.classifier, to_float(DATA.train[-COUNT:]))
    torch.testing.assert_close(reference.real.features, real.features)
    assert reference.fid_floor == pytest.approx(frechet_distance(real.features, other.features))
    shares = class_shares(other.classes, 10)
    torch.testing.assert_close(reference.class_shares(reference.other), shares)


def test_training_pictures_in_place_of_samples_reach_the_floor_of_every_metric(reference):
    other = reference.other
    findings = reference.manifold(other)
    findings += [reference.statistic(name, other) for name in STATISTICS]
    for finding in findings:
        assert finding.value == pytest.approx(finding.real), finding.name


def test_the_pixel_fid_is_that_of_the_first_principal_components(reference):
    x = torch.rand(COUNT, *DATA.test.shape[1:], generator=generator(0))
    pca = PCA(COMPONENTS, svd_solver="full").fit(to_float(DATA.test).flatten(1).numpy())
    real, fake = (
        torch.from_numpy(pca.transform(each.flatten(1).numpy()))
        for each in (to_float(DATA.test), x)
    )
    expected = frechet_distance(real, fake)
    seen = reference.seen(x)
    assert reference.pixel_fid(seen) == pytest.approx(expected, rel=1e-3)
    assert reference.statistic(PIXEL_FID, seen).value == pytest.approx(expected, rel=1e-3)
    assert reference.statistic(PIXEL_FID, seen).real == pytest.approx(reference.pixel_fid_floor)


def test_a_data_set_with_fewer_test_pictures_is_compared_with_as_many_samples():
    classifier = ClassifierSpec(dataset="digits").build().eval()
    assert len(DATA.test) < SAMPLES
    whole = Reference(classifier, DATA)
    assert whole.count == len(whole.test) == len(whole.train) == len(DATA.test)


def test_what_lies_beyond_black_and_white_is_measured_as_black_or_white(reference):
    x = 2 * torch.rand(COUNT, *DATA.test.shape[1:], generator=generator(0)) - 0.5
    for actual, expected in zip(reference.seen(x), reference.seen(x.clamp(0, 1)), strict=True):
        torch.testing.assert_close(actual, expected)


def test_real_pictures_are_nearer_to_real_ones_than_half_of_the_classes_are(reference):
    half = reference.seen(to_float(DATA.train[DATA.train_labels < 5][:COUNT]))
    assert reference.pixel_fid(half) > 1.5 * reference.pixel_fid_floor
