"""What lies between two noises, between two pictures, and where each sampler leads."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.base import SAMPLERS, SamplerName
from genlib.diffusion.samplers import Frame, invert
from genlib.family import to_float, to_uint8
from genlib.latents import FRAMES, interpolation, spherical_interpolation, spread
from genlib.plots import named_rows
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui import cache
from ui.controls import bound, record_views
from ui.diffusion.reverse_process import steps_slider
from ui.widgets import elements
from ui.widgets.film import Film, film
from ui.widgets.pictures import grid
from ui.widgets.seed import draw_number

record_views("from", "to", "first", "sample")

BETWEEN = 9  # steps from one end to the other
THERE_AND_BACK = 100  # steps of an inversion
MOST = 100  # steps of all samplers at once
SEVERAL = 2  # pictures of a row and of a column, for each sampler


@st.fragment
def between_noises(run: Run | None, family: str) -> None:
    """Walk from one noise to another, along the sphere and straight through it."""
    if run is None:
        elements.missing()
        return
    seed = draw_number(family, "first", "Seed of both noises", "Two others")
    _noises(run.spec.fingerprint, seed, run, dark=st.context.theme.type == "dark")


@st.cache_data(max_entries=64, show_spinner=False)
def _noises(name: str, seed: int, _run: Run, *, dark: bool) -> None:
    model = diffusing(_run)
    ends = torch.randn(2, *model.shape, generator=generator(seed))
    ways = {
        "on the sphere": spherical_interpolation(ends[0], ends[1], BETWEEN),
        "straight": interpolation(ends[0], ends[1], BETWEEN),
    }
    made = model.walked(torch.cat([*ways.values()])).split(BETWEEN)
    st.caption("Left and right are the same in both rows; the row below passes where no noise is.")
    _rows(dict(zip(ways, made, strict=True)), "Pictures between two noises", dark=dark)


def _rows(rows: dict[str, torch.Tensor], alt: str, *, dark: bool) -> None:
    """Draw rows of pictures in [0, 1], each beside its name."""
    levels = np.stack([to_uint8(row).numpy() for row in rows.values()])
    st.image(named_rows(levels, [*rows], 3, dark=dark), width="stretch", alt=alt)


@st.fragment
def between_pictures(run: Run | None, family: str) -> None:
    """Find the noise of two test pictures by DDIM backwards, and walk between them."""
    if run is None:
        elements.missing()
        return
    count = len(cache.dataset(run.spec.dataset).test)
    left, right = st.columns(2, gap="large")
    with left:
        one = st.slider("From test picture", 0, count - 1, 0, **bound(family, "from"))
    with right:
        other = st.slider("To test picture", 0, count - 1, 1, **bound(family, "to"))
    _found(run.spec.fingerprint, one, other, run, dark=st.context.theme.type == "dark")


@st.cache_data(max_entries=64, show_spinner=False)
def _found(name: str, one: int, other: int, _run: Run, *, dark: bool) -> None:
    model = diffusing(_run)
    data = cache.dataset(_run.spec.dataset)
    x = to_float(data.test[[one, other]])
    times = model.schedule.times(min(THERE_AND_BACK, model.schedule.last))
    ends = invert(model.predictor(), model.scaled(x), model.schedule, times)
    between = spherical_interpolation(ends[0], ends[1], BETWEEN)
    made = model.walked(between, SAMPLERS["DDIM"], THERE_AND_BACK)
    error = (made[[0, -1]] - x).square().mean((1, 2, 3))
    classes = [DATASETS[data.name].classes[int(data.test_labels[at])] for at in (one, other)]
    st.caption(
        f"From “{classes[0]}” to “{classes[1]}”. The ends come back from their noise with a mean "
        f"squared error of {error[0]:.4f} and {error[1]:.4f}."
    )
    rows = {"by their noise": made, "by their pixels": interpolation(x[0], x[1], BETWEEN)}
    _rows(rows, "Pictures between two pictures", dark=dark)


@st.fragment
def same_noise(run: Run | None, family: str) -> None:
    """Take the same noise through every sampler, side by side."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns(2, gap="large")
    with left:
        steps = steps_slider(family, run, MOST)
    with right:
        seed = draw_number(family, "sample", "Seed of the noise", "Other noise")
    shown = _walked(run.spec.fingerprint, steps, seed, run)
    film(shown, f"{family}-samplers", "four pictures on their way from noise", 3)


@st.cache_data(max_entries=32, show_spinner="Walking from noise to pictures…")
def _walked(name: str, steps: int, seed: int, _run: Run) -> Film:
    """Return a panel for each sampler."""
    model = diffusing(_run)
    noise = torch.randn(SEVERAL**2, *model.shape, generator=generator(seed))
    times = model.schedule.times(steps)
    snapshots = spread(len(times), FRAMES)

    def panel(name: SamplerName) -> np.ndarray:
        walk: list[Frame] = [*model.frames(noise, SAMPLERS[name], times, generator(seed))]
        return np.stack([grid(model.unscaled(walk[at].x), SEVERAL) for at in snapshots])

    captions = [f"Step {at} of {steps}, t = {times[at]:,}" for at in snapshots]
    return Film({name: panel(name) for name in SAMPLERS}, captions)
