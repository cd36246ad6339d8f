"""Denoising: corrupted pictures restored, and the PSNR beside the best linear denoiser's."""

from typing import Literal, NamedTuple

import numpy as np
import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.headlines import psnr
from genlib.metrics import linear_denoiser
from genlib.models.denoising.config import DenoisingConfig
from genlib.models.denoising.model import DenoisingAutoencoder
from genlib.plots import Line, lines, picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import model_of
from ui import cache
from ui.cache import cached_figure, cached_object
from ui.controls import bound, record_views
from ui.runs.side_by_side import in_columns
from ui.widgets import picture_source
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import image

record_views("test_level", "source")

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MEASURED = 1000  # test pictures
SHOWN = 6  # of them in a strip


@needs_run
@st.fragment
def restoring(run: Run, family: str) -> None:
    """Draw pictures of the student's choice, corrupted at a level of choice, and restored."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        slot = st.container()
        level = st.slider(
            "Test level",
            0.0,
            0.9,
            float(_denoiser(run).level),
            0.05,
            help="The corruption now; the model was trained at its own level.",
            **bound(family, "test_level"),
        )
        with slot:
            x = picture_source.chosen(run.spec, family, "source")
    with right:
        if len(x):
            _restored(run, x, level)
        else:
            st.info("Draw something, or upload a picture, to see it restored.")


def _denoiser(run: Run) -> DenoisingAutoencoder:
    return model_of(run, DenoisingAutoencoder)


class Denoised(NamedTuple):
    """Corrupted pictures, the best linear estimate of the clean ones, and the model's."""

    corrupted: torch.Tensor
    linear: torch.Tensor
    model: torch.Tensor


def _denoised(run: Run, x: torch.Tensor, level: float) -> Denoised:
    corrupted = _denoiser(run).corrupt(x, generator(0), level)
    matrix, offset = _best_linear(run, level)
    linear = (corrupted.flatten(1) @ matrix.T + offset).view_as(x)
    return Denoised(corrupted, linear, _denoiser(run).denoise(corrupted))


def _decibels(estimate: torch.Tensor, x: torch.Tensor) -> float:
    """Return the PSNR of estimates of pictures."""
    return psnr(float((estimate.clamp(0, 1) - x).square().mean()))


def _restored(run: Run, x: torch.Tensor, level: float) -> None:
    """Draw clean, corrupted, the best linear estimate and the model's, each with its PSNR."""
    width: int | Literal["stretch"] = "stretch" if len(x) > 1 else 160
    strips = dict(
        zip(("corrupted", "best linear", "this model"), _denoised(run, x, level), strict=True)
    )
    for name, pictures in ({"clean": x} | strips).items():
        quality = f", {_decibels(pictures, x):.1f} dB" if name != "clean" else ""
        st.caption(name.capitalize() + quality)
        image(picture_grid(to_uint8(pictures).numpy()[None], 4), f"{name} pictures", width)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw denoisers side by side on the same corrupted pictures, at the last one's level."""
    level = list(specs.values())[-1].model_as(DenoisingConfig).level
    in_columns(specs, lambda run: _restores(run, level))


@cached_figure
def _restores(run: Run, level: float) -> None:
    """Draw test pictures, corrupted at that level, and what a run makes of them."""
    x = to_float(cache.dataset(run.spec.dataset).test[:SHOWN])
    corrupted = _denoiser(run).corrupt(x, generator(0), level)
    restored = _denoiser(run).denoise(corrupted)
    before = _decibels(corrupted, x)
    after = _decibels(restored, x)
    st.caption(f"Clean, corrupted ({before:.1f} dB), restored ({after:.1f} dB)")
    rows = to_uint8(torch.stack([x, corrupted, restored]))
    image(picture_grid(rows.numpy(), 6), "Clean, corrupted and restored pictures")


@needs_run
@cached_figure
def by_level(run: Run, family: str) -> None:
    """Draw the model's PSNR and the best linear denoiser's at every level of corruption."""
    x = to_float(cache.dataset(run.spec.dataset).test[:MEASURED])
    denoised = [_denoised(run, x, level) for level in LEVELS]
    own = np.array([_decibels(each.model, x) for each in denoised])
    linear = np.array([_decibels(each.linear, x) for each in denoised])
    levels = np.array(LEVELS)
    curves = {
        "this model": Line(levels, own),
        "the best linear denoiser of each level": Line(levels, linear, dashed=True),
    }
    trained = _denoiser(run).level
    mark = (trained, float(np.interp(trained, levels, own)))
    chart = lines(curves, "test level", "PSNR in dB", mark=mark)
    static_chart(chart, f"{family}-levels")


@cached_object
def _best_linear(run: Run, level: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the matrix and offset of the best linear denoiser, the Wiener filter."""
    flat = to_float(cache.dataset(run.spec.dataset).train[:20_000]).flatten(1)
    return linear_denoiser(flat, _denoiser(run).noise_variance(flat, level))
