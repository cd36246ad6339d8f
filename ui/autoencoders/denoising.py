"""Denoising: corrupted pictures restored, and the PSNR beside the best linear denoiser's."""

from typing import Literal, NamedTuple

import numpy as np
import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.headlines import decibels, psnr
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
from ui.controls import ranged, record_views
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
            value=float(_denoiser(run).level),
            step=0.05,
            help="The corruption now; the model was trained at its own level.",
            **ranged(family, "test_level", 0.0, 0.9),
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


def _error(estimate: torch.Tensor, x: torch.Tensor) -> float:
    """Return the mean squared error of estimates of pictures."""
    return float((estimate.clamp(0, 1) - x).square().mean())


def _restored(run: Run, x: torch.Tensor, level: float) -> None:
    """Draw clean, corrupted, the best linear estimate and the model's, each with its PSNR."""
    width: int | Literal["stretch"] = "stretch" if len(x) > 1 else 160
    corrupted, linear, own = _denoised(run, x, level)
    strips = {"clean": x, "corrupted": corrupted, "best linear": linear, "this model": own}
    for name, pictures in strips.items():
        quality = f", {decibels(_error(pictures, x))}" if name != "clean" else ""
        st.caption(
            name.capitalize() + quality + (_scaled(run, level) if pictures is corrupted else "")
        )
        image(picture_grid(to_uint8(pictures).numpy()[None], 4), f"{name} pictures", width)


def _scaled(run: Run, level: float) -> str:
    """Return how the pixels that dropout leaves are scaled; nothing for noise."""
    if run.spec.model_as(DenoisingConfig).corruption == "gaussian" or level == 0:
        return ""
    return f". Pixels that are left are {1 / (1 - level):.2g} times as bright, and cut at white"


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
    before, after = _error(corrupted, x), _error(restored, x)
    st.caption(
        f"Clean, corrupted ({decibels(before)}), restored ({decibels(after)}): "
        f"{psnr(after) - psnr(before):+.1f} dB"
    )
    rows = to_uint8(torch.stack([x, corrupted, restored]))
    image(picture_grid(rows.numpy(), 6), "Clean, corrupted and restored pictures")


@needs_run
@cached_figure
def by_level(run: Run, family: str) -> None:
    """Draw the model's PSNR and the best linear denoiser's at every level of corruption."""
    x = to_float(cache.dataset(run.spec.dataset).test[:MEASURED])
    denoised = [_denoised(run, x, level) for level in LEVELS]
    own = np.array([psnr(_error(each.model, x)) for each in denoised])
    linear = np.array([psnr(_error(each.linear, x)) for each in denoised])
    levels = np.array(LEVELS)
    st.caption(_lead(levels, own, linear))
    curves = {
        "this model": Line(levels, own),
        "the best linear denoiser of each level": Line(levels, linear, dashed=True),
    }
    trained = _denoiser(run).level
    shown = trained >= LEVELS[0]
    mark = (trained, float(np.interp(trained, levels, own))) if shown else None
    chart = lines(curves, "test level", "PSNR in dB", mark=mark)
    static_chart(chart, f"{family}-levels")


def _lead(levels: np.ndarray, own: np.ndarray, linear: np.ndarray) -> str:
    """Return at which levels a model has a higher PSNR than the best linear denoiser."""
    better = ", ".join(f"{level:g}" for level in levels[own > linear])
    if not better:
        return "At none of these levels is the model better than the best linear denoiser."
    return f"The model is better than the best linear denoiser at the levels {better}."


@cached_object
def _best_linear(run: Run, level: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the matrix and offset of the best linear denoiser, the Wiener filter."""
    flat = to_float(cache.dataset(run.spec.dataset).train[:20_000]).flatten(1)
    return linear_denoiser(flat, _denoiser(run).noise_variance(flat, level))
