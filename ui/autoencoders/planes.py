"""The linear autoencoder beside PCA: principal angles, codings, and the error against PCA's."""

import numpy as np
import streamlit as st

from genlib.data import DATASETS, DatasetName
from genlib.family import encoding, to_float
from genlib.metrics import pca_error, principal_angles, principal_axes
from genlib.models.linear.config import LinearConfig
from genlib.plots import Line, dots, lines, plane_animation
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.cache import cached_figure
from ui.runs.side_by_side import in_columns
from ui.widgets.elements import needs_run, static_chart

COUNTS = (2, 5, 10, 20, 30, 50, 100)  # of codings, at which PCA is shown


@needs_run
def planes(run: Run, family: str) -> None:
    """Draw the principal angles to PCA's plane; for pictures, the error beside PCA's.

    Points have a plane that can be followed through training, by what is made of them.
    """
    if DATASETS[run.spec.dataset].kind == "points":
        _points(run, family)
    else:
        _errors(run, family)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw linear autoencoders of points side by side, with their errors and PCA's."""
    in_columns(specs, _with_error)


def _with_error(run: Run) -> None:
    metrics = run.provenance.metrics
    st.caption(
        f"MSE {metrics['test_mse']:.4f}, PCA's with as many components {metrics['pca_mse']:.4f}"
    )
    _in_space(run)


@cached_figure
def _in_space(run: Run) -> None:
    """Draw points and their reconstructions at the end of training."""
    points = cache.dataset(run.spec.dataset).train.flatten(1).numpy()
    reconstructions = {0: run.snapshots[-1].images.flatten(1).numpy()}
    codings = run.spec.model_as(LinearConfig).codings
    st.plotly_chart(
        plane_animation(points, reconstructions, codings),
        key=f"{run.spec.fingerprint}-space",
        height=320,
        config={"displayModeBar": False},
    )


@cached_figure
def _points(run: Run, family: str) -> None:
    points = cache.dataset(run.spec.dataset).train.flatten(1).numpy()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Principal angles to PCA's plane**")
        _principal_angles(run, points, family)
    with right:
        st.markdown("**The codings**")
        own, flat = _codings(run, points).values()
        st.caption(
            "The axes may be turned, mirrored and stretched. The best linear map from the codings "
            f"shown to PCA's coordinates leaves {unexplained(own, flat):.2%} of their variance; "
            "with 0 % the two say the same."
        )
        static_chart(
            dots({"its codings": own, "PCA's": flat}, "first", "second"), f"{family}-flat"
        )


def _principal_angles(run: Run, points: np.ndarray, family: str) -> None:
    """Draw the principal angles between the plane of the reconstructions and PCA's."""
    axes = min(2, run.spec.model_as(LinearConfig).codings)
    angles = np.stack(
        [
            principal_angles(snapshot.images.flatten(1).numpy(), points, axes)
            for snapshot in run.snapshots
        ]
    )
    last = ", ".join(f"{angle:.2g}°" for angle in angles[-1])
    shared = (
        " Two planes in space always share a line, so one is always zero." if axes == 2 else ""
    )
    st.caption(f"At the end: {last}.{shared}")
    steps = np.array([snapshot.step for snapshot in run.snapshots])
    names = ("largest angle", "second angle") if axes == 2 else ("only angle",)
    curves = {name: Line(steps, angles[:, index]) for index, name in enumerate(names)}
    static_chart(lines(curves, "step", "degrees"), f"{family}-angles")


def _codings(run: Run, points: np.ndarray) -> dict[str, np.ndarray]:
    """Return the first two codings of points, and their coordinates on PCA's axes."""
    z = encoding(run.family).encode(cache.dataset(run.spec.dataset).train).numpy()
    z = np.pad(z, ((0, 0), (0, max(0, 2 - z.shape[1]))))[:, :2]
    flat = (points - points.mean(0)) @ principal_axes(points, 2)
    return {"its codings": z - z.mean(0), "PCA's": flat}


def unexplained(codings: np.ndarray, coordinates: np.ndarray) -> float:
    """Return the share of centred coordinates' variance that no linear map of codings gives."""
    weights = np.linalg.lstsq(codings, coordinates, rcond=None)[0]
    rest = coordinates - codings @ weights
    return float(np.square(rest).sum() / np.square(coordinates).sum())


def _errors(run: Run, family: str) -> None:
    """Draw PCA's test error against the number of components, and the run's own beside it."""
    codings = run.spec.model_as(LinearConfig).codings
    pca = _pca_errors(run.spec.dataset, codings)
    own = run.provenance.metrics["test_mse"]
    learned, pca_learned = training_errors(run)
    st.caption(
        f"MSE with {codings} codings, PCA's in brackets: {learned:.5f} ({pca_learned:.5f}) on the "
        "training pictures, where no linear autoencoder can be better than PCA; "
        f"{own:.5f} ({pca[codings]:.5f}) on the test pictures."
    )
    curve = Line(np.array(list(pca)), np.array(list(pca.values())), dashed=True)
    chart = lines({"PCA": curve}, "codings", "test MSE", log="xy", mark=(float(codings), own))
    static_chart(chart, f"{family}-pca")


@cached_figure
def training_errors(run: Run) -> tuple[float, float]:
    """Return the MSE of the pictures that a run learned from, and PCA's when fitted to them."""
    train = to_float(cache.dataset(run.spec.dataset).train[: run.spec.train.pictures or None])
    flat = train.flatten(1)
    own = float(run.family.evaluate(train)["mse"])
    return own, pca_error(flat, flat, run.spec.model_as(LinearConfig).codings)


@cached_figure
def _pca_errors(name: DatasetName, codings: int) -> dict[int, float]:
    """Return the test error of PCA by the number of components, in ascending order."""
    data = cache.dataset(name)
    train = to_float(data.train).flatten(1)
    test = to_float(data.test).flatten(1)
    counts = sorted({*COUNTS, codings})
    return {count: pca_error(train, test, count) for count in counts if count <= train.shape[1]}
