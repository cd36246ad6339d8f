"""Four families on the same data: their samples, their figures, and what sets them apart."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from genlib.plots import picture_grid, to_png, triangle
from genlib.studies.comparison import (
    MEMBERS,
    REAL,
    SHOWN,
    Comparison,
    Figure,
    Standing,
    samples,
    shares,
    standings,
)
from ui.cache import cached_figure
from ui.runs.study_panel import study_panel
from ui.widgets.elements import static_chart

ROWS, COLUMNS, WIDTH = 8, 4, 174  # of samples side by side, and the CSS pixels that they take
NONE = "–"
PATIENCE = 1.3  # times the budget: whoever trained longer is named
CORNERS = "Quality", "Diversity", "Speed"
TOLD = "It learns like this", "A new picture", "Usually good", "Usually bad"
APART = {  # of each family, in that order
    "Autoencoder": (
        "Copies its input to its output, under a constraint: here few codings in the middle.",
        "A mixture is fitted to the codings afterwards, and a draw of it decoded.",
        "Exact copies, codings that can be looked at",
        "It has no prior of its own; what it draws is soft",
    ),
    "VAE": (
        "Copies too, but from a draw of a cloud of codings, which is pulled to a normal one.",
        "A draw of N(0, I) is decoded.",
        "Steady training, a latent space without holes",
        "Blurred: it paints the mean of what it is unsure of",
    ),
    "GAN": (
        "Two networks compete: a forger draws, a detective tells the drawn from the real.",
        "The forger turns a draw of N(0, I) into a picture, in one pass.",
        "Sharp pictures, at once",
        "An unsteady game; kinds of pictures go missing",
    ),
    "Diffusion": (
        "Takes a little noise out of a picture, whatever the amount of noise in it.",
        "Noise alone is cleaned, in many small steps.",
        "One simple loss; sharp and diverse pictures",
        "As many passes as steps for each picture",
    ),
}
Files = Mapping[str, bytes]


def comparison(study: Comparison) -> None:
    """Draw a comparison, or the button that trains and measures it."""
    study_panel(study, "Train and compare all four", partial(_draw, study))


def _draw(study: Comparison, files: Files) -> None:
    """Draw what is known so far: the samples, the table and the triangle."""
    found = standings(dict(files))
    if not found:
        return
    st.caption("Which are sharp, which blurred? Then look for what is never drawn.")
    grids = _grids(files["samples.safetensors"])
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall"):
        for title in (REAL, *MEMBERS):
            with st.container(width=WIDTH):
                st.markdown(f"**{title}**")
                if title in grids:
                    alt = f"{ROWS * COLUMNS} pictures: {title}"
                    st.image(grids[title], output_format="PNG", width="stretch", alt=alt)
    st.caption("In brackets 95 % intervals: where two overlap, the difference may be chance.")
    st.dataframe(pd.DataFrame(map(_row, found)).set_index("Family"), height="content")
    if len(found) > 2:
        _weighed(study, found)


def _weighed(study: Comparison, found: list[Standing]) -> None:
    """Draw the triangle of each member, and say who is ahead at each corner."""
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("Outward is better. Does any of them reach all three corners?")
        figure = triangle(
            {member: np.array(places) for member, places in shares(found).items()},
            CORNERS,
            {each.name: _corners(each) for each in found[1:]},
        )
        static_chart(figure, f"triangle-{study.fingerprint[:8]}")
    with right:
        st.markdown(verdict(found))
        longer = [
            f"{each.name} ({each.training:.0f} s)"
            for each in found[1:]
            if each.training and each.training > PATIENCE * study.seconds
        ]
        if longer:
            st.markdown(
                f"Longer than {study.seconds} s trained {', '.join(longer)}: part of what is "
                "better there is owed to that."
            )
        st.caption(
            "From the inner ring to the rim: classifier FID from the worst family to real "
            "pictures, by logarithm; coverage from none to that of real pictures; pictures a "
            "second from the slowest family to the fastest, by logarithm."
        )
        st.caption(
            "Real pictures: test pictures against training pictures, as many as samples. Each "
            "family trains as many whole epochs as the budget pays for, at least one; the "
            "seconds are those that it took. The intervals are those of this one training."
        )


@cached_figure
def _grids(content: bytes) -> dict[str, bytes]:
    """Return, as PNG, the samples of each member."""
    found = samples({"samples.safetensors": content})
    return {
        name: to_png(picture_grid(made[: ROWS * COLUMNS].unflatten(0, (ROWS, -1)).numpy(), 3))
        for name, made in found.items()
    }


def _row(each: Standing) -> dict[str, str]:
    """Return a standing as a row of the table."""
    error, weights, seconds = each.reconstruction, each.parameters, each.training
    return {
        "Family": each.name,
        "Classifier FID": _figure(each.fid),
        "Coverage, %": _figure(each.coverage, 100),
        "Vendi score": _figure(each.vendi),
        "Test MSE": NONE if error is None else f"{error:.4f}",
        "Parameters": NONE if weights is None else f"{weights:,}",
        "Trained": NONE if seconds is None else f"{seconds:.0f} s",
        f"{SHOWN} samples": NONE if each.sampling is None else _time(each.sampling),
    }


def _figure(figure: Figure, factor: float = 1.0) -> str:
    value, low, high = (factor * part for part in (figure.value, figure.low, figure.high))
    return f"{value:.3g} ({low:.3g} … {high:.3g})"


def _time(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds >= 0.1 else f"{1000 * seconds:.2g} ms"


def _corners(each: Standing) -> list[str]:
    """Return what a member has at each corner of the triangle, with units."""
    pace = SHOWN / (each.sampling or float("nan"))
    return [
        f"classifier FID {each.fid.value:.3g}",
        f"coverage {each.coverage.value:.0%}",
        f"{pace:,.0f} pictures a second",
    ]


def verdict(found: list[Standing]) -> str:
    """Say who is ahead at each corner, and whether that is sure."""
    real, *members = found
    best, *others = sorted(members, key=lambda each: each.fid.value)
    near = [each.name for each in others if each.fid.low <= best.fid.high]
    wide, *rest = sorted(members, key=lambda each: -each.coverage.value)
    level = [each.name for each in rest if each.coverage.high >= wide.coverage.low]
    quick, *_, slow = sorted(members, key=lambda each: each.sampling or 0.0)
    times = (slow.sampling or 0.0) / (quick.sampling or float("nan"))
    return (
        f"- **Quality**: {best.name} comes nearest to real pictures, classifier FID "
        f"{best.fid.value:.3g} (real ones {real.fid.value:.3g}){_unsure(near)}. The farthest is "
        f"{others[-1].name}, {others[-1].fid.value:.3g}.\n"
        f"- **Diversity**: {wide.name} covers most, {wide.coverage.value:.0%} (real ones "
        f"{real.coverage.value:.0%}){_unsure(level)}. Least does {rest[-1].name}, "
        f"{rest[-1].coverage.value:.0%}.\n"
        f"- **Speed**: {quick.name} is the fastest, {_time(quick.sampling or 0.0)} for {SHOWN} "
        f"pictures. {slow.name} takes {times:,.0f} times as long."
    )


def _unsure(names: list[str]) -> str:
    return f"; not surely ahead of {' and '.join(names)}" if names else ""


def apart() -> None:
    """Say what the families share, and where they differ."""
    st.markdown(
        "All of them learn without labels. All find a latent space, in which numbers stand for a "
        "picture. And all make new pictures from random numbers in it."
    )
    for column, (name, told) in zip(
        st.columns(len(APART), gap="medium"), APART.items(), strict=True
    ):
        with column:
            st.markdown(f"**{name}**")
            for title, text in zip(TOLD, told, strict=True):
                st.markdown(f":small[:gray[{title}]]  \n{text}")
