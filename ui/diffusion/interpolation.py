"""Interpolation between noises and between pictures (DDIM inversion); samplers from one noise."""

from itertools import combinations

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.samplers import SAMPLERS, Frame, invert
from genlib.family import to_float
from genlib.latents import FRAMES, interpolation, spherical_interpolation, spread
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.sampler_bench import compared
from genlib.studies.starts import diffusing
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views
from ui.diffusion.reverse_process import steps_slider
from ui.widgets.elements import is_dark, needs_run
from ui.widgets.film import Film, film
from ui.widgets.pictures import grid, labelled_rows
from ui.widgets.seed import draw_number

record_views("from", "to", "first", "sample")

BETWEEN = 9  # steps from one end to the other
THERE_AND_BACK = 100  # steps of an inversion
MOST = 100  # steps of all samplers at once
SEVERAL = 2  # pictures of a row and of a column, for each sampler


@needs_run
@st.fragment
def between_noises(run: Run, family: str) -> None:
    """Draw the interpolation from one noise to another, spherical and linear."""
    seed = draw_number(family, "first", "Seed of both noises", "Two others")
    _between_noises(run, seed, dark=is_dark())


@cached_figure
def _between_noises(run: Run, seed: int, *, dark: bool) -> None:
    model = diffusing(run)
    ends = torch.randn(2, *model.shape, generator=generator(seed))
    spherical = spherical_interpolation(ends[0], ends[1], BETWEEN)
    linear = interpolation(ends[0], ends[1], BETWEEN)
    pictures = model.reverse(torch.cat([spherical, linear]))
    middle = [float(row[BETWEEN // 2].norm()) for row in (spherical, linear)]
    st.caption(
        "Left and right are the same in both rows. Norm of the noise: "
        f"{float(ends[0].norm()):.1f} and {float(ends[1].norm()):.1f} at the ends, in the middle "
        f"{middle[0]:.1f} on the sphere and {middle[1]:.1f} on the straight line."
    )
    rows = {"on the sphere": pictures[:BETWEEN], "straight": pictures[BETWEEN:]}
    labelled_rows(rows, "Pictures between two noises", 3, dark=dark)


@needs_run
@st.fragment
def between_pictures(run: Run, family: str) -> None:
    """Draw the interpolation between two test pictures by their noises, from DDIM inversion."""
    count = len(cache.dataset(run.spec.dataset).test)
    left, right = st.columns(2, gap="large")
    with left:
        first = st.slider("From test picture", value=0, **ranged(family, "from", 0, count - 1))
    with right:
        last = st.slider("To test picture", value=1, **ranged(family, "to", 0, count - 1))
    _between_pictures(run, first, last, dark=is_dark())


@cached_figure
def _between_pictures(run: Run, first: int, last: int, *, dark: bool) -> None:
    model = diffusing(run)
    data = cache.dataset(run.spec.dataset)
    x = to_float(data.test[[first, last]])
    times = model.schedule.times(min(THERE_AND_BACK, model.schedule.last))
    ends = invert(model.predictor(), model.scaled(x), model.schedule, times)
    between = spherical_interpolation(ends[0], ends[1], BETWEEN)
    pictures = model.reverse(between, SAMPLERS["DDIM"], THERE_AND_BACK)
    error = (pictures[[0, -1]] - x).square().mean((1, 2, 3))
    begin, end = (DATASETS[data.name].classes[int(data.test_labels[at])] for at in (first, last))
    st.caption(
        f"From “{begin}” to “{end}”. The ends come back from their noise with a mean "
        f"squared error of {error[0]:.4f} and {error[1]:.4f}."
    )
    rows = {"by their noise": pictures, "by their pixels": interpolation(x[0], x[1], BETWEEN)}
    labelled_rows(rows, "Pictures between two pictures", 3, dark=dark)


@needs_run
@st.fragment
def same_noise(run: Run, family: str) -> None:
    """Draw the trajectories of all samplers from the same noise, side by side."""
    left, right = st.columns(2, gap="large")
    with left:
        steps = steps_slider(family, run, MOST)
    with right:
        seed = draw_number(family, "sample", "Seed of the noise", "Other noise")
    with st.spinner("Walking from noise to pictures…"):
        trajectories = _trajectories(run, steps, seed)
    film(trajectories, f"{family}-samplers", "four pictures on their way from noise", 3)
    st.caption(alike(trajectories))


def alike(trajectories: Film) -> str:
    """Return which samplers end at the same pixels, and that Euler's is DDIM."""
    ends = {name: panel[-1] for name, panel in trajectories.panels.items()}
    pairs = [
        f"{one} and {other}"
        for one, other in combinations(ends, 2)
        if np.array_equal(ends[one], ends[other])
    ]
    same = f"Here {', '.join(pairs)} end at the same pixels. " if pairs else ""
    return (
        f"{same}Euler's method is not shown: its step is that of DDIM without fresh noise, to the "
        "bit. DDPM names a sampler here, the one with fresh noise, and not the model."
    )


@cached_figure
def _trajectories(run: Run, steps: int, seed: int) -> Film:
    """Return the film of the trajectories, a panel for each sampler."""
    model = diffusing(run)
    noise = torch.randn(SEVERAL**2, *model.shape, generator=generator(seed))
    times = model.schedule.times(steps)
    shown = spread(len(times), FRAMES)

    def panel(name: str) -> np.ndarray:
        rng = generator(seed)
        frames: list[Frame] = [*model.trajectory(noise, SAMPLERS[name], times, rng)]
        return np.stack([grid(model.unscaled(frames[at].x), SEVERAL) for at in shown])

    captions = [f"Step {at} of {steps}, t = {times[at]:,}" for at in shown]
    return Film({name: panel(name) for name in compared()}, captions)
