"""Partial noising (SDEdit) and inpainting: back from a noised drawing, and around a hole."""

import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.samplers import ddim, inpainted
from genlib.family import to_float
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views
from ui.widgets import picture_source
from ui.widgets.drawing_pad import drawing_pad
from ui.widgets.elements import needs_run
from ui.widgets.pictures import row_of_pictures

record_views("middle", "mended", "begun")

SAMPLES = 6  # from the same picture
STEPS = 60  # of DDPM around a hole
PAINTED = 100  # the grey level from which a pixel of the mask counts as painted


@needs_run
@st.fragment
def from_the_middle(run: Run, family: str) -> None:
    """Draw a picture noised up to a time, and the samples that the way back leads to (SDEdit)."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        share = st.slider(
            "Noised up to",
            value=60,
            step=5,
            format="%d %% of T",
            help="With little noise it is your picture, mended; with all of it, any picture.",
            **ranged(family, "middle", 5, 100),
        )
        x = picture_source.chosen(run.spec, family, "begun", number=3)
    with right:
        if not len(x):
            st.info("Draw something with a few strokes: the model redraws it.")
            return
        start = max(1, round(share / 100 * diffusing(run).schedule.last))
        noised, samples = _denoised(run, start, x)
        _row("Your picture, and in noise six times over", torch.cat([x, noised]))
        _row("What becomes of each", torch.cat([x, samples]))


@cached_figure
def _denoised(run: Run, start: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture in several noises up to a time, and the samples that each leads to."""
    model = diffusing(run)
    clean = model.scaled(x).expand(SAMPLES, *x.shape[1:])
    eps = torch.randn(clean.shape, generator=generator(0))
    x_t = model.schedule.noised(clean, torch.full((SAMPLES,), start), eps)
    return model.unscaled(x_t), model.reverse(x_t, start=start)


def _row(caption: str, pictures: torch.Tensor) -> None:
    st.caption(caption)
    factor = max(1, 112 // pictures.shape[-1])
    row_of_pictures(pictures, caption, factor, 7 * 100)


@needs_run
@st.fragment
def holes(run: Run, family: str) -> None:
    """Draw inpainting: a picture with a hole that the student paints, and samples that fill it."""
    shape = DATASETS[run.spec.dataset].shape
    left, right = st.columns([1, 2], gap="large")
    with left:
        count = len(cache.dataset(run.spec.dataset).test)
        number = st.slider("Picture to mend", value=1, **ranged(family, "mended", 0, count - 1))
        st.caption("Paint the hole in white:")
        mask = drawing_pad(shape, f"{family}-hole-{shape[1]}", _block(shape))
    with right:
        x = to_float(cache.dataset(run.spec.dataset).test[number : number + 1])
        hole = torch.zeros(1, *shape) if mask is None else (mask > PAINTED).float()[None]
        if not hole.any():
            st.info("Paint a hole first.")
            return
        hole = hole.expand(1, *shape)
        grey = torch.where(hole > 0, torch.full_like(x, 0.5), x)
        pictures = torch.cat([grey, _inpainted(run, x, hole)])
        _row("The picture with its hole, and six ways to fill it", pictures)
        _row("How it was", x.expand(SAMPLES + 1, *shape))


@cached_figure
def _inpainted(run: Run, x: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """Return samples that fill the hole of a picture."""
    model = diffusing(run)
    rng = generator(0)
    predict = inpainted(model.predictor(), model.scaled(x), hole)
    times = model.schedule.times(min(STEPS, model.schedule.last))
    noise = torch.randn(SAMPLES, *x.shape[1:], generator=rng)
    *_, last = ddim(1.0)(predict, noise, model.schedule, times, rng)
    return model.unscaled(last.x)


def _block(shape: tuple[int, int, int]) -> torch.Tensor:
    """Return a mask of the lower half."""
    _, height, width = shape
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[:, height // 2 :] = 255
    return mask
