"""Scikit-learn's digits stand in where Fashion-MNIST is missing: on them every default learns."""

import json

import pytest
import torch

from genlib.data.dataset import load
from genlib.family import to_float
from genlib.models import FAMILIES
from genlib.runs.run import Provenance, Run, perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings

CPU = torch.device("cpu")
PICTURES = [name for name, entry in FAMILIES.items() if entry.learns[0] == "pictures"]
BEATEN = [name for name in PICTURES if FAMILIES[name].baseline != "none"]


def metrics_of(family: str) -> dict[str, float]:
    """Return the figures of a default on digits after a training here."""
    *_, run = perform(RunSpec.of_preset(family, dataset="digits"), CPU)
    assert isinstance(run, Run)
    return dict(run.provenance.metrics)


def beats_its_baseline(family: str, metrics: dict[str, float]) -> bool:
    return metrics["test_mse"] < metrics[f"{FAMILIES[family].baseline}_mse"]


def shipped_metrics(family: str) -> dict[str, float]:
    """Return the figures of a default on digits that ships."""
    name = RunSpec.of_preset(family, dataset="digits").fingerprint
    document = open_store(Settings()).read_file(name, "config.json")
    assert document is not None, "it does not ship"
    return dict(Provenance.model_validate(json.loads(document)["provenance"]).metrics)


def test_the_default_of_the_first_lesson_with_pictures_beats_pca():
    assert beats_its_baseline("stacked", metrics_of("stacked"))


@pytest.mark.slow
@pytest.mark.parametrize("family", BEATEN)
def test_the_default_beats_its_baseline(family: str):
    assert beats_its_baseline(family, metrics_of(family))


@pytest.mark.parametrize("family", BEATEN)
def test_the_shipped_default_beats_its_baseline(home, family: str):
    assert beats_its_baseline(family, shipped_metrics(family))


@torch.no_grad()
@pytest.mark.parametrize("family", PICTURES)
def test_the_shipped_default_is_far_better_than_the_untrained_one(home, family: str):
    untrained = RunSpec.of_preset(family, dataset="digits").build().eval()
    metric = FAMILIES[family].primary_metric
    begun = float(untrained.evaluate(to_float(load("digits").test))[metric])
    assert shipped_metrics(family)[f"test_{metric}"] < 0.5 * begun
