"""The cards of the lessons, with pictures of shipped runs, read without waiting for torch."""

from pathlib import Path

import numpy as np
import streamlit as st
from safetensors.numpy import load

import genlib
from genlib.models import FAMILIES
from genlib.plots import picture_grid, scatters, to_png
from genlib.runs.spec import RunSpec
from genlib.runs.store import verified
from ui.navigation import PLAN, by_section, page

ZOO = Path(genlib.__file__).with_name("zoo")
SNAPSHOTS = "snapshots.safetensors"
CARDS = 3  # of a row
PICTURES = 5  # of a row


def lessons() -> None:
    """Draw a card for each page of the plan that has a sentence, section by section."""
    for section, names in by_section().items():
        cards = [name for name in names if PLAN[name].sentence]
        if cards:
            st.subheader(section, anchor=False)
        for start in range(0, len(cards), CARDS):
            row = cards[start : start + CARDS]
            for column, name in zip(st.columns(CARDS), row, strict=False):
                with column.container(border=True, height="stretch"):
                    _card(name)


def _card(name: str) -> None:
    """Draw a page's title and sentence, under pictures where it is the lesson of a family."""
    picture = shipped_picture(name, PLAN[name].preset) if name in FAMILIES else None
    if picture is not None:
        alt = "Pictures made by the shipped model"
        st.image(picture, output_format="PNG", width="stretch", alt=alt)
    st.page_link(page(name), label=f"**{PLAN[name].title}**")
    st.markdown(PLAN[name].sentence)


@st.cache_data(max_entries=32)
def shipped_picture(family: str, preset: str) -> bytes | None:
    """Return, as PNG, the last snapshot of a preset's shipped run; None where none is shipped.

    Where the family shows two kinds of pictures there is a row of each, else two rows of the
    first kind.
    """
    spec = RunSpec.of_preset(family, preset or None)
    files = verified(ZOO / spec.fingerprint, only=SNAPSHOTS)
    if files is None:
        return None
    images = _last_images(load(files[SNAPSHOTS]))
    kinds = len(set(FAMILIES[family].shows))
    if kinds > 2:
        images = images[: len(images) // kinds]
    if images.shape[1:] == (2, 1, 1):  # points in the plane
        points = images.reshape(1, -1, 2)
        return scatters(points, points[0], columns=1, side=200)
    rows = [row[:PICTURES] for row in np.split(images, 2)]
    return to_png(picture_grid(np.stack(rows), 6))


def _last_images(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Return the pictures of a run's last snapshot."""
    steps = [int(name.partition("/")[2]) for name in tensors if name.startswith("images/")]
    return tensors[f"images/{max(steps)}"]
