"""Rows and grids of pictures, enlarged by whole factors, and the slider that chooses one."""

from typing import Literal

import numpy as np
import streamlit as st
import torch

from genlib.family import to_uint8
from genlib.plots import named_rows, picture_grid, to_png
from ui.controls import ranged, record_views

record_views("picture")

COLUMNS = 4  # of a grid


def image(levels: np.ndarray, alt: str, width: int | Literal["stretch"] = "stretch") -> None:
    """Draw an image of grey levels or colors 0 … 255 (height, width, 1 or 3) as a PNG."""
    st.image(to_png(levels), output_format="PNG", width=width, alt=alt)


def row_of_pictures(pictures: torch.Tensor, alt: str, factor: int, width: int) -> None:
    """Draw pictures in [0, 1] in one row, `width` CSS pixels wide, or less on a phone."""
    image(picture_grid(to_uint8(pictures).numpy()[None], factor), alt, width)


def labelled_rows(rows: dict[str, torch.Tensor], alt: str, factor: int = 2, *, dark: bool) -> None:
    """Draw rows of pictures in [0, 1], each beside its name."""
    levels = to_uint8(torch.stack(list(rows.values()))).numpy()
    st.image(named_rows(levels, list(rows), factor, dark=dark), width="stretch", alt=alt)


def picture_slider(family: str, count: int) -> int:
    """Return the index of a test picture that the student chooses."""
    return int(st.slider("Test picture", value=0, **ranged(family, "picture", 0, count - 1)))


def grid(x: torch.Tensor, columns: int = COLUMNS) -> np.ndarray:
    """Return pictures in [0, 1] as one image in rows: grey ones with one channel, not enlarged."""
    levels = to_uint8(x).numpy()
    rows = picture_grid(levels.reshape(-1, columns, *levels.shape[1:]), 1)
    return rows if levels.shape[1] == 3 else rows[:, :, :1]
