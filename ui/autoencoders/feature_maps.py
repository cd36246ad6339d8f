"""What each layer of a convolutional network makes of one picture."""

import numpy as np
import streamlit as st

from genlib.family import to_float
from genlib.plots import picture_grid, to_png
from genlib.runs.run import Run
from ui import cache
from ui.widgets import elements
from ui.widgets.pictures import picture_slider

WIDE = 720  # CSS pixels of a layer's row of maps
MOST = 16  # maps shown of a layer


@st.fragment
def feature_maps(run: Run | None, family: str) -> None:
    """Draw the maps of every layer for a test picture that the student chooses."""
    if run is None:
        elements.missing()
        return
    test = cache.dataset(run.spec.dataset).test
    number = picture_slider(family, len(test))
    _layers(run.spec.fingerprint, number, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _layers(name: str, number: int, _run: Run) -> None:
    """Draw the maps of each layer in turn."""
    x = to_float(cache.dataset(_run.spec.dataset).test[number : number + 1])
    for layer, maps in _run.family.feature_maps(x):
        values = maps.numpy()
        count, rows, columns = values.shape
        st.caption(
            f"**{layer.capitalize()}**: {count} of {rows} × {columns}"
            + (f", the first {MOST} shown" if count > MOST else "")
        )
        st.image(
            _drawn(values[:MOST]),
            output_format="PNG",
            width=WIDE if count > 1 else 160,
            alt=f"The feature maps of {layer}",
        )


def _drawn(maps: np.ndarray) -> bytes:
    """Return maps as one PNG: black is none of a feature, white the most in any map shown."""
    low, high = min(0.0, float(maps.min())), float(maps.max())
    grey = ((maps - low) / max(high - low, 1e-6) * 255).round().astype(np.uint8)
    columns = min(len(grey), MOST // 2) if len(grey) > 1 else 1
    missing = -len(grey) % columns
    grey = np.concatenate([grey, np.full((missing, *grey.shape[1:]), 128, np.uint8)])
    enlarged = max(1, 84 // grey.shape[2])  # first, so that gutters are thin beside tiny maps
    grey = grey.repeat(enlarged, 1).repeat(enlarged, 2)
    return to_png(picture_grid(grey.reshape(-1, columns, 1, *grey.shape[1:]), 2))
