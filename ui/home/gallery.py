"""The cards of the lessons, with pictures of shipped runs, read without waiting for torch."""

import json
from pathlib import Path

import numpy as np
import streamlit as st
from safetensors.numpy import load

import genlib
from genlib.plots import picture_grid, scatters, to_png
from genlib.runs.store import verified
from ui.navigation import PLAN, by_section, page

ZOO = Path(genlib.__file__).with_name("zoo")
DOCUMENTS = {path.parent: json.loads(path.read_bytes()) for path in ZOO.glob("*/config.json")}
SHIPPED = frozenset(document["spec"]["family"] for document in DOCUMENTS.values())
COLUMNS = 3  # of cards


def lessons() -> None:
    """Draw a card for each page of the plan that has a sentence, section by section."""
    for section, names in by_section().items():
        cards = [name for name in names if PLAN[name].sentence]
        if cards:
            st.subheader(section, anchor=False)
        for start in range(0, len(cards), COLUMNS):
            row = cards[start : start + COLUMNS]
            for column, name in zip(st.columns(COLUMNS), row, strict=False):
                with column.container(border=True, height="stretch"):
                    _card(name)


def _card(name: str) -> None:
    if name in SHIPPED:
        alt = "Pictures made by the shipped model"
        st.image(shipped_picture(name), output_format="PNG", width="stretch", alt=alt)
    st.page_link(page(name), label=f"**{PLAN[name].title}**")
    st.markdown(PLAN[name].sentence)


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
