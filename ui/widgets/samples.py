"""New samples of a generator, and what lies between them."""

import streamlit as st
import torch
from safetensors.torch import save

from genlib.family import generating, to_uint8
from genlib.latents import semantic_grid
from genlib.plots import picture_grid, to_png
from genlib.rng import generator
from genlib.runs.run import Run
from ui.controls import record_views
from ui.widgets.elements import download, missing
from ui.widgets.seed import draw_number

record_views("sample")

ROWS = 3  # of codings drawn from the prior
COLUMNS = 4


@st.fragment
def samples(run: Run | None, family: str) -> None:
    """Draw codings from the prior, decode them, and fill the places between them."""
    if run is None:
        missing()
        return
    name = run.spec.fingerprint
    left, right = st.columns([1, 2], gap="large")
    with left:
        seed = draw_number(family, "sample", "Draw of z", "Draw 12 others")
        st.caption("Twelve draws from N(0, I), decoded")
        _twelve(name, seed, run)
    with right:
        st.caption("The same at every other place, and between them the means of their codings")
        _between_twelve(name, seed, run)
        z = semantic_grid(_drawn(run, seed), ROWS, COLUMNS)
        download_codings(f"{family}-samples-{seed}", run, z)


def _drawn(run: Run, seed: int) -> torch.Tensor:
    """Return codings drawn from the prior."""
    codings = generating(run.family).codings
    return torch.randn(ROWS * COLUMNS, codings, generator=generator(seed))


@st.cache_data(max_entries=64, show_spinner=False)
def _twelve(name: str, seed: int, _run: Run) -> None:
    _pictures(_run, _drawn(_run, seed), COLUMNS, "Twelve samples")


@st.cache_data(max_entries=64, show_spinner=False)
def _between_twelve(name: str, seed: int, _run: Run) -> None:
    z = semantic_grid(_drawn(_run, seed), ROWS, COLUMNS)
    _pictures(_run, z, 2 * COLUMNS - 1, "The samples, and what lies between them")


def _pictures(run: Run, z: torch.Tensor, columns: int, alt: str) -> None:
    """Draw the pictures of codings in rows."""
    made = to_uint8(generating(run.family).generate(z)).numpy()
    grid = picture_grid(made.reshape(-1, columns, *made.shape[1:]), 4)
    st.image(to_png(grid), output_format="PNG", width="stretch", alt=alt)


def download_codings(name: str, run: Run, z: torch.Tensor) -> None:
    """Offer codings and their pictures as safetensors."""

    def make() -> bytes:
        pictures = generating(run.family).generate(z)
        return save({"z": z.contiguous(), "pictures": pictures.contiguous()})

    download("Codings and pictures", f"{name}.safetensors", make)
