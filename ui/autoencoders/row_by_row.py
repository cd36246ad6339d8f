"""A picture read row by row: the reconstruction after each row, and at other lengths."""

import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.models.recurrent.model import RecurrentAutoencoder
from genlib.plots import picture_grid
from genlib.runs.run import Run
from genlib.studies.starts import model_of
from ui import cache
from ui.controls import bound, record_views
from ui.widgets.elements import needs_run
from ui.widgets.pictures import image, picture_slider, row_of_pictures

record_views("rows")

SHOWN = 7  # reconstructions, while the picture is read


@needs_run
@st.fragment
def rows(run: Run, family: str) -> None:
    """Draw the reconstruction as the picture is read, and one of another number of rows."""
    model = model_of(run, RecurrentAutoencoder)
    test = cache.dataset(run.spec.dataset).test
    number = picture_slider(family, len(test))
    x = to_float(test[number : number + 1])
    states = model.states(x)[0]
    _reconstructions(model, x, states)
    height = x.shape[2]
    written = st.slider(
        "Rows to write",
        height // 2,
        2 * height,
        height,
        help="The same weights write any number of rows; it was trained on one number only.",
        **bound(family, "rows"),
    )
    longer = model.write(states[-1:], written)
    st.caption(f"The same codings, written in {written} rows instead of {height}.")
    row_of_pictures(longer, f"The reconstruction in {written} rows", 6, 190)


def _reconstructions(model: RecurrentAutoencoder, x: torch.Tensor, states: torch.Tensor) -> None:
    """Draw what was read of a picture so far, and the reconstruction from it."""
    height = x.shape[2]
    marks = [round(height * index / SHOWN) for index in range(1, SHOWN + 1)]
    guesses = model.decode(states[[mark - 1 for mark in marks]])
    read = torch.cat([_upto(x, mark) for mark in marks])
    st.caption(
        f"Above: what it has read, {marks[0]}, {marks[1]}, … {height} rows. Below: what it "
        "would write then. The last is the reconstruction."
    )
    grid = picture_grid(torch.stack([to_uint8(read), to_uint8(guesses)]).numpy(), 6)
    image(grid, "What was read so far, and the reconstruction from it")


def _upto(x: torch.Tensor, rows: int) -> torch.Tensor:
    """Return the picture with the rows that are not read yet in grey."""
    shown = torch.full_like(x, 0.25)
    shown[:, :, :rows] = x[:, :, :rows]
    return shown
