"""What version 1 named, kept and linked still opens: every fingerprint is what it was."""

import json
from pathlib import Path

import pytest

from genlib.jobs.catalogue import read_task
from genlib.runs.spec import RunSpec

DOCUMENT = json.loads((Path(__file__).parents[2] / "support" / "version_1.json").read_bytes())


@pytest.mark.parametrize("expected", DOCUMENT["runs"], ids=lambda each: each["fingerprint"][:8])
def test_a_preset_has_the_fingerprint_that_it_had(expected):
    assert (
        RunSpec.of_preset(expected["family"], expected["preset"]).fingerprint
        == expected["fingerprint"]
    )
    assert RunSpec.model_validate(expected["spec"]).fingerprint == expected["fingerprint"]


@pytest.mark.parametrize("expected", DOCUMENT["studies"], ids=lambda each: each["fingerprint"][:8])
def test_a_study_has_the_fingerprint_that_it_had(expected):
    assert read_task(json.dumps(expected["study"])).fingerprint == expected["fingerprint"]
