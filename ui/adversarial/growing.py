"""Progressive growing: samples at the end of every stage, and the fade-in of new layers."""

import numpy as np
import streamlit as st
import torch

from genlib.adversarial.levels import GrowthState, true_pixels
from genlib.family import to_float, to_uint8
from genlib.plots import named_rows, picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import growing
from ui.cache import cached_figure
from ui.controls import one_of, ranged, record_views
from ui.widgets.elements import is_dark, needs_run
from ui.widgets.pictures import image
from ui.widgets.seed import draw_number

record_views("level", "alpha", "faded")

ROWS = 4  # of the samples of each size
COLUMNS = 5
WIDE = 224  # pixels of each sample, a whole multiple of all sizes
FADED = 6  # samples that fade in


@needs_run
def sizes(run: Run) -> None:
    """Draw samples at the end of each stage of growing, in the pixels that they had then."""
    if not growing(run).config.growing:
        st.info("This model was not grown: it drew whole pictures from its first step on.")
        return
    _sizes(run)


@cached_figure
def _sizes(run: Run) -> None:
    model = growing(run)
    last = run.snapshots[-1].step
    stages = model.stages()
    share = 0.0
    for column, side, stage in zip(st.columns(len(stages)), model.sides, stages, strict=True):
        share += stage.share
        snapshot = [each for each in run.snapshots if each.step <= share * last][-1]
        with column:
            st.markdown(f"**{stage.name}**")
            samples = true_pixels(to_float(snapshot.images[: ROWS * COLUMNS]), side)
            image(_enlarged_grid(samples), f"Samples of {stage.name} pixels")
            st.caption(f"Step {snapshot.step:,} of {last:,}")


def _enlarged_grid(samples: torch.Tensor) -> np.ndarray:
    """Return a grid of samples, all as wide whatever their size."""
    factor = max(1, WIDE // samples.shape[-1])
    wide = samples.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return picture_grid(to_uint8(wide).unflatten(0, (ROWS, COLUMNS)).numpy(), 1)


@needs_run
@st.fragment
def fading(run: Run, family: str) -> None:
    """Draw the fade-in of a level: the one below, the level itself, and the mean by α."""
    model = growing(run)
    if not model.config.growing or not model.config.fading:
        st.info("Nothing faded in while this model was trained: set Growing and Fade-in for it.")
        return
    names = [stage.name for stage in model.stages()][1:]
    left, right = st.columns([1, 2], gap="large")
    with left:
        chosen = st.segmented_control(
            "What fades in",
            default=names[-1],
            required=True,
            **one_of(family, "level", names),
        )
        alpha = st.slider("α", value=0.5, step=0.05, **ranged(family, "alpha", 0.0, 1.0))
        seed = draw_number(family, "faded", "Draw of z", "Others")
    level = names.index(chosen) + 1
    with right:
        _fade_in(run, level, alpha, seed, dark=is_dark())


@cached_figure
def _fade_in(run: Run, level: int, alpha: float, seed: int, *, dark: bool) -> None:
    model = growing(run)
    z = torch.randn(FADED, model.codings, generator=generator(seed))
    alphas = (0.0, alpha, 1.0)
    samples = [model.generator(z, GrowthState(level, each)) for each in alphas]
    levels = to_uint8(torch.stack(samples)).numpy()
    rows = named_rows(levels, [f"α = {each:g}" for each in alphas], 2, dark=dark)
    st.image(rows, width="stretch", alt="The same codings at three values of alpha")
    st.caption(
        "The uppermost row is the size below, its pixels repeated; the lowest is the new one. "
        "The old output layer stopped learning when it was faded out, while the layers before it "
        "went on. So α = 0 may look a little worse than it did then."
    )
