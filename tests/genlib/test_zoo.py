"""What ships with the package is whole, is what it is named after, and stays within its budget."""

import json
from pathlib import Path

import pytest

import genlib
from genlib.jobs.catalogue import read_task
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.runs.store import verified
from genlib.studies.summary import Summary

ZOO = Path(genlib.__file__).with_name("zoo")
BUNDLES = sorted(ZOO.iterdir())
BUDGET = 60_000_000  # bytes
SUMMARY = 150_000  # bytes of what is only compared
THOROUGH = [RunSpec.of_preset(family, "thorough") for family in ("progressive", "stylegan")]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_it_stays_within_its_budget():
    assert size(ZOO) <= BUDGET


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name[:8])
def test_a_bundle_is_whole_and_named_by_its_fingerprint(bundle):
    files = verified(bundle)
    assert files is not None
    if "config.json" in files:
        spec = RunSpec.model_validate(json.loads(files["config.json"])["spec"])
        assert spec.fingerprint == bundle.name
    else:
        assert read_task(files["study.json"].decode()).fingerprint == bundle.name


@pytest.mark.parametrize("family", FAMILIES)
def test_the_default_of_every_family_ships(family):
    assert (ZOO / RunSpec.of_preset(family).fingerprint).is_dir()


@pytest.mark.parametrize("spec", THOROUGH, ids=lambda spec: spec.family)
def test_both_thorough_runs_ship(spec):
    assert (ZOO / spec.fingerprint).is_dir()


def test_what_is_only_compared_ships_as_a_small_summary_without_weights():
    presets = [(family, preset) for family in FAMILIES for preset in FAMILIES[family].presets]
    summaries = []
    for spec in (RunSpec.of_preset(*each) for each in presets):
        study = Summary(start=spec)
        if (ZOO / study.fingerprint).is_dir():
            files = verified(ZOO / study.fingerprint) or {}
            summaries.append(spec)
            assert size(ZOO / study.fingerprint) <= SUMMARY
            assert "model.safetensors" not in files
            assert not (ZOO / spec.fingerprint).exists()
            assert study.read(files).spec == spec
    assert summaries
