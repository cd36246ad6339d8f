"""The linear autoencoder beside PCA: angles between planes, codings, and pictures as points."""

import numpy as np
import streamlit as st

from genlib.data import DATASETS
from genlib.family import encoding, to_float
from genlib.metrics import pca_error, principal_angles, principal_axes
from genlib.plots import Line, dots, lines, plane_animation
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest

COUNTS = (2, 5, 10, 20, 30, 50, 100)  # of codings, at which PCA is shown


def planes(run: Run | None, family: str) -> None:
    """Draw how the plane of the codings came to PCA's; for pictures, PCA's error beside its own.

    Points have a plane that can be followed through training, by what is made of them.
    """
    if run is None:
        elements.missing()
    elif DATASETS[run.spec.dataset].kind == "points":
        _angles(run.spec.fingerprint, family, run)
    else:
        _errors(run, family)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Show runs on points side by side, with their errors and PCA's."""
    for column, (title, spec) in zip(
        st.columns(len(specs), gap="large"), specs.items(), strict=True
    ):
        run = cache.finished(spec)
        with column:
            st.markdown(f"**{title}**")
            if run is None:
                st.info("Not trained on this server yet.")
                continue
            metrics = run.provenance.metrics
            st.caption(
                f"MSE {metrics['test_mse']:.4f}, PCA's with as many {metrics['pca_mse']:.4f}"
            )
            _still(spec.fingerprint, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _still(name: str, _run: Run) -> None:
    """Draw points and what a run makes of them at its end."""
    points = cache.dataset(_run.spec.dataset).train.flatten(1).numpy()
    made = {0: _run.snapshots[-1].images.flatten(1).numpy()}
    st.plotly_chart(
        plane_animation(points, made, _run.spec.model.codings),
        key=f"{name}-space",
        height=320,
        config={"displayModeBar": False},
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _angles(name: str, family: str, _run: Run) -> None:
    points = cache.dataset(_run.spec.dataset).train.flatten(1).numpy()
    axes = min(2, encoding(_run.family).encode(cache.dataset(_run.spec.dataset).train).shape[1])
    steps = np.array([snapshot.step for snapshot in _run.snapshots])
    angles = np.stack(
        [
            principal_angles(snapshot.images.flatten(1).numpy(), points, axes)
            for snapshot in _run.snapshots
        ]
    )
    names = ("largest", "second") if axes == 2 else ("only",)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Principal angles to PCA's plane**")
        last = ", ".join(f"{angle:.2g}°" for angle in angles[-1])
        st.caption(
            f"At the end: {last}. Two planes in space always share a line, so one is always zero."
            if axes == 2
            else f"At the end: {last}."
        )
        curves = {f"{name} angle": Line(steps, angles[:, i]) for i, name in enumerate(names)}
        chart = lines(curves, "step", "degrees")
        chart_at_rest(chart, f"{family}-angles")
    with right:
        st.markdown("**The codings**")
        st.caption("The ellipse lies flat here: turned, mirrored or stretched, but an ellipse.")
        chart = dots(_codings(_run, points), "first", "second")
        chart_at_rest(chart, f"{family}-flat")


def _codings(run: Run, points: np.ndarray) -> dict[str, np.ndarray]:
    """Return the first two codings of points, and their coordinates on PCA's axes."""
    z = encoding(run.family).encode(cache.dataset(run.spec.dataset).train).numpy()
    z = np.pad(z, ((0, 0), (0, max(0, 2 - z.shape[1]))))[:, :2]
    flat = (points - points.mean(0)) @ principal_axes(points, 2)
    return {"its codings": z - z.mean(0), "PCA's": flat}


def _errors(run: Run, family: str) -> None:
    data = cache.dataset(run.spec.dataset)
    codings = encoding(run.family).encode(to_float(data.test[:1])).shape[1]
    known = _pca_errors(data.name, codings)
    own = run.provenance.metrics["test_mse"]
    st.caption(
        f"With {codings} codings it errs by {own:.5f}, PCA by {known[codings]:.5f}: "
        "it can come as near as it likes, and never below."
    )
    counts = np.array(sorted(known))
    curve = Line(counts, np.array([known[count] for count in sorted(known)]), dashed=True)
    chart = lines({"PCA": curve}, "codings", "test MSE", log="xy", mark=(float(codings), own))
    chart_at_rest(chart, f"{family}-pca")


@st.cache_data(max_entries=8)
def _pca_errors(name: str, codings: int) -> dict[int, float]:
    data = cache.dataset(name)
    train, test = to_float(data.train).flatten(1), to_float(data.test).flatten(1)
    counts = {*COUNTS, codings}
    return {k: pca_error(train, test, k) for k in sorted(counts) if k <= train.shape[1]}
