"""The way back from the middle: from a noised drawing, and around a painted hole."""

import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.samplers import ddim, inpainted
from genlib.family import to_float
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui import cache
from ui.controls import bound, record_views
from ui.widgets import elements, picture_source
from ui.widgets.drawing_pad import drawing_pad
from ui.widgets.pictures import row_of_pictures

record_views("middle", "mended", "begun")

TRIES = 6  # ways back from the same place
STEPS = 60  # of DDPM around a hole
PAINTED = 100  # the grey level from which a pixel of the mask counts as painted


@st.fragment
def from_the_middle(run: Run | None, family: str) -> None:
    """Let the student noise a picture up to a time, and walk back from there."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        share = st.slider(
            "Noised up to",
            5,
            100,
            60,
            5,
            format="%d %% of T",
            help="With little noise it is your picture, mended; with all of it, any picture.",
            **bound(family, "middle"),
        )
        x = picture_source.chosen(run.spec, family, "begun", number=3)
    with right:
        if not len(x):
            st.info("Draw something with a few strokes: the model redraws it.")
            return
        start = max(1, round(share / 100 * diffusing(run).schedule.last))
        noised, made = _back(run.spec.fingerprint, start, x.numpy().tobytes(), run, x)
        _shown("Your picture, and in noise six times over", torch.cat([x, noised]))
        _shown("What becomes of each", torch.cat([x, made]))


@st.cache_data(max_entries=64, show_spinner=False)
def _back(
    name: str, start: int, content: bytes, _run: Run, _x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture in several noises up to a time, and where each of them leads."""
    model = diffusing(_run)
    many = model.scaled(_x).expand(TRIES, *_x.shape[1:])
    eps = torch.randn(many.shape, generator=generator(0))
    noised = model.schedule.noised(many, torch.full((TRIES,), start), eps)
    return model.unscaled(noised), model.walked(noised, start=start)


def _shown(caption: str, pictures: torch.Tensor) -> None:
    st.caption(caption)
    factor = max(1, 112 // pictures.shape[-1])
    row_of_pictures(pictures, caption, factor, 7 * 100)


@st.fragment
def holes(run: Run | None, family: str) -> None:
    """Let the student paint a hole over a picture, and have the model fill it."""
    if run is None:
        elements.missing()
        return
    shape = DATASETS[run.spec.dataset].shape
    left, right = st.columns([1, 2], gap="large")
    with left:
        count = len(cache.dataset(run.spec.dataset).test)
        number = st.slider("Picture to mend", 0, count - 1, 1, **bound(family, "mended"))
        st.caption("Paint the hole in white:")
        mask = drawing_pad(shape, f"{family}-hole-{shape[1]}", _block(shape))
    with right:
        x = to_float(cache.dataset(run.spec.dataset).test[number : number + 1])
        hole = torch.zeros(1, *shape) if mask is None else (mask > PAINTED).float()[None]
        hole = hole.expand(1, *shape)
        if not hole.any():
            st.info("Paint a hole first.")
            return
        made = _filled(run.spec.fingerprint, number, hole.numpy().tobytes(), run, x, hole)
        grey = torch.where(hole > 0, torch.full_like(x, 0.5), x)
        _shown("The picture with its hole, and six ways to fill it", torch.cat([grey, made]))
        _shown("How it was", x.expand(TRIES + 1, *shape))


@st.cache_data(max_entries=64, show_spinner=False)
def _filled(
    name: str, number: int, content: bytes, _run: Run, _x: torch.Tensor, _hole: torch.Tensor
) -> torch.Tensor:
    """Return several ways to fill the hole of a test picture."""
    model, rng = diffusing(_run), generator(0)
    predict = inpainted(model.predictor(), model.scaled(_x), _hole)
    times = model.schedule.times(min(STEPS, model.schedule.last))
    noise = torch.randn(TRIES, *_x.shape[1:], generator=rng)
    *_, last = ddim(1.0)(predict, noise, model.schedule, times, rng)
    return model.unscaled(last.x)


def _block(shape: tuple[int, int, int]) -> torch.Tensor:
    """Return a mask of the lower half."""
    _, height, width = shape
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[:, height // 2 :] = 255
    return mask
