"""Pictures corrupted and restored: from the data set, drawn, or uploaded."""

import numpy as np
import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.metrics import linear_denoiser, psnr
from genlib.plots import Line, lines, picture_grid, to_png
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.controls import bound, record_views
from ui.runs.side_by_side import in_columns
from ui.widgets import elements, picture_source
from ui.widgets.elements import chart_at_rest

record_views("test_level", "source")

LEVELS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MEASURED = 1000  # test pictures
SHOWN = 6  # of them in a strip


@st.fragment
def restoring(run: Run | None, family: str) -> None:
    """Let the student choose pictures and a level of corruption, and restore them."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        slot = st.container()
        level = st.slider(
            "Test level",
            0.0,
            0.9,
            float(run.family.level),
            0.05,
            help="The corruption now; the model was trained at its own level.",
            **bound(family, "test_level"),
        )
        with slot:
            x = picture_source.chosen(run.spec, family, "source")
    with right:
        if not len(x):
            st.info("Draw something, or upload a picture, to see it restored.")
            return
        _restored(run, x, level)


def _restored(run: Run, x: torch.Tensor, level: float) -> None:
    """Draw clean, corrupted, the best linear estimate and the model's, each with its PSNR."""
    corrupted = run.family.corrupt(x, torch.Generator().manual_seed(0), level)
    matrix, offset = _best_linear(run.spec.fingerprint, level, run)
    linear = (corrupted.flatten(1) @ matrix.T + offset).view_as(x)
    strips = {
        "clean": x,
        "corrupted": corrupted,
        "best linear": linear,
        "this model": run.family.denoise(corrupted),
    }
    for name, pictures in strips.items():
        error = float((pictures.clamp(0, 1) - x).square().mean())
        st.caption(name.capitalize() + (f", {psnr(error):.1f} dB" if name != "clean" else ""))
        grid = picture_grid(to_uint8(pictures).numpy()[None], 4)
        width = "stretch" if len(x) > 1 else 160
        st.image(to_png(grid), output_format="PNG", width=width, alt=f"{name} pictures")


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Show runs side by side on the same corrupted test pictures, at the last one's level."""
    level = list(specs.values())[-1].model.level
    in_columns(specs, lambda run: _restores(run.spec.fingerprint, level, run))


@st.cache_data(max_entries=64, show_spinner=False)
def _restores(name: str, level: float, _run: Run) -> None:
    """Draw test pictures, corrupted at that level, and what a run makes of them."""
    x = to_float(cache.dataset(_run.spec.dataset).test[:SHOWN])
    corrupted = _run.family.corrupt(x, torch.Generator().manual_seed(0), level)
    made = _run.family.denoise(corrupted)
    before, after = (
        psnr(float((part.clamp(0, 1) - x).square().mean())) for part in (corrupted, made)
    )
    st.caption(f"Clean, corrupted ({before:.1f} dB), restored ({after:.1f} dB)")
    rows = np.stack([to_uint8(part).numpy() for part in (x, corrupted, made)])
    alt = "Clean, corrupted and restored pictures"
    st.image(to_png(picture_grid(rows, 6)), output_format="PNG", width="stretch", alt=alt)


def by_level(run: Run | None, family: str) -> None:
    """Draw the model's PSNR and the best linear denoiser's at every level of corruption."""
    if run is None:
        elements.missing()
        return
    _levels(run.spec.fingerprint, family, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _levels(name: str, family: str, _run: Run) -> None:
    own, best = _curves(name, _run)
    levels = np.array(LEVELS[1:])
    curves = {
        "this model": Line(levels, own),
        "the best linear denoiser of each level": Line(levels, best, dashed=True),
    }
    trained = float(np.interp(_run.family.level, levels, own))
    chart = lines(curves, "test level", "PSNR in dB", mark=(_run.family.level, trained))
    chart_at_rest(chart, f"{family}-levels")


@st.cache_data(max_entries=16)
def _curves(name: str, _run: Run) -> tuple[np.ndarray, np.ndarray]:
    x = to_float(cache.dataset(_run.spec.dataset).test[:MEASURED])
    own, best = [], []
    for level in LEVELS[1:]:
        corrupted = _run.family.corrupt(x, torch.Generator().manual_seed(0), level)
        matrix, offset = _best_linear(name, level, _run)
        linear = (corrupted.flatten(1) @ matrix.T + offset).view_as(x)
        for made, kept in ((_run.family.denoise(corrupted), own), (linear, best)):
            kept.append(psnr(float((made.clamp(0, 1) - x).square().mean())))
    return np.array(own), np.array(best)


@st.cache_resource(max_entries=32)
def _best_linear(name: str, level: float, _run: Run) -> tuple[torch.Tensor, torch.Tensor]:
    flat = to_float(cache.dataset(_run.spec.dataset).train[:20_000]).flatten(1)
    return linear_denoiser(flat, _run.family.noise_variance(flat, level))
