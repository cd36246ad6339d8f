"""A pretrained autoencoder of pictures: its few feature maps, and the effect of changing one."""

from typing import Any

import numpy as np
import streamlit as st
import torch

from genlib.data import default_dataset
from genlib.data.photographs import photographs
from genlib.family import Shape, to_float, to_uint8
from genlib.headlines import psnr
from genlib.hub import Pull
from genlib.hub.reversal import codings, decoded
from genlib.plots import diverging, picture_grid
from ui import cache
from ui.cache import cached_figure
from ui.controls import one_of, ranged, record_views
from ui.pretrained import pull
from ui.widgets import picture_source
from ui.widgets.pictures import image

record_views("tiny", "tiny-repo", "picture", "source", "map", "change")

PAGE = pull.PAGE
SIDE = 128  # pixels of a photograph: a change is seen within a blink on one core
WIDE = 640  # CSS pixels of a row
MOST = 3.0  # a code is rarely more, either way


@st.fragment
def tiny_autoencoder() -> None:
    """Draw a picture's reconstruction from few feature maps, with one of them changed."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        entry = pull.chosen("autoencoder", "tiny")
        if entry is None:
            return
        pull.facts(entry)
        task = Pull.of(entry)
        network = pull.opened(task) if pull.here(task) else None
        x = torch.empty(0) if network is None else _picture(network)
    with right:
        if network is None:
            pull.bring(entry)
        elif len(x):
            _drawn(task, x)
        else:
            st.caption("Draw or upload a picture first.")


def _picture(network: Any) -> torch.Tensor:
    """Return a picture that the student chooses, of the kind that the model was trained on."""
    grey = network.config.in_channels == 1
    shape: Shape = (1, 28, 28) if grey else (3, SIDE, SIDE)
    sources = ("Test picture", "Draw", "Upload") if grey else ("Photograph", "Upload")
    number = st.slider("Which one", value=0, **ranged(PAGE, "picture", 0, 9 if grey else 1))

    def offered() -> torch.Tensor:
        if not grey:
            return photographs(SIDE)[number % 2][None]
        return to_float(cache.dataset(default_dataset()).test[number : number + 1])

    return picture_source.picked("Picture", shape, PAGE, "source", sources, offered)


@cached_figure
def _coded(task: Pull, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture's feature maps (its codings), and its reconstruction."""
    network = pull.opened(task)
    with torch.inference_mode():
        z = codings(network, x)
        return z, decoded(network, z)


def _drawn(task: Pull, x: torch.Tensor) -> None:
    """Draw a picture, its reconstruction, its maps, and the reconstruction of a changed map."""
    z, copy = _coded(task, x)
    chosen, change = _change(z.shape[1])
    moved = z.clone()
    moved[:, chosen] += change
    with torch.inference_mode():
        other = decoded(pull.opened(task), moved)
    error = float((copy - x).square().mean())
    st.caption(
        f"The picture, {x.numel():,} numbers; its copy from {z.numel():,} "
        f"({psnr(error):.1f} dB); the copy with that map changed."
    )
    pictures = to_uint8(torch.cat([x, copy, other])).numpy()
    _row(pictures, "The picture, its copy, and the copy of changed maps")
    st.caption(f"Its maps, as changed: white is 0, orange {MOST:g}, blue −{MOST:g}.")
    _row(diverging(moved[0].numpy(), MOST), "The maps that the copy is made from")


def _change(maps: int) -> tuple[int, float]:
    """Return which map to change, and by how much."""
    left, right = st.columns(2)
    with left:
        number = st.segmented_control(
            "Map",
            default=1,
            required=True,
            **one_of(PAGE, "map", list(range(1, maps + 1))),
        )
    with right:
        change = st.slider(
            "Add to every number of it",
            value=1.0,
            step=0.1,
            **ranged(PAGE, "change", -MOST, MOST),
        )
    return number - 1, change


def _row(pictures: np.ndarray, alt: str) -> None:
    """Draw pictures in one row, each pixel enlarged by a whole factor."""
    factor = max(1, round(WIDE / len(pictures) / pictures.shape[-1]))
    enlarged = pictures.repeat(factor, -1).repeat(factor, -2)  # first, so that gutters are thin
    row = picture_grid(enlarged[None], 1)
    image(row, alt, min(WIDE, row.shape[1]))
