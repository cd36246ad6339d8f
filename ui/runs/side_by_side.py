"""Runs beside one another, and the button that sets the knobs to one of them."""

from collections.abc import Callable

import numpy as np
import streamlit as st
import torch

from genlib.family import to_float, to_uint8
from genlib.plots import picture_grid, to_png
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.runs import knobs

SHOWN = 6  # pictures of a row in a comparison


def preset_button(family: str, preset: str, label: str = "the broken one") -> None:
    """Draw the button that sets the knobs to a preset; to the broken one by default."""
    st.button(
        f"Set the knobs to {label}",
        on_click=knobs.apply_preset,
        args=(family, preset),
        icon=":material/tune:",
    )


def in_columns(specs: dict[str, RunSpec], draw: Callable[[Run], None]) -> None:
    """Draw each run in a column of its own under its title; say which is not trained yet."""
    columns = st.columns(len(specs), gap="large")
    for column, (title, spec) in zip(columns, specs.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            run = cache.finished(spec)
            if run is None:
                st.info("Not trained on this server yet.")
            else:
                draw(run)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Show runs side by side, on pictures that they were trained on and on others."""
    in_columns(specs, _both)


def _both(run: Run) -> None:
    """Draw what a run makes of the pictures that it was trained on, and of others."""
    data = cache.dataset(run.spec.dataset)
    _compare("Training pictures", run, data.train[: run.spec.train.pictures or None])
    _compare("Test pictures", run, data.test)


def _compare(title: str, run: Run, images: torch.Tensor) -> None:
    """Draw pictures over what the model makes of them, with the error over a thousand."""
    error, picture = _comparison(run.spec.fingerprint, title, run, images)
    st.caption(f"{title}, MSE {error:.2g}")
    st.image(
        picture,
        output_format="PNG",
        width="stretch",
        alt=f"{title}, and under them what the model makes of them",
    )


@st.cache_data(max_entries=64)
def _comparison(name: str, title: str, _run: Run, _images: torch.Tensor) -> tuple[float, bytes]:
    some = to_float(_images[:1000])
    x = some[:SHOWN]
    made = _run.family.preview(x, torch.Generator().manual_seed(0))
    rows = np.stack([to_uint8(part).numpy() for part in (x, *made.split(SHOWN))])
    return float(_run.family.evaluate(some)["mse"]), to_png(picture_grid(rows, 6))
