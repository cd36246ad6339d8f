"""A run to take home: a script and a notebook that repeat it, and its training as a GIF."""

import json

import numpy as np

from genlib.plots import animation, picture_grid
from genlib.runs import Run, RunSpec


def script(spec: RunSpec) -> str:
    """Return a Python script that trains this very run with genlib and shows the result."""
    document = json.dumps(spec.model_dump(mode="json"), indent=4)
    return f'''"""Trains run {spec.fingerprint[:12]} of genlib: run it in genlib's folder."""

import json

import numpy as np

from genlib.device import available
from genlib.runs import Run, RunSpec, perform
from genlib.events import Diverged, Snapshot

spec = RunSpec.model_validate(json.loads("""{document}"""))

for event in perform(spec, available()[0]):
    if isinstance(event, Snapshot):
        print(event.step, event.figures)
    if isinstance(event, Diverged):
        print(event.sentence)
    if isinstance(event, Run):
        print(event.provenance.metrics)
        with open("model.safetensors", "wb") as file:
            file.write(event.to_files()["model.safetensors"])
'''


def notebook(spec: RunSpec) -> str:
    """Return the script as a Jupyter notebook (nbformat 4.5)."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": spec.fingerprint[:8],
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": script(spec).splitlines(keepends=True),
    }
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    return json.dumps(document, indent=1)


def training_gif(run: Run) -> bytes:
    """Return what the model made at each moment of its training, as an animated GIF."""
    frames = [picture_grid(moment.images.numpy()[None], 3) for moment in run.moments]
    return animation(np.stack(frames))
