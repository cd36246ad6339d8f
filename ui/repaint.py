"""The way back from the middle: from a noised drawing, and around a painted hole."""

import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import to_float
from genlib.rng import generator
from genlib.runs import Run
from genlib.samplers import ddim, dpm_solver, inpainted
from genlib.studies.starts import diffusing
from ui import inside, own_picture, shelf
from ui.controls import BIND
from ui.drawing_pad import drawing_pad

TRIES = 6  # ways back from the same place
STEPS = 20
PAINTED = 100  # the grey level from which a pixel of the mask counts as painted


@st.fragment
def from_the_middle(run: Run | None, family: str) -> None:
    """Let the student noise a picture up to a time, and walk back from there."""
    if run is None:
        inside.missing()
        return
    model = diffusing(run)
    left, right = st.columns([1, 2], gap="large")
    with left:
        share = st.slider(
            "Noised up to",
            5,
            100,
            60,
            5,
            format="%d %% of T",
            key=f"{family}.middle",
            help="With little noise it is your picture, mended; with all of it, any picture.",
            **BIND,
        )
        x = own_picture.chosen(run.spec, f"{family}.begun", number=3)
    with right:
        if not len(x):
            st.info("Draw a shirt, a shoe or a bag with a few strokes: the model redraws it.")
            return
        start = max(1, round(share / 100 * model.schedule.last))
        rng = generator(0)
        many = model.scaled(x).expand(TRIES, *x.shape[1:])
        t = torch.full((TRIES,), start)
        noised = model.schedule.noised(many, t, torch.randn(many.shape, generator=rng))
        times = model.schedule.times(min(STEPS, start), start)
        *_, last = model.frames(noised, dpm_solver, times, rng)
        _shown("Your picture, and in noise six times over", torch.cat([x, model.unscaled(noised)]))
        _shown("What becomes of each", torch.cat([x, model.unscaled(last.x)]))


def _shown(caption: str, pictures: torch.Tensor) -> None:
    st.caption(caption)
    factor = max(1, 112 // pictures.shape[-1])
    inside.row_of_pictures(pictures, caption, factor, 7 * 100)


@st.fragment
def holes(run: Run | None, family: str) -> None:
    """Let the student paint a hole over a picture, and have the model fill it."""
    if run is None:
        inside.missing()
        return
    model = diffusing(run)
    shape = DATASETS[run.spec.dataset].shape
    left, right = st.columns([1, 2], gap="large")
    with left:
        count = len(shelf.dataset(run.spec.dataset).test)
        number = st.slider("Picture to mend", 0, count - 1, 1, key=f"{family}.mended", **BIND)
        st.caption("Paint the hole in white:")
        mask = drawing_pad(shape, f"{family}-hole", _block(shape))
    with right:
        x = to_float(shelf.dataset(run.spec.dataset).test[number : number + 1])
        hole = torch.zeros(1, *shape) if mask is None else (mask > PAINTED).float()[None]
        hole = hole.expand(1, *shape)
        rng = generator(0)
        noise = torch.randn(TRIES, *shape, generator=rng)
        predict = inpainted(model.predictor(), model.scaled(x), hole)
        times = model.schedule.times(min(3 * STEPS, model.schedule.last))
        *_, last = ddim(1.0)(predict, noise, model.schedule, times, rng)
        grey = torch.where(hole > 0, torch.full_like(x, 0.5), x)
        _shown(
            "The picture with its hole, and six ways to fill it",
            torch.cat([grey, model.unscaled(last.x)]),
        )
        _shown("How it was", x.expand(7, *shape))


def _block(shape: tuple[int, int, int]) -> torch.Tensor:
    """Return a mask of the lower half."""
    _, height, width = shape
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[:, height // 2 :] = 255
    return mask
