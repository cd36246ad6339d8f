"""Pictures of the runs that come with the package, read without waiting for torch."""

import json
from pathlib import Path

import numpy as np
import streamlit as st
from safetensors.numpy import load

import genlib
from genlib.plots import picture_grid, scatters, to_png
from genlib.runs.store import verified

ZOO = Path(genlib.__file__).with_name("zoo")
DOCUMENTS = {path.parent: json.loads(path.read_bytes()) for path in ZOO.glob("*/config.json")}
SHIPPED = frozenset(document["spec"]["family"] for document in DOCUMENTS.values())


@st.cache_data(max_entries=32)
def shipped_picture(family: str) -> bytes:
    """Return, as PNG, what the family's best shipped run made at the end of its training.

    The best has the smallest error, or, where codings cost something, error and cost.
    """
    errors = {
        path: error
        for path, document in DOCUMENTS.items()
        if document["spec"]["family"] == family
        if (error := _error(document["provenance"]["metrics"]))  # perfect copies show nothing
    }
    best = min(errors, key=errors.__getitem__)
    files = verified(best) or {}
    tensors = load(files["snapshots.safetensors"])
    last = max((key for key in tensors if key.startswith("images/")), key=_step)
    made = tensors[last]
    if made.shape[1:] == (2, 1, 1):  # points in the plane: samples, then what is drawn of D and G
        samples = made[: len(made) // 3].reshape(1, -1, 2)
        return scatters(samples, samples[0], columns=1, side=200)
    if "test_noise" in DOCUMENTS[best]["provenance"]["metrics"]:
        made = made[: len(made) // 3]  # the new pictures alone
    rows = np.split(made, 2)  # two of five, or five of each kind that the family shows
    return to_png(picture_grid(np.stack([row[:5] for row in rows]), 6))


def _error(metrics: dict[str, float]) -> float:
    if "test_kl" in metrics:
        return metrics["test_distortion"] + metrics["test_kl"]
    return next(
        metrics[key] for key in ("test_mse", "test_energy", "test_noise") if key in metrics
    )


def _step(key: str) -> int:
    return int(key.partition("/")[2])
