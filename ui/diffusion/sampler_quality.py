"""The quality of samplers: classifier FID against NFE and seconds, and which one to take."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from genlib.plots import Line, lines
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.sampler_bench import SHOWN, Point, Quality, SamplerBench, compared
from genlib.studies.sampler_bench import quality as quality_of
from ui import cache
from ui.cache import cached_figure
from ui.runs.measured_fid import EARLIER
from ui.runs.study_panel import study_panel
from ui.widgets.elements import needs_run, static_chart

BUDGETS = (5, 10, 20)  # evaluations, for each of which the best sampler is named
LEVEL = 0.05  # by which an FID may be worse and still count as unchanged
Files = Mapping[str, bytes]


@needs_run
def quality(run: Run) -> None:
    """Draw the classifier FID of each sampler against NFE and seconds, or offer to measure it."""
    study = cache.measured_or_shipped(SamplerBench(start=run.spec))
    study_panel(study, "Measure the samplers", partial(_quality, run.spec))


def _quality(spec: RunSpec, files: Files) -> None:
    result = quality_of(dict(files))
    if result is None:
        return
    _fid_curves(result, f"quality-{spec.fingerprint[:8]}")
    st.markdown(verdict(result))
    st.caption(
        "Classifier FID: how far samples are from real pictures in the features of our own "
        f"classifier. Real pictures have {result.floor:.2f}{_count(result)}. {_pixels(result)} "
        "One draw of noise, "
        f"without intervals. One evaluation of {SHOWN} pictures took "
        f"{1000 * result.shortest:.1f} ms, the shortest measured; seconds are NFE times that."
    )
    with st.expander("The numbers"):
        rows = [
            point.model_dump() | {"seconds": seconds}
            for point, seconds in zip(result.points, result.seconds, strict=True)
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True)


def _count(result: Quality) -> str:
    return "" if result.pictures is None else f", with {result.pictures:,} of each"


def _pixels(result: Quality) -> str:
    """Return which point is best by the pixel FID, and whether it is by the other, too."""
    by_pixels = [point for point in result.points if point.pixel_fid is not None]
    if not by_pixels:
        return EARLIER
    best, other = _lowest(by_pixels), min(by_pixels, key=lambda each: each.pixel_fid or 0.0)
    text = (
        f"By the pixel FID (real pictures {result.pixel_floor:.2f}) {other.sampler} with "
        f"{other.nfe} evaluations is best, {other.pixel_fid:.2f}"
    )
    if other is best:
        return f"{text}, as by the classifier FID."
    return f"{text}; the best by the classifier FID has {best.pixel_fid:.2f}."


def verdict(result: Quality) -> str:
    """Return where each sampler is best, whether more steps help, and whom to take."""
    by_name = {
        name: [point for point in result.points if point.sampler == name] for name in compared()
    }
    sentences = [f"- **{name}** {_course(points)}." for name, points in by_name.items() if points]
    if any(_rises(points) for points in by_name.values() if points):
        sentences.append(
            "\nWhere the FID rises again, the sampler is not to blame: its own error still falls. "
            "Either the network errs, or the classifier that measures does; this chart cannot "
            "tell which."
        )
    return "\n".join([*sentences, f"\n{_advice(result.points)}"])


def _course(points: list[Point]) -> str:
    """Return where a sampler's FID is lowest, and what becomes of it after that."""
    best, last = _lowest(points), points[-1]
    lowest = f"is best with {best.nfe} evaluations, FID {best.fid:.2f}"
    if best is last:
        return f"{lowest}, the most that were measured"
    change = "is worse" if _rises(points) else "hardly changes"
    return f"{lowest}; with {last.nfe} it {change}, {last.fid:.2f}"


def _rises(points: list[Point]) -> bool:
    """Return whether the FID is clearly worse with the most evaluations than at its best."""
    return points[-1].fid > (1 + LEVEL) * _lowest(points).fid


def _lowest(points: Sequence[Point]) -> Point:
    return min(points, key=lambda point: point.fid)


def _advice(points: list[Point]) -> str:
    """Return which sampler has the lowest FID within each of BUDGETS."""
    within = {budget: [point for point in points if point.nfe <= budget] for budget in BUDGETS}
    best = {budget: _lowest(affordable) for budget, affordable in within.items() if affordable}
    named = [
        f"with at most {budget}, {point.sampler} ({point.nfe}, FID {point.fid:.2f})"
        for budget, point in best.items()
    ]
    return f"Lowest FID by number of evaluations: {'; '.join(named)}." if named else ""


@cached_figure
def _fid_curves(result: Quality, key: str) -> None:
    """Draw classifier FID against the number of function evaluations, and against seconds."""
    left, right = st.columns(2, gap="large")
    with left:
        nfe = [point.nfe for point in result.points]
        _curves(result.points, "network evaluations (NFE)", nfe, f"{key}-nfe")
    with right:
        _curves(result.points, f"seconds for {SHOWN} pictures", result.seconds, f"{key}-seconds")


def _curves(measured: list[Point], title: str, costs: Sequence[float], key: str) -> None:
    """Draw the classifier FID of each sampler against a cost."""
    curves = dict[str, Line]()
    for name in compared():
        points = [
            (cost, point.fid)
            for cost, point in zip(costs, measured, strict=True)
            if point.sampler == name
        ]
        if points:
            curves[name] = Line(*np.array(points, float).T)
    st.caption(f"Classifier FID against {title}: lower and further left is better.")
    static_chart(lines(curves, title, "classifier FID", log="xy"), key)
