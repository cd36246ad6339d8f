"""Latent traversals and interpolation: one coding moved at a time, and from picture to picture."""

from typing import Literal

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import encoding, to_float, to_uint8
from genlib.latents import interpolation, traversal
from genlib.plots import animation, picture_grid
from genlib.runs.run import Run
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views
from ui.variational.posterior import kl_by_coding
from ui.widgets.elements import download, is_dark, needs_run
from ui.widgets.pictures import image, labelled_rows
from ui.widgets.samples import download_codings

record_views("first", "last")

REACH = 3.0  # standard deviations of the prior, to which a coding is moved
STEPS = 9  # of a traversal and of an interpolation
FRAMES = 25  # of an animation, there and back
TRAVERSED = 10  # codings, the ones of the largest KL divergence


@needs_run
@st.fragment
def walks(run: Run, family: str) -> None:
    """Draw a latent traversal of a picture, and the interpolation to another picture."""
    count = len(cache.dataset(run.spec.dataset).test)
    left, right = st.columns(2, gap="large")
    with left:
        first = st.slider("From test picture", value=0, **ranged(family, "first", 0, count - 1))
    with right:
        last = st.slider("To test picture", value=1, **ranged(family, "last", 0, count - 1))
    z = cache.codings(run)
    left, right = st.columns(2, gap="large")
    with left:
        _traversal(run, z[first], dark=is_dark())
        _animations(run, z[first], f"{family}-traversal-{first}")
    with right:
        _interpolation(run, first, last)
        path = interpolation(z[first], z[last], STEPS)
        download_codings(f"{family}-walk-{first}-{last}", run, path)


def _traversed(run: Run) -> list[int]:
    """Return the indices of the codings of the largest KL divergence, largest first."""
    order = kl_by_coding(run).argsort(descending=True, stable=True)
    return [int(index) for index in order[:TRAVERSED]]


@cached_figure
def _traversal(run: Run, z: torch.Tensor, *, dark: bool) -> None:
    """Draw a latent traversal: in each row one coding moves from −REACH to REACH."""
    kl = kl_by_coding(run)
    order = _traversed(run)
    codings = traversal(z, order, torch.linspace(-REACH, REACH, STEPS))
    names = [f"{index + 1}: {kl[index]:.1f}" for index in order]
    rows = {
        name: encoding(run.family).decode(row) for name, row in zip(names, codings, strict=True)
    }
    changes = [change(row) for row in rows.values()]
    st.caption(
        f"Each row moves one coding from −{REACH:g} to {REACH:g}; beside it, its nats. The pixels "
        f"change by {changes[0]:.3f} in the first row and by {changes[-1]:.3f} in the last: the "
        "standard deviation along a row, as root mean square over the pixels."
    )
    labelled_rows(rows, "Rows of pictures, in each one coding changes", dark=dark)


def change(row: torch.Tensor) -> float:
    """Return how far pictures of a row differ: the root mean square of the pixels' deviations."""
    return float(row.var(0, correction=0).mean().sqrt())


@cached_figure
def _interpolation(run: Run, first: int, last: int) -> None:
    """Draw the latent interpolation between two pictures over the mixture of their pixels."""
    data = cache.dataset(run.spec.dataset)
    x = to_float(data.test[[first, last]])
    z = cache.codings(run)[[first, last]]
    decoded = encoding(run.family).decode(interpolation(z[0], z[1], STEPS))
    mixed = interpolation(x[0], x[1], STEPS)
    begin, end = (DATASETS[data.name].classes[int(data.test_labels[at])] for at in (first, last))
    st.caption(
        f"From “{begin}” to “{end}”. Above, the means of their codings are decoded; "
        "below are the means of their pixels."
    )
    rows = to_uint8(torch.stack([decoded, mixed])).numpy()
    image(picture_grid(rows, 4), "A walk, and a cross-fade")


def _animations(run: Run, z: torch.Tensor, name: str) -> None:
    """Offer the latent traversal as an animation, and as numbers."""
    order = _traversed(run)

    def animated(kind: Literal["GIF", "PNG"]) -> bytes:
        values = REACH * torch.linspace(0, 2 * torch.pi, FRAMES + 1)[:-1].sin()
        codings = traversal(z, order, values).movedim(1, 0)
        levels = [to_uint8(encoding(run.family).decode(frame)).numpy() for frame in codings]
        frames = np.stack([picture_grid(frame[None], 3) for frame in levels])
        return animation(frames, 80, kind, rest=0)

    with st.container(horizontal=True):
        download("GIF", f"{name}.gif", lambda: animated("GIF"))
        download("APNG", f"{name}.png", lambda: animated("PNG"))
        codings = traversal(z, order, torch.linspace(-REACH, REACH, STEPS)).flatten(0, 1)
        download_codings(name, run, codings)
