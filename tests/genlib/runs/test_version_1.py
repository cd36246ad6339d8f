"""What version 1 named, kept and linked still opens: every fingerprint is what it was."""

import json
from pathlib import Path

import pytest

from genlib.jobs.catalogue import read_task
from genlib.runs.spec import RunSpec

DOCUMENT = json.loads((Path(__file__).parents[2] / "support" / "version_1.json").read_bytes())


@pytest.mark.parametrize("known", DOCUMENT["runs"], ids=lambda each: each["fingerprint"][:8])
def test_a_preset_has_the_fingerprint_that_it_had(known):
    assert RunSpec.of_preset(known["family"], known["preset"]).fingerprint == known["fingerprint"]
    assert RunSpec.model_validate(known["spec"]).fingerprint == known["fingerprint"]


@pytest.mark.parametrize("known", DOCUMENT["studies"], ids=lambda each: each["fingerprint"][:8])
def test_a_study_has_the_fingerprint_that_it_had(known):
    assert read_task(json.dumps(known["study"])).fingerprint == known["fingerprint"]
