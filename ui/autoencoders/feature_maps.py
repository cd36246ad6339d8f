"""Feature maps: what each layer of a convolutional network makes of one picture."""

import numpy as np
import streamlit as st

from genlib.family import to_float
from genlib.models.convolutional.model import ConvolutionalAutoencoder
from genlib.plots import picture_grid
from genlib.runs.run import Run
from genlib.studies.starts import model_of
from ui import cache
from ui.cache import cached_figure
from ui.widgets.elements import needs_run
from ui.widgets.pictures import image, picture_slider

WIDE = 720  # CSS pixels of a layer's row of maps
MOST = 16  # maps shown of a layer


@needs_run
@st.fragment
def feature_maps(run: Run, family: str) -> None:
    """Draw the maps of every layer for a test picture that the student chooses."""
    test = cache.dataset(run.spec.dataset).test
    number = picture_slider(family, len(test))
    _layers(run, number)


@cached_figure
def _layers(run: Run, number: int) -> None:
    """Draw the feature maps of each layer in turn."""
    x = to_float(cache.dataset(run.spec.dataset).test[number : number + 1])
    for layer, maps in model_of(run, ConvolutionalAutoencoder).feature_maps(x):
        values = maps.numpy()
        count, rows, columns = values.shape
        st.caption(
            f"**{layer.capitalize()}**: {count} of {rows} × {columns}"
            + (f", the first {MOST} shown" if count > MOST else "")
        )
        width = WIDE if count > 1 else 160
        image(_map_grid(values[:MOST]), f"The feature maps of {layer}", width)


def _map_grid(maps: np.ndarray) -> np.ndarray:
    """Return maps as one image: black is none of a feature, white the most in any map shown."""
    low = min(0.0, float(maps.min()))
    high = float(maps.max())
    grey = ((maps - low) / max(high - low, 1e-6) * 255).round().astype(np.uint8)
    columns = min(len(grey), MOST // 2) if len(grey) > 1 else 1
    padding = np.full((-len(grey) % columns, *grey.shape[1:]), 128, np.uint8)
    grey = np.concatenate([grey, padding])
    enlarged = max(1, 84 // grey.shape[2])  # first, so that gutters are thin beside tiny maps
    grey = grey.repeat(enlarged, 1).repeat(enlarged, 2)
    return picture_grid(grey.reshape(-1, columns, 1, *grey.shape[1:]), 2)
