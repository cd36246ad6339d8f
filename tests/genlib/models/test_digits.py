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
QUICK = ["dcgan", "progressive", "stylegan"]  # half a minute each, and too large to ship as well


def metrics_of(family: str) -> dict[str, float]:
    """Return the figures of a default on digits after a training here."""
    *_, run = perform(RunSpec.of_preset(family, dataset="digits"), CPU)
    assert isinstance(run, Run)
    return dict(run.provenance.metrics)


def shipped_metrics(family: str) -> dict[str, float]:
    """Return the figures of a default on digits that ships."""
    name = RunSpec.of_preset(family, dataset="digits").fingerprint
    document = open_store(Settings()).read_file(name, "config.json")
    assert document is not None, "it does not ship"
    return dict(Provenance.model_validate(json.loads(document)["provenance"]).metrics)


@torch.no_grad()
def has_learned(family: str, metrics: dict[str, float]) -> bool:
    """Return whether it beats its baseline, and is far better than before its first step."""
    entry = FAMILIES[family]
    untrained = RunSpec.of_preset(family, dataset="digits").build().eval()
    begun = float(untrained.evaluate(to_float(load("digits").test))[entry.primary_metric])
    least = metrics.get(f"{entry.baseline}_mse", 0.5 * begun)
    return metrics[f"test_{entry.primary_metric}"] < min(least, 0.5 * begun)


def test_the_default_of_the_first_lesson_with_pictures_beats_pca():
    assert has_learned("stacked", metrics_of("stacked"))


@pytest.mark.slow
@pytest.mark.parametrize("family", PICTURES)
def test_every_default_learns(family: str):
    assert has_learned(family, metrics_of(family))


@pytest.mark.parametrize("family", [name for name in PICTURES if name not in QUICK])
def test_a_default_that_has_learned_ships(home, family: str):
    metrics = shipped_metrics(family)
    assert has_learned(family, metrics)
    entry = FAMILIES[family]
    assert entry.baseline == "none" or f"{entry.baseline}_mse" in metrics


def test_what_differs_on_digits_is_a_possible_setting_and_little_else_changes():
    for entry in FAMILIES.values():
        for preset in entry.presets.values():
            for dataset, changes in preset.elsewhere.items():
                model = preset.model_for(dataset)
                assert type(model).model_validate(preset.model.model_dump() | changes) == model
                assert preset.model_for("mnist") == preset.model != model
