"""Walks through a latent space: new samples, what lies between pictures, what a coding does."""

from typing import Literal

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import encoding, to_float, to_uint8
from genlib.latents import interpolation, traversal
from genlib.plots import animation, named_rows, picture_grid, to_png
from genlib.runs.run import Run
from ui import cache
from ui.controls import bound, record_views
from ui.variational.posterior import rate_of_each
from ui.widgets import elements
from ui.widgets.elements import download
from ui.widgets.samples import download_codings

record_views("first", "last")

REACH = 3.0  # standard deviations of the prior, to which a coding is moved
STEPS = 9  # of a traversal and of an interpolation
FRAMES = 25  # of an animation, there and back
TRAVERSED = 10  # codings, the ones that say most


@st.fragment
def walks(run: Run | None, family: str) -> None:
    """Let the student move one coding of a picture at a time, and walk to another picture."""
    if run is None:
        elements.missing()
        return
    count = len(cache.dataset(run.spec.dataset).test)
    left, right = st.columns(2, gap="large")
    with left:
        first = st.slider("From test picture", 0, count - 1, 0, **bound(family, "first"))
    with right:
        last = st.slider("To test picture", 0, count - 1, 1, **bound(family, "last"))
    z = cache.codings(run.spec.fingerprint, run)
    left, right = st.columns(2, gap="large")
    with left:
        dark = st.context.theme.type == "dark"
        order = _traversal(run.spec.fingerprint, first, run, dark=dark)
        _animations(run, family, first, order)
    with right:
        _between(run.spec.fingerprint, first, last, run)
        path = interpolation(z[first], z[last], STEPS)
        download_codings(f"{family}-walk-{first}-{last}", run, path)


@st.cache_data(max_entries=64, show_spinner=False)
def _traversal(name: str, number: int, _run: Run, *, dark: bool) -> list[int]:
    """Draw a picture with one coding moved at a time; return the codings, most telling first."""
    rates = rate_of_each(name, _run)
    order: list[int] = rates.argsort(descending=True, stable=True)[:TRAVERSED].tolist()
    z = traversal(cache.codings(name, _run)[number], order, torch.linspace(-REACH, REACH, STEPS))
    made = to_uint8(encoding(_run.family).decode(z.flatten(0, 1))).numpy()
    rows = made.reshape(len(order), STEPS, *made.shape[1:])
    names = [f"{coding + 1}: {rates[coding]:.1f}" for coding in order]
    st.caption(f"Each row moves one coding from −{REACH:g} to {REACH:g}; beside it, its nats.")
    image = named_rows(rows, names, 2, dark=dark)
    st.image(image, width="stretch", alt="Rows of pictures, in each one coding changes")
    return order


@st.cache_data(max_entries=64, show_spinner=False)
def _between(name: str, first: int, last: int, _run: Run) -> None:
    """Draw the walk between two pictures, and what mixing their pixels gives."""
    data = cache.dataset(_run.spec.dataset)
    x, z = to_float(data.test[[first, last]]), cache.codings(name, _run)[[first, last]]
    walk = encoding(_run.family).decode(interpolation(z[0], z[1], STEPS))
    mixed = interpolation(x[0], x[1], STEPS)
    classes = [DATASETS[data.name].classes[int(data.test_labels[at])] for at in (first, last)]
    st.caption(
        f"From “{classes[0]}” to “{classes[1]}”. Above, their codings are mixed and decoded; "
        "below, their pixels: two ghosts, not one thing between them."
    )
    rows = np.stack([to_uint8(part).numpy() for part in (walk, mixed)])
    grid = picture_grid(rows, 4)
    st.image(to_png(grid), output_format="PNG", width="stretch", alt="A walk, and a cross-fade")


def _animations(run: Run, family: str, number: int, order: list[int]) -> None:
    """Offer the traversal as an animation, and as numbers."""
    name = f"{family}-traversal-{number}"
    z = cache.codings(run.spec.fingerprint, run)[number]
    model = encoding(run.family)

    def moving(kind: Literal["GIF", "PNG"]) -> bytes:
        values = REACH * torch.linspace(0, 2 * torch.pi, FRAMES + 1)[:-1].sin()
        walk = traversal(z, order, values).movedim(1, 0)
        made = [to_uint8(model.decode(frame)).numpy() for frame in walk]
        frames = np.stack([picture_grid(frame[None], 3) for frame in made])
        return animation(frames, 80, kind, rest=0)

    with st.container(horizontal=True):
        download("GIF", f"{name}.gif", lambda: moving("GIF"))
        download("APNG", f"{name}.png", lambda: moving("PNG"))
        walk = traversal(z, order, torch.linspace(-REACH, REACH, STEPS)).flatten(0, 1)
        download_codings(name, run, walk)
