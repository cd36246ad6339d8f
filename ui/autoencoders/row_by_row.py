"""A picture read row by row: what a recurrent network knows after each, and at other lengths."""

import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.plots import picture_grid, to_png
from genlib.runs.run import Run
from ui import cache
from ui.controls import bound, record_views
from ui.widgets import elements
from ui.widgets.pictures import picture_slider, row_of_pictures

record_views("rows")

LOOKS = 7  # pictures of how the reconstruction comes about


@st.fragment
def rows(run: Run | None, family: str) -> None:
    """Draw the reconstruction as the picture is read, and one of another number of rows."""
    if run is None:
        elements.missing()
        return
    test = cache.dataset(run.spec.dataset).test
    number = picture_slider(family, len(test))
    x = to_float(test[number : number + 1])
    height = x.shape[2]
    marks = [round(height * look / LOOKS) for look in range(1, LOOKS + 1)]
    states = run.family.states(x)[0]
    guesses = run.family.decode(states[[mark - 1 for mark in marks]])
    read = torch.cat([_upto(x, mark) for mark in marks])
    st.caption(
        f"Above: what it has read, {marks[0]}, {marks[1]}, … {height} rows. Below: what it "
        "would write then. The last is the reconstruction."
    )
    grid = picture_grid(torch.stack([to_uint8(read), to_uint8(guesses)]).numpy(), 6)
    st.image(
        to_png(grid),
        output_format="PNG",
        width="stretch",
        alt="What was read so far, and the reconstruction from it",
    )
    wanted = st.slider(
        "Rows to write",
        height // 2,
        2 * height,
        height,
        help="The same weights write any number of rows; it was trained on one number only.",
        **bound(family, "rows"),
    )
    longer = run.family.write(states[-1:], wanted)
    st.caption(f"The same codings, written in {wanted} rows instead of {height}.")
    row_of_pictures(longer, f"The reconstruction in {wanted} rows", 6, 190)


def _upto(x: torch.Tensor, rows: int) -> torch.Tensor:
    """Return the picture with the rows that are not read yet in grey."""
    shown = torch.full_like(x, 0.25)
    shown[:, :, :rows] = x[:, :, :rows]
    return shown
