"""Rows and grids of pictures, and the slider that chooses one."""

import numpy as np
import streamlit as st
import torch

from genlib.family import to_uint8
from genlib.plots import picture_grid, to_png
from ui.controls import bound, record_views

record_views("picture")


def row_of_pictures(pictures: torch.Tensor, alt: str, factor: int, width: int) -> None:
    """Draw pictures in [0, 1] in one row, `width` CSS pixels wide, or less on a phone."""
    grid = picture_grid(to_uint8(pictures).numpy()[None], factor)
    st.image(to_png(grid), output_format="PNG", width=width, alt=alt)


def picture_slider(family: str, count: int) -> int:
    """Return the index of a test picture that the student chooses."""
    return st.slider("Test picture", 0, count - 1, 0, **bound(family, "picture"))


SIDE = 4  # pictures of a row and of a column


def grid(x: torch.Tensor, columns: int = SIDE) -> np.ndarray:
    """Return pictures in [0, 1] as one image in rows: grey ones with one channel, not enlarged."""
    made = to_uint8(x).numpy()
    image = picture_grid(made.reshape(-1, columns, *made.shape[1:]), 1)
    return image if made.shape[1] == 3 else image[:, :, :1]
