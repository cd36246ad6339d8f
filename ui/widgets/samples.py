"""Samples of a generator: codings drawn from the prior, decoded, and semantic interpolation."""

import streamlit as st
import torch
from safetensors.torch import save

from genlib.family import gaussian_codings, to_uint8
from genlib.latents import semantic_grid
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from ui.cache import cached_figure
from ui.controls import record_views
from ui.widgets.elements import download, needs_run
from ui.widgets.pictures import image
from ui.widgets.seed import draw_number

record_views("sample")

ROWS = 3  # of codings drawn from the prior
COLUMNS = 4


@needs_run
@st.fragment
def samples(run: Run, family: str) -> None:
    """Draw samples from the prior, and semantic interpolations between them."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        seed = draw_number(family, "sample", "Draw of z", "Draw 12 others")
        st.caption("Twelve draws from N(0, I), decoded")
        z = _codings(run, seed)
        _decoded(run, z, COLUMNS, "Twelve samples")
    with right:
        st.caption("The same at every other place, and between them the means of their codings")
        between = semantic_grid(z, ROWS, COLUMNS)
        _decoded(run, between, 2 * COLUMNS - 1, "The samples, and what lies between them")
        download_codings(f"{family}-samples-{seed}", run, between)


def _codings(run: Run, seed: int) -> torch.Tensor:
    """Return codings drawn from the prior."""
    codings = gaussian_codings(run.family).codings
    return torch.randn(ROWS * COLUMNS, codings, generator=generator(seed))


@cached_figure
def _decoded(run: Run, z: torch.Tensor, columns: int, alt: str) -> None:
    """Draw the pictures of codings in rows."""
    levels = to_uint8(gaussian_codings(run.family).generate(z)).numpy()
    image(picture_grid(levels.reshape(-1, columns, *levels.shape[1:]), 4), alt)


def download_codings(name: str, run: Run, z: torch.Tensor) -> None:
    """Offer codings and their pictures as safetensors."""

    def content() -> bytes:
        pictures = gaussian_codings(run.family).generate(z)
        return save({"z": z.contiguous(), "pictures": pictures.contiguous()})

    download("Codings and pictures", f"{name}.safetensors", content)
