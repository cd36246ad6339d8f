"""The generative trilemma, measured: quality, diversity and speed of families on one data set."""

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

ROWS = 8  # of samples side by side
COLUMNS = 4
WIDTH = 174  # CSS pixels that they take
NONE = "–"
LONGER = 1.3  # times the budget: whoever trained longer is named
CORNERS = "Quality", "Diversity", "Speed"
Files = Mapping[str, bytes]


def comparison(study: Comparison) -> None:
    """Draw the comparison of families, or the button that trains and measures them."""
    study_panel(study, "Train and compare all four", partial(_draw, study))


def _draw(study: Comparison, files: Files) -> None:
    """Draw the samples, the table of figures and the triangle of the trilemma."""
    ranked = standings(dict(files))
    if not ranked:
        return
    st.caption("Which are sharp, which blurred? Then look for what is never drawn.")
    _samples(files["samples.safetensors"])
    st.caption("In brackets 95 % intervals: where two overlap, the difference may be chance.")
    st.dataframe(pd.DataFrame(map(_row, ranked)).set_index("Family"), height="content")
    if len(ranked) > 2:
        _trilemma(study, ranked)


def _samples(content: bytes) -> None:
    """Draw samples of each family beside real pictures."""
    grids = _grids(content)
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall"):
        for title in (REAL, *MEMBERS):
            with st.container(width=WIDTH):
                st.markdown(f"**{title}**")
                if title in grids:
                    alt = f"{ROWS * COLUMNS} pictures: {title}"
                    st.image(grids[title], output_format="PNG", width="stretch", alt=alt)


@cached_figure
def _grids(content: bytes) -> dict[str, bytes]:
    """Return, as PNG, the samples of each member."""
    return {
        name: to_png(picture_grid(x[: ROWS * COLUMNS].unflatten(0, (ROWS, -1)).numpy(), 3))
        for name, x in samples({"samples.safetensors": content}).items()
    }


def _trilemma(study: Comparison, ranked: list[Standing]) -> None:
    """Draw the triangle of each family, and say who is ahead at each corner."""
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("Outward is better. Does any of them reach all three corners?")
        figure = triangle(
            {member: np.array(places) for member, places in shares(ranked).items()},
            CORNERS,
            {each.name: _corners(each) for each in ranked[1:]},
        )
        static_chart(figure, f"triangle-{study.fingerprint[:8]}")
    with right:
        st.markdown(verdict(ranked))
        st.markdown(_over_budget(study, ranked[1:]))
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


def _over_budget(study: Comparison, members: list[Standing]) -> str:
    """Return who trained longer than the budget; nothing where nobody did."""
    longer = ", ".join(
        f"{each.name} ({each.training:.0f} s)"
        for each in members
        if each.training and each.training > LONGER * study.seconds
    )
    if not longer:
        return ""
    return (
        f"Longer than {study.seconds} s trained {longer}: part of what is better there is owed "
        "to that."
    )


def _row(each: Standing) -> dict[str, str]:
    """Return a standing as a row of the table."""
    error = each.reconstruction
    weights = each.parameters
    seconds = each.training
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
    """Return a family's FID, coverage and pictures a second."""
    pace = SHOWN / (each.sampling or float("nan"))
    return [
        f"classifier FID {each.fid.value:.3g}",
        f"coverage {each.coverage.value:.0%}",
        f"{pace:,.0f} pictures a second",
    ]


def verdict(ranked: list[Standing]) -> str:
    """Return who is ahead at each corner of the trilemma, and whether that is significant."""
    real, *members = ranked
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
