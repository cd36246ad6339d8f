"""What links, fingerprints and the store need is there where torch is not."""

import json
import subprocess
import sys
from pathlib import Path

from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json
import sys

HEAVY = {"torch", "torchvision", "diffusers", "safetensors.torch"}


class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in HEAVY:
            raise ImportError(f"{name} is not to be imported")


sys.meta_path.insert(0, Refusing())

import genlib
import genlib.config
from genlib.data import DATASETS, default_dataset, download_fraction
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings

assert list(genlib.FAMILIES) == list(FAMILIES)
assert default_dataset() in DATASETS
assert download_fraction("digits") is None
store = open_store(Settings())
known = {}
for name, entry in FAMILIES.items():
    for index, preset in enumerate(entry.presets):
        spec = RunSpec.of_preset(name, preset)
        known[f"{name}, {preset}"] = spec.fingerprint
        if index == 0:
            document = json.loads(store.read_run(spec.fingerprint)["config.json"])
            assert RunSpec.model_validate(document["spec"]) == spec
            assert entry.headline(document["provenance"]["metrics"])
    assert "$$" in entry.theory
    try:
        entry.load()
    except ImportError:
        pass
    else:
        raise AssertionError(f"{name} does without torch")
print(json.dumps(known))
"""


def test_families_specs_fingerprints_and_the_shipped_runs_need_no_torch(home):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        f"{name}, {preset}": RunSpec.of_preset(name, preset).fingerprint
        for name, entry in FAMILIES.items()
        for preset in entry.presets
    }
