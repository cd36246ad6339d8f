"""Looking inside a trained model: figures that are pure functions of a run and a few sliders."""

from collections.abc import Callable

import numpy as np
import streamlit as st
import torch

from genlib.family import encoding, to_float, to_uint8
from genlib.plots import coding_chart, picture_grid, to_png
from genlib.runs import Run, RunSpec
from ui import controls, shelf
from ui.components import chart_at_rest
from ui.controls import BIND

SHOWN = 6  # pictures of a row in a comparison


@st.fragment
def codings(run: Run | None, family: str) -> None:
    """Let the student change one coding of a test picture and see what becomes of it."""
    if run is None:
        missing()
        return
    model = encoding(run.family)
    test = shelf.dataset(run.spec.dataset).test
    spread = shelf.coding_spread(run.spec.fingerprint, run)
    left, right = st.columns([1, 2], gap="large")
    with left:
        number, chosen, change = _choices(family, len(test), len(spread))
    x = to_float(test[number : number + 1])
    z = model.encode(x)
    moved = z.clone()
    moved[0, chosen] += change * spread[chosen]
    pictures = torch.cat([x, model.decode(z), model.decode(moved)])
    with right:
        _changed(pictures)
        st.caption(
            "Its codings. Each band reaches two standard deviations over all test pictures."
        )
        chart_at_rest(coding_chart(moved[0].numpy(), spread.numpy(), chosen), f"{family}-codings")


def missing() -> None:
    """Say that there is no trained model to look into yet."""
    st.info("Train this model first, or take the first preset.", icon=":material/info:")


def row_of_pictures(pictures: torch.Tensor, alt: str, factor: int, width: int) -> None:
    """Draw pictures in [0, 1] in one row, `width` CSS pixels wide, or less on a phone."""
    grid = picture_grid(to_uint8(pictures).numpy()[None], factor)
    st.image(to_png(grid), output_format="PNG", width=width, alt=alt)


def picture_slider(family: str, count: int) -> int:
    """Return the index of a test picture that the student chooses."""
    return st.slider("Test picture", 0, count - 1, 0, key=f"{family}.picture", **BIND)


def _changed(pictures: torch.Tensor) -> None:
    """Draw a picture, its reconstruction, and the reconstruction of its changed codings."""
    st.caption(
        "From left: the picture, its reconstruction, and the same with that coding changed."
    )
    alt = "A picture, its reconstruction, and the reconstruction with one coding changed"
    row_of_pictures(pictures, alt, 8, 560)


def _choices(family: str, pictures: int, codings: int) -> tuple[int, int, float]:
    """Return the indices of a picture and a coding, and the change of the latter."""
    number = picture_slider(family, pictures)
    chosen = 1
    if codings > 1:
        chosen = st.slider("Coding", 1, codings, 1, key=f"{family}.coding", **BIND)
    change = st.slider(
        "Change that coding by",
        -4.0,
        4.0,
        2.0,
        0.1,
        format="%.1f σ",
        key=f"{family}.change",
        help="In standard deviations of that coding over all test pictures.",
        **BIND,
    )
    return number, chosen - 1, change


def preset_button(family: str, preset: str, label: str = "the broken one") -> None:
    """Draw the button that sets the knobs to a preset; to the broken one by default."""
    st.button(
        f"Set the knobs to {label}",
        on_click=controls.apply_preset,
        args=(family, preset),
        icon=":material/tune:",
    )


def in_columns(specs: dict[str, RunSpec], draw: Callable[[Run], None]) -> None:
    """Draw each run in a column of its own under its title; say which is not trained yet."""
    columns = st.columns(len(specs), gap="large")
    for column, (title, spec) in zip(columns, specs.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            run = shelf.finished(spec)
            if run is None:
                st.info("Not trained on this server yet.")
            else:
                draw(run)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Show runs side by side, on pictures that they were trained on and on others."""
    in_columns(specs, _both)


def _both(run: Run) -> None:
    """Draw what a run makes of the pictures that it was trained on, and of others."""
    data = shelf.dataset(run.spec.dataset)
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
