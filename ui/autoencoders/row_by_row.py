"""A picture read row by row: the reconstruction after each row, and at other lengths."""

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.models.recurrent.model import RecurrentAutoencoder
from genlib.plots import Line, lines, picture_grid
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import model_of
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import image, picture_slider, row_of_pictures

record_views("rows")

SHOWN = 7  # reconstructions, while the picture is read
MEASURED = 2000  # test pictures


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
    _unread(run, family)
    height = x.shape[2]
    written = st.slider(
        "Rows to write",
        value=height,
        help="The same weights write any number of rows; it was trained on one number only.",
        **ranged(family, "rows", height // 2, 2 * height),
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


class Unread(NamedTuple):
    """The mean squared error of the rows not read yet, after each row but the last."""

    model: np.ndarray  # of what it would write then
    mean_picture: np.ndarray  # of the mean training picture


@cached_figure
def _unread(run: Run, family: str) -> None:
    """Draw the error of the rows that are not read yet, against the number of rows read."""
    data = cache.dataset(run.spec.dataset)
    mean = to_float(data.train).mean(0)
    x = to_float(data.test[:MEASURED])
    errors = unread_errors(model_of(run, RecurrentAutoencoder), x, mean)
    rows = np.arange(1, x.shape[2])
    better = rows[errors.model < errors.mean_picture]
    verdict = (
        f"it is better at {len(better)} of {len(rows)} places, the first after {better[0]} rows"
        if len(better)
        else "it is never better, however many rows it has read"
    )
    st.caption(
        f"Error of the rows that it has not read yet, over {len(x):,} test pictures. Against the "
        f"mean training picture, {verdict}."
    )
    curves = {
        "this model": Line(rows, errors.model),
        "mean picture": Line(rows, errors.mean_picture, dashed=True),
    }
    static_chart(lines(curves, "rows read", "MSE of the other rows"), f"{family}-unread")


def unread_errors(model: RecurrentAutoencoder, x: torch.Tensor, mean: torch.Tensor) -> Unread:
    """Return the errors of the unread rows of pictures x, beside those of a mean picture."""
    states = model.states(x)
    own, other = list[float](), list[float]()
    for rows in range(1, x.shape[2]):
        written = model.decode(states[:, rows - 1])
        own.append(float((written - x)[:, :, rows:].square().mean()))
        other.append(float((mean - x)[:, :, rows:].square().mean()))
    return Unread(np.array(own), np.array(other))


def halves(specs: dict[str, RunSpec]) -> None:
    """Say how large the error is in the half that is read first, and in the other."""
    for title, spec in specs.items():
        run = cache.finished(spec)
        if run is not None:
            first, last = _error_by_half(run)
            st.markdown(
                f"- **{title}**: in the rows read first the error is {first:.0%} of the mean "
                f"picture's, in those read last {last:.0%}."
            )


@cached_figure
def _error_by_half(run: Run) -> tuple[float, float]:
    data = cache.dataset(run.spec.dataset)
    x = to_float(data.test[:MEASURED])
    model = model_of(run, RecurrentAutoencoder)
    return error_by_half(model.reconstruct(x), x, to_float(data.train).mean(0))


def error_by_half(x_hat: torch.Tensor, x: torch.Tensor, mean: torch.Tensor) -> tuple[float, float]:
    """Return the errors of the upper and the lower half of pictures, as shares of the mean's."""
    own = (x_hat - x).square().mean((0, 1, 3))
    other = (mean - x).square().mean((0, 1, 3))
    middle = len(own) // 2
    upper, lower = (
        own[:middle].sum() / other[:middle].sum(),
        own[middle:].sum() / other[middle:].sum(),
    )
    return float(upper), float(lower)


def _upto(x: torch.Tensor, rows: int) -> torch.Tensor:
    """Return the picture with the rows that are not read yet in grey."""
    shown = torch.full_like(x, 0.25)
    shown[:, :, :rows] = x[:, :, :rows]
    return shown
