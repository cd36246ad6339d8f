"""The one reference: the same real pictures and as many samples, for whoever measures."""

import pytest
import torch

from genlib.classifier import ClassifierSpec, classified
from genlib.data.dataset import load
from genlib.errors import TaskError
from genlib.family import to_float
from genlib.metrics import class_shares, frechet_distance
from genlib.studies.ablation import Ablation
from genlib.studies.comparison import Comparison
from genlib.studies.health import Health
from genlib.studies.mixture_prior import MixturePrior
from genlib.studies.reference import PICTURES, Reference
from genlib.studies.sampler_bench import SamplerBench

STUDIES = (Ablation, Comparison, Health, MixturePrior, SamplerBench)
COUNT = 120


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Return the reference of digits, by a classifier that was not trained: it measures alike."""
    classifier = ClassifierSpec(dataset="digits").build().eval()
    return Reference(classifier, load("digits"), COUNT)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.__name__)
def test_every_study_of_samples_takes_the_same_number(study):
    assert study.model_fields["pictures"].default == PICTURES


def test_real_pictures_are_the_last_to_train_with_and_the_floor_is_of_the_first_test_pictures(
    reference: Reference,
):
    data = load("digits")
    real = classified(reference.classifier, to_float(data.train[-COUNT:])).features
    other = classified(reference.classifier, to_float(data.test[:COUNT]))
    torch.testing.assert_close(reference.real, real)
    assert reference.fid_floor == pytest.approx(frechet_distance(real, other.features))
    shares = class_shares(other.classes, 10)
    torch.testing.assert_close(reference.class_shares(reference.other), shares)


def test_test_pictures_in_place_of_samples_reach_the_floor_of_every_metric(reference: Reference):
    features = reference.other.features
    findings = [*reference.manifold(features), reference.statistic("classifier FID", features)]
    for finding in findings:
        assert finding.value == pytest.approx(finding.real), finding.name
    assert reference.coverage(features) == reference.manifold(features)[-1]


def test_there_are_as_many_of_each_kind_as_the_smaller_set_has():
    data = load("digits")
    classifier = ClassifierSpec(dataset="digits").build().eval()
    assert Reference(classifier, data).count == min(len(data.train), len(data.test))


def test_more_pictures_than_the_reference_are_refused():
    classifier = ClassifierSpec(dataset="digits").build().eval()
    with pytest.raises(TaskError, match="at most 2,000"):
        Reference(classifier, load("digits"), PICTURES + 1)
