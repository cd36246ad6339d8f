"""Samples of points in the plane, by the number of steps: how many lie near a mode."""

import streamlit as st
import torch

from genlib.data.points import MODES
from genlib.diffusion.config import PREVIEW_NFE
from genlib.metrics import count_modes
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui.cache import cached_figure

STEPS = (PREVIEW_NFE, 20, 50, 200)
SAMPLES = 1000  # of each number of steps


@cached_figure
def by_steps(run: Run) -> None:
    """Say the share of samples of high quality by the number of steps, where modes are known."""
    shares = high_quality(run)
    if shares:
        st.caption(sentence(shares))


def high_quality(run: Run) -> dict[int, float]:
    """Return the share of samples near a mode for each number of steps; all of one noise."""
    model = diffusing(run)
    if run.spec.dataset not in MODES:
        return {}
    noise = torch.randn(SAMPLES, *model.shape, generator=generator(0))
    return {
        steps: count_modes(
            model.reverse(noise, steps=steps).flatten(1), *MODES[run.spec.dataset]
        ).high_quality
        for steps in STEPS
        if steps <= model.schedule.last
    }


def sentence(shares: dict[int, float]) -> str:
    """Return the shares in words, and whether the most steps are the best."""
    parts = ", ".join(f"{share:.0%} with {steps} steps" for steps, share in shares.items())
    text = (
        f"Samples of high quality (within three standard deviations of a mode), of {SAMPLES:,} by "
        f"DPM-Solver++: {parts}. Training shows samples of {PREVIEW_NFE} steps."
    )
    best, most = max(shares, key=lambda steps: shares[steps]), max(shares)
    if round(shares[best], 2) > round(shares[most], 2):
        text += (
            f" {best} steps are the best here: with more, the sampler's error is smaller, so what "
            "gets worse is the network's."
        )
    return text
