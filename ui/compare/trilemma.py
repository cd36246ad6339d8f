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
    standings,
)
from genlib.studies.trilemma import shares, variety
from ui.cache import cached_figure
from ui.runs.measured_fid import EARLIER, disagreement
from ui.runs.study_panel import study_panel
from ui.widgets.elements import static_chart

ROWS = 8  # of samples side by side
COLUMNS = 4
WIDTH = 174  # CSS pixels that they take
NONE = "–"
PIXEL_VARIANCE = 0.5  # of a normal likelihood whose −ln p is the plain squared error
LONGER = 1.1  # times the shortest training: then the longest one is named
CONFOUND = (
    "Coverage falls with blur too: a blurred sample lies near no real picture, whatever it shows. "
    "So a low coverage does not prove that kinds of pictures are missing."
)
Files = Mapping[str, bytes]


def comparison(study: Comparison) -> None:
    """Draw the comparison of families, or the button that trains and measures them."""
    study_panel(study, "Train and compare all four", partial(_draw, study))


def _draw(study: Comparison, files: Files) -> None:
    """Draw the samples, the table of figures and the triangle of the trilemma."""
    ranked = standings(dict(files))
    if not ranked:
        return
    st.markdown(trained(study, ranked[1:]))
    st.caption("Which are sharp, which blurred? Then look for what is never drawn.")
    _samples(files["samples.safetensors"])
    st.caption(
        "In brackets 95 % intervals: where two overlap, the difference may be chance. The Vendi "
        "score is an index of how unlike the samples are, not a number of pictures."
    )
    table = pd.DataFrame(map(_row, ranked)).set_index("Family")
    measured = table.loc[:, (table != NONE).any()]  # version 1 has fewer columns
    st.dataframe(measured, height="content")
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
    title, figures = variety(ranked)
    with left:
        st.caption("Outward is better. Does any of them reach all three corners?")
        figure = triangle(
            {member: np.array(places) for member, places in shares(ranked).items()},
            ("Quality", title.capitalize(), "Speed"),
            {each.name: _corners(each, title, figures[each.name]) for each in ranked[1:]},
        )
        static_chart(figure, f"triangle-{study.fingerprint[:8]}")
    with right:
        st.markdown(verdict(ranked))
        st.caption(assumed_variance(ranked[1:]))
        st.caption(
            "From the inner ring to the rim: classifier FID from the worst family to real "
            f"pictures, by logarithm; {title} from none to that of real pictures; pictures a "
            "second from the slowest family to the fastest, by logarithm."
        )
        st.caption(
            "Real pictures: as many training pictures as samples, against the test pictures. The "
            f"intervals are those of this one training, with one seed. {pixels(ranked[1:])}"
        )


def pixels(members: list[Standing]) -> str:
    """Return whether the pixel FID ranks the families as the classifier FID does."""
    pixel_fids = {each.name: each.pixel_fid.value for each in members if each.pixel_fid}
    if not pixel_fids:
        return EARLIER
    return disagreement({each.name: each.fid.value for each in members}, pixel_fids)


def assumed_variance(members: list[Standing]) -> str:
    """Return how far the VAE's errors are from the variance that its loss takes for them."""
    errors = [each.reconstruction for each in members if MEMBERS.get(each.name) == "vae"]
    if not errors or not errors[0]:
        return ""
    times = PIXEL_VARIANCE / errors[0]
    return (
        f"The VAE's squared error with β = 1 takes σ² = {PIXEL_VARIANCE} for the variance of a "
        f"pixel. Its mean squared error is {errors[0]:.3f}, {times:.0f} times less: in good "
        "part its blur comes from that constant, and not from VAEs as such."
    )


def trained(study: Comparison, members: list[Standing]) -> str:
    """Return how long each family trained, and who trained much longer than another."""
    seconds = {each.name: each.training for each in members if each.training}
    if not seconds:
        return ""
    times = ", ".join(f"{name} {took:.0f} s" for name, took in seconds.items())
    text = (
        f"The budget is {study.seconds} s each. Families train whole epochs, at least one, and "
        f"took: {times}."
    )
    quick = min(seconds, key=lambda name: seconds[name])
    slow = max(seconds, key=lambda name: seconds[name])
    longer = seconds[slow] / seconds[quick]
    if longer > LONGER:
        text += f" {slow} trained {longer:.1f} times as long as {quick}, which favours it."
    return text


def _row(each: Standing) -> dict[str, str]:
    """Return a standing as a row of the table."""
    error = each.reconstruction
    weights = each.parameters
    seconds = each.training
    return {
        "Family": each.name,
        "Classifier FID": _figure(each.fid),
        "Pixel FID": NONE if each.pixel_fid is None else _figure(each.pixel_fid),
        "Precision, %": NONE if each.precision is None else _figure(each.precision, 100),
        "Recall, %": NONE if each.recall is None else _figure(each.recall, 100),
        "Coverage, %": _figure(each.coverage, 100),
        "Rarest class, %": f"{100 * min(each.class_shares):.2g}" if each.class_shares else NONE,
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


def _corners(each: Standing, title: str, figure: Figure) -> list[str]:
    """Return a family's FID, its measure of diversity, and pictures a second."""
    pace = SHOWN / (each.sampling or float("nan"))
    return [
        f"classifier FID {each.fid.value:.3g}",
        f"{title} {figure.value:.0%}",
        f"{pace:,.0f} pictures a second",
    ]


def verdict(ranked: list[Standing]) -> str:
    """Return who is ahead at each corner of the trilemma, and whether that is significant."""
    real, *members = ranked
    best, *others = sorted(members, key=lambda each: each.fid.value)
    near = [each.name for each in others if each.fid.low <= best.fid.high]
    title, figures = variety(ranked)
    wide, *rest = sorted((each.name for each in members), key=lambda name: -figures[name].value)
    level = [name for name in rest if figures[name].high >= figures[wide].low]
    quick, *_, slow = sorted(members, key=lambda each: each.sampling or 0.0)
    times = (slow.sampling or 0.0) / (quick.sampling or float("nan"))
    return (
        f"- **Quality**: {best.name} comes nearest to real pictures, classifier FID "
        f"{best.fid.value:.3g} (real ones {real.fid.value:.3g}){_unsure(near)}. The farthest is "
        f"{others[-1].name}, {others[-1].fid.value:.3g}.\n"
        f"- **Diversity**: {wide} has the highest {title}, {figures[wide].value:.0%} (real ones "
        f"{figures[REAL].value:.0%}){_unsure(level)}. {rest[-1]} has the lowest, "
        f"{figures[rest[-1]].value:.0%}.{f' {CONFOUND}' if title == 'coverage' else ''}\n"
        f"{classes(members)}"
        f"- **Speed**: {quick.name} is the fastest, {_time(quick.sampling or 0.0)} for {SHOWN} "
        f"pictures. {slow.name} takes {times:,.0f} times as long."
    )


def classes(members: list[Standing]) -> str:
    """Return which families miss a class; nothing where the classes were not measured."""
    if not all(each.class_shares for each in members):
        return ""
    rarest = ", ".join(f"{each.name} {min(each.class_shares):.1%}" for each in members)
    return f"- **Classes**: share of samples in each family's rarest class: {rarest}.\n"


def _unsure(names: list[str]) -> str:
    return f"; not surely ahead of {' and '.join(names)}" if names else ""
