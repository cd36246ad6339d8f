"""Style mixing, noise, truncation and latent walks of a style-based generator (StyleGAN)."""

import streamlit as st
import torch

from genlib.family import to_uint8
from genlib.models.stylegan.model import LAYERS, StyleGAN
from genlib.nn import mixed
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import styled
from genlib.studies.style_layers import Space, drawn_styles, path, synthesized
from ui.cache import cached_figure
from ui.controls import ranged, record_views, some_of
from ui.widgets.elements import is_dark, needs_run
from ui.widgets.pictures import image, labelled_rows
from ui.widgets.seed import draw_number

record_views(
    "layers", "strength", "psi", "mixture", "exchanged", "grain", "truncated", "from", "to"
)

ROWS = 4  # of the mixing matrix
COLUMNS = 7
SHOWN = 6  # pictures of a row elsewhere
OTHERS = 10_000  # added to the number of a draw, for the codings that it is mixed with
DRAWS = 32  # of noise, over which the deviation is taken
STEPS = 8  # of a walk


def _styles(model: StyleGAN, count: int, seed: int) -> torch.Tensor:
    return drawn_styles(model, count, seed, torch.device("cpu"))


@needs_run
@st.fragment
def mixing(run: Run, family: str) -> None:
    """Draw style mixing: two sets of styles, mixed at the layers that the student chooses."""
    groups = list(styled(run).layers())
    left, right = st.columns([1, 2], gap="large")
    with left:
        chosen = st.segmented_control(
            "Styles of the columns at",
            default=groups[:1],
            help="Coarse are the layers of 4 × 4 places, fine those of 16 × 16 and more.",
            **some_of(family, "layers", groups),
        )
        seed = draw_number(family, "mixture", "Draw of both", "Others")
    with right:
        _mixing(run, tuple(name for name in groups if name in chosen), seed)


@cached_figure
def _mixing(run: Run, groups: tuple[str, ...], seed: int) -> None:
    model = styled(run)
    layers = [layer for group in groups for layer in model.layers()[group]]
    rows = _styles(model, ROWS, seed)
    columns = _styles(model, COLUMNS, seed + OTHERS)
    own = rows.repeat_interleave(COLUMNS, 0)
    other = columns.repeat(ROWS, 1, 1)
    cells = synthesized(model, mixed(own, other, layers)).unflatten(0, (ROWS, COLUMNS))
    head = synthesized(model, columns)
    corner = torch.full_like(head[:1], 0.5)
    above = torch.cat([corner, head])[None]
    below = torch.cat([synthesized(model, rows)[:, None], cells], 1)
    grid = picture_grid(to_uint8(torch.cat([above, below])).numpy(), 3)
    image(grid, "Pictures at the left and above, and between them those of both styles")


@needs_run
@st.fragment
def layers(run: Run, family: str) -> None:
    """Draw one picture with the style of one layer after the other exchanged."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        seed = draw_number(family, "exchanged", "Draw of z", "Another")
    with right:
        _layers(run, seed, dark=is_dark())


@cached_figure
def _layers(run: Run, seed: int, *, dark: bool) -> None:
    model = styled(run)
    own = _styles(model, 1, seed).expand(SHOWN, -1, -1)
    others = _styles(model, SHOWN, seed + OTHERS)
    exchanged: dict[str, list[int]] = {"itself": []}
    for index in range(own.shape[1]):
        side = model.sides[index // LAYERS]
        exchanged[f"{index + 1}: {side} × {side}"] = [index]
    rows = {name: synthesized(model, mixed(own, others, each)) for name, each in exchanged.items()}
    labelled_rows(rows, "Rows of pictures; in each, one layer has other styles", dark=dark)


@needs_run
@st.fragment
def noise(run: Run, family: str) -> None:
    """Draw stochastic variation: pictures with no, fixed and new noise, and their deviation."""
    if not styled(run).config.noise:
        st.info("This model was trained without noise: switch Noise on and train it.")
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        strength = st.slider(
            "Strength of new noise",
            value=1.0,
            step=0.25,
            help="1 is what the generator was trained with, 0 is none.",
            **ranged(family, "strength", 0.0, 5.0),
        )
        seed = draw_number(family, "grain", "Draw of noise", "Another")
    with right:
        _noise(run, strength, seed, dark=is_dark())


@cached_figure
def _noise(run: Run, strength: float, seed: int, *, dark: bool) -> None:
    model = styled(run)
    rng = generator(seed)
    styles = _styles(model, SHOWN, 0)
    noisy = [model.synthesise(styles, model.noises(SHOWN, rng, strength)) for _ in range(DRAWS)]
    deviation = torch.stack(noisy).std(0)
    most = float(deviation.max())
    rows = {
        "no noise": model.synthesise(styles, model.noises(SHOWN, rng, 0.0)),
        "kept noise": model.synthesise(styles),
        "new noise": noisy[0],
        "other noise": noisy[1],
        "deviation": deviation / max(most, 1e-6),
    }
    labelled_rows(rows, "Pictures with several noises, and where they differ", dark=dark)
    st.caption(
        f"Lowest row: standard deviation of each pixel over {DRAWS} draws; white is {most:.3f}, "
        f"black is 0. On average it is {float(deviation.mean()):.4f}, black to white being 1."
    )


@needs_run
@st.fragment
def truncation(run: Run, family: str) -> None:
    """Draw the truncation trick: styles pulled to their mean by ψ, and how they vary."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        psi = st.slider("ψ", value=0.7, step=0.05, **ranged(family, "psi", -1.0, 2.0))
        seed = draw_number(family, "truncated", "Draw of z", "Others")
    with right:
        _truncation(run, psi, seed, dark=is_dark())


@cached_figure
def _truncation(run: Run, psi: float, seed: int, *, dark: bool) -> None:
    model = styled(run)
    styles = _styles(model, SHOWN, seed)
    amounts = {"mean: ψ = 0": 0.0, f"ψ = {psi:g}": psi, "all: ψ = 1": 1.0}
    rows = {
        name: synthesized(model, model.truncated(styles, each)) for name, each in amounts.items()
    }
    labelled_rows(rows, "The mean picture, truncated ones, and whole ones", dark=dark)
    _, variety, whole = (float(row.std(0).mean()) for row in rows.values())
    st.caption(
        f"These {SHOWN} pictures vary by {variety:.3f} a pixel; with ψ = 1 they vary by "
        f"{whole:.3f}."
    )


@needs_run
@st.fragment
def walks(run: Run, family: str) -> None:
    """Draw interpolations between two pictures in z and in w."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        first = draw_number(family, "from", "Begin at draw", "Another")
        last = draw_number(family, "to", "End at draw", "Another")
    with right:
        _walks(run, first, last, dark=is_dark())


@cached_figure
def _walks(run: Run, first: int, last: int, *, dark: bool) -> None:
    model = styled(run)
    begin = torch.randn(model.codings, generator=generator(first))
    end = torch.randn(model.codings, generator=generator(last + OTHERS))
    spaces: tuple[Space, ...] = ("z", "w")
    rows = {
        f"in {each}": synthesized(model, path(model, begin, end, each, STEPS)) for each in spaces
    }
    labelled_rows(rows, "Two walks between the same two pictures", dark=dark)
