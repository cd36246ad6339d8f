"""A run as a Jupyter notebook that trains it anew, also where genlib is not installed."""

import base64
import io
import json
import tarfile
from functools import lru_cache
from pathlib import Path

from genlib.runs.spec import RunSpec

PACKAGES = [  # what training imports; Colab has most of them
    *("torch>=2.11", "torchvision>=0.26", "numpy>=2", "pydantic>=2.14", "pydantic-settings>=2.16"),
    *(
        "safetensors>=0.8",
        "scikit-learn>=1.9",
        "jaxtyping>=0.3.11",
        "tqdm>=4.67",
        "dbos>=3.4,<3.5",
    ),
]
FIRST = """# Where genlib is not installed, its own source comes along: this cell unpacks it.
import importlib.util

if importlib.util.find_spec("genlib") is None:
    import base64
    import io
    import subprocess
    import sys
    import tarfile

    packages = {packages}
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *packages], check=True)
    source = base64.b85decode("{source}")
    with tarfile.open(fileobj=io.BytesIO(source)) as archive:
        archive.extractall("genlib-source", filter="data")
    sys.path.insert(0, "genlib-source")
"""


def script(spec: RunSpec) -> str:
    """Return a Python script that trains this very run with genlib and shows the result."""
    document = json.dumps(spec.model_dump(mode="json"), indent=4)
    return f'''"""Trains run {spec.fingerprint[:12]} of genlib: it wants genlib installed."""

import json
from pathlib import Path

from genlib.front import load, perform, progress_bar
from genlib.runs.spec import RunSpec

spec = RunSpec.model_validate(json.loads("""{document}"""))
for part in (*spec.prerequisites, spec):
    progress_bar(perform(part, again=part == spec), part.family)

run = load(spec.fingerprint)
print(run.provenance.metrics)
Path("model.safetensors").write_bytes(run.to_files()["model.safetensors"])
'''


def notebook(spec: RunSpec) -> str:
    """Return the script as a Jupyter notebook (nbformat 4.5) that a fresh Colab can run."""
    first = FIRST.format(packages=json.dumps(PACKAGES), source=_source())
    hidden: dict[str, object] = {"cellView": "form", "jupyter": {"source_hidden": True}}
    cells = [
        _cell("genlib", first, hidden),
        _cell(spec.fingerprint[:8], script(spec), {}),
    ]
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return json.dumps(document, indent=1)


def _cell(name: str, source: str, metadata: dict[str, object]) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "execution_count": None,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


@lru_cache(maxsize=1)
def _source() -> str:
    """Return genlib's source, without the shipped runs, as a compressed archive in base 85."""
    folder, content = Path(__file__).parents[1], io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:xz") as archive:
        for path in sorted(folder.rglob("*.py")):
            archive.add(path, path.relative_to(folder.parent))
    return base64.b85encode(content.getvalue()).decode()
