"""A model that grows: its pictures at every size, a level that fades in, growing or not."""

import numpy as np
import streamlit as st
import torch

from genlib.adversarial.levels import GrowthState, true_pixels
from genlib.family import to_float, to_uint8
from genlib.plots import named_rows, picture_grid, to_png
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import growing
from ui.controls import bound, record_views
from ui.widgets import elements
from ui.widgets.seed import draw_number

record_views("level", "alpha", "faded")

ROWS, COLUMNS = 4, 5  # of the samples of each size
WIDE = 224  # pixels of each sample, a whole multiple of all sizes
FADED = 6  # samples that fade in


def sizes(run: Run | None) -> None:
    """Draw samples from the end of each stage, in the pixels that they had then."""
    if run is None:
        elements.missing()
        return
    if not growing(run).config.growing:
        st.info("This model was not grown: it drew whole pictures from its first step on.")
        return
    _sizes(run.spec.fingerprint, run)


@st.cache_data(max_entries=16, show_spinner=False)
def _sizes(name: str, _run: Run) -> None:
    model, last, ends = growing(_run), _run.snapshots[-1].step, 0.0
    stages = model.stages()
    for column, side, stage in zip(st.columns(len(stages)), model.sides, stages, strict=True):
        ends += stage.share
        snapshot = [each for each in _run.snapshots if each.step <= ends * last][-1]
        seen = true_pixels(to_float(snapshot.images[: ROWS * COLUMNS]), side)
        enlarged = max(1, WIDE // seen.shape[-1])
        wide = seen.repeat_interleave(enlarged, 2).repeat_interleave(enlarged, 3)
        grid = picture_grid(to_uint8(wide).unflatten(0, (ROWS, COLUMNS)).numpy(), 1)
        with column:
            st.markdown(f"**{stage.name}**")
            alt = f"Samples of {stage.name} pixels"
            st.image(to_png(grid), output_format="PNG", width="stretch", alt=alt)
            st.caption(f"Step {snapshot.step:,} of {last:,}")


@st.fragment
def fading(run: Run | None, family: str) -> None:
    """Let the student move α: the level below, the level itself, and what lies between."""
    if run is None:
        elements.missing()
        return
    model = growing(run)
    if not model.config.growing or not model.config.fading:
        st.info("Nothing faded in while this model was trained: set Growing and Fade-in for it.")
        return
    names = [stage.name for stage in model.stages()][1:]
    left, right = st.columns([1, 2], gap="large")
    with left:
        chosen = st.segmented_control(
            "What fades in", names, default=names[-1], required=True, **bound(family, "level")
        )
        alpha = st.slider("α", 0.0, 1.0, 0.5, 0.05, **bound(family, "alpha"))
        seed = draw_number(family, "faded", "Draw of z", "Others")
    with right:
        dark = st.context.theme.type == "dark"
        _faded(run.spec.fingerprint, names.index(chosen) + 1, alpha, seed, run, dark=dark)


@st.cache_data(max_entries=64, show_spinner=False)
def _faded(name: str, level: int, alpha: float, seed: int, _run: Run, *, dark: bool) -> None:
    model = growing(_run)
    z = torch.randn(FADED, model.codings, generator=generator(seed))
    alphas = 0.0, alpha, 1.0
    made = [to_uint8(model.generator(z, GrowthState(level, at))).numpy() for at in alphas]
    image = named_rows(np.stack(made), [f"α = {at:g}" for at in alphas], 2, dark=dark)
    st.image(image, width="stretch", alt="The same codings at three values of alpha")
    st.caption(
        "The uppermost row is the size below, its pixels repeated; the lowest the new one. What "
        "turns maps into pictures of the size below has not learned on since it faded out, though "
        "the layers before it have: so they may differ from what they were then."
    )
