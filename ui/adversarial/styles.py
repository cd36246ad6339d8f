"""A generator by style taken apart: mixed styles, noise, truncation, walks, layer by layer."""

import numpy as np
import streamlit as st
import torch

from genlib.family import to_uint8
from genlib.models.stylegan.model import LAYERS
from genlib.nn import mixed
from genlib.plots import named_rows, picture_grid, to_png
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import styled
from genlib.studies.style_layers import Space, drawn_styles, made, walk
from ui.controls import bound, record_views
from ui.widgets import elements
from ui.widgets.seed import draw_number

record_views(
    "layers", "strength", "psi", "mixture", "exchanged", "grain", "truncated", "from", "to"
)

ROWS, COLUMNS = 4, 7  # of the mixing matrix
SHOWN = 6  # pictures of a row elsewhere
OTHERS = 10_000  # added to the number of a draw, for the codings that it is mixed with
DRAWS = 32  # of noise, over which the deviation is taken
STEPS = 8  # of a walk


@st.fragment
def mixing(run: Run | None, family: str) -> None:
    """Draw the matrix of two sets of styles, mixed at the layers that the student chooses."""
    if run is None:
        elements.missing()
        return
    groups = list(styled(run).layers())
    left, right = st.columns([1, 2], gap="large")
    with left:
        chosen = st.segmented_control(
            "Styles of the columns at",
            groups,
            selection_mode="multi",
            default=groups[:1],
            help="Coarse are the layers of 4 × 4 places, fine those of 16 × 16 and more.",
            **bound(family, "layers"),
        )
        seed = draw_number(family, "mixture", "Draw of both", "Others")
        st.caption("None chosen: all rows are what they were. All chosen: all columns are.")
    with right:
        _matrix(run.spec.fingerprint, tuple(name for name in groups if name in chosen), seed, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _matrix(name: str, groups: tuple[str, ...], seed: int, _run: Run) -> None:
    model = styled(_run)
    layers = [layer for group in groups for layer in model.layers()[group]]
    rows, columns = (
        drawn_styles(model, count, number, torch.device("cpu"))
        for count, number in ((ROWS, seed), (COLUMNS, seed + OTHERS))
    )
    own, other = rows.repeat_interleave(COLUMNS, 0), columns.repeat(ROWS, 1, 1)
    cells = to_uint8(made(model, mixed(own, other, layers))).unflatten(0, (ROWS, COLUMNS))
    head, side = to_uint8(made(model, columns)), to_uint8(made(model, rows))
    corner = torch.full_like(head[:1], 128)
    above = torch.cat([corner, head])[None]
    below = torch.cat([side[:, None], cells], 1)
    grid = picture_grid(torch.cat([above, below]).numpy(), 3)
    alt = "Pictures at the left and above, and between them those of both styles"
    st.image(to_png(grid), output_format="PNG", width="stretch", alt=alt)


@st.fragment
def layers(run: Run | None, family: str) -> None:
    """Draw one picture with the style of one layer after the other exchanged."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        seed = draw_number(family, "exchanged", "Draw of z", "Another")
    with right:
        _layers(run.spec.fingerprint, seed, run, dark=st.context.theme.type == "dark")


@st.cache_data(max_entries=64, show_spinner=False)
def _layers(name: str, seed: int, _run: Run, *, dark: bool) -> None:
    model, here = styled(_run), torch.device("cpu")
    own = drawn_styles(model, 1, seed, here).expand(SHOWN, -1, -1)
    others = drawn_styles(model, SHOWN, seed + OTHERS, here)
    names = {"itself": list[int]()}
    for index in range(own.shape[1]):
        side = model.sides[index // LAYERS]
        names[f"{index + 1}: {side} × {side}"] = [index]
    rows = [to_uint8(made(model, mixed(own, others, at))).numpy() for at in names.values()]
    image = named_rows(np.stack(rows), list(names), 2, dark=dark)
    st.image(image, width="stretch", alt="Rows of pictures; in each, one layer has other styles")


@st.fragment
def noise(run: Run | None, family: str) -> None:
    """Draw pictures without noise, with the noise that is kept, with new noise, and what moves."""
    if run is None:
        elements.missing()
        return
    if not styled(run).config.noise:
        st.info("This model was trained without noise: switch Noise on and train it.")
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        strength = st.slider(
            "Strength of new noise",
            0.0,
            5.0,
            1.0,
            0.25,
            help="1 is what the generator was trained with, 0 is none.",
            **bound(family, "strength"),
        )
        seed = draw_number(family, "grain", "Draw of noise", "Another")
    with right:
        dark = st.context.theme.type == "dark"
        _noise(run.spec.fingerprint, strength, seed, run, dark=dark)


@st.cache_data(max_entries=64, show_spinner=False)
def _noise(name: str, strength: float, seed: int, _run: Run, *, dark: bool) -> None:
    model, rng = styled(_run), generator(seed)
    styles = drawn_styles(model, SHOWN, 0, torch.device("cpu"))
    drawn = [model.synthesise(styles, model.noises(SHOWN, rng, strength)) for _ in range(DRAWS)]
    spread = torch.stack(drawn).std(0)
    most = float(spread.max())
    rows = {
        "no noise": model.synthesise(styles, model.noises(SHOWN, rng, 0.0)),
        "kept noise": model.synthesise(styles),
        "new noise": drawn[0],
        "other noise": drawn[1],
        "deviation": spread / max(most, 1e-6),
    }
    pictures = np.stack([to_uint8(row).numpy() for row in rows.values()])
    image = named_rows(pictures, list(rows), 2, dark=dark)
    st.image(image, width="stretch", alt="Pictures with several noises, and where they differ")
    st.caption(
        f"Lowest row: standard deviation of each pixel over {DRAWS} draws; white is {most:.3f}, "
        f"black is 0. On average it is {float(spread.mean()):.4f}, black to white being 1."
    )


@st.fragment
def truncation(run: Run | None, family: str) -> None:
    """Let the student pull styles to their mean."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        psi = st.slider("ψ", -1.0, 2.0, 0.7, 0.05, **bound(family, "psi"))
        seed = draw_number(family, "truncated", "Draw of z", "Others")
    with right:
        _truncated(run.spec.fingerprint, psi, seed, run, dark=st.context.theme.type == "dark")


@st.cache_data(max_entries=64, show_spinner=False)
def _truncated(name: str, psi: float, seed: int, _run: Run, *, dark: bool) -> None:
    model = styled(_run)
    styles = drawn_styles(model, SHOWN, seed, torch.device("cpu"))
    rows = [made(model, model.truncated(styles, at)) for at in (0.0, psi, 1.0)]
    names = ["mean: ψ = 0", f"ψ = {psi:g}", "all: ψ = 1"]
    _, variety, whole = (float(row.std(0).mean()) for row in rows)
    image = named_rows(np.stack([to_uint8(row).numpy() for row in rows]), names, 2, dark=dark)
    st.image(image, width="stretch", alt="The mean picture, truncated ones, and whole ones")
    st.caption(
        f"These {SHOWN} pictures vary by {variety:.3f} a pixel; with ψ = 1 they vary by "
        f"{whole:.3f}."
    )


@st.fragment
def walks(run: Run | None, family: str) -> None:
    """Draw the walk between two pictures in each of both spaces."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        first = draw_number(family, "from", "Begin at draw", "Another")
        last = draw_number(family, "to", "End at draw", "Another")
    with right:
        dark = st.context.theme.type == "dark"
        _walks(run.spec.fingerprint, first, last, run, dark=dark)


@st.cache_data(max_entries=64, show_spinner=False)
def _walks(name: str, first: int, last: int, _run: Run, *, dark: bool) -> None:
    model, spaces = styled(_run), tuple[Space, ...](("z", "w"))
    ends = [
        torch.randn(model.codings, generator=generator(number))
        for number in (first, last + OTHERS)
    ]
    rows = [to_uint8(made(model, walk(model, *ends, space, STEPS))).numpy() for space in spaces]
    image = named_rows(np.stack(rows), ["in z", "in w"], 2, dark=dark)
    st.image(image, width="stretch", alt="Two walks between the same two pictures")
