"""Activations of a sparse autoencoder: penalties, histograms, dead units, top pictures."""

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import to_float
from genlib.models.sparse.config import SparseConfig
from genlib.objectives import bernoulli_kl
from genlib.plots import CLASSES, Line, bars, histograms, lines
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import row_of_pictures

record_views("unit")

TOP = 8  # pictures that activate a unit most
SILENT = 0.05  # an activation below it counts as none


@cached_figure
def penalties(spec: RunSpec, family: str) -> None:
    """Draw each sparsity penalty against the mean activation of a unit, and say where KL wins."""
    target = spec.model_as(SparseConfig).target
    q = np.linspace(0.005, 0.995, 199)
    kl = bernoulli_kl(target, torch.from_numpy(q)).numpy()
    curves = {
        "KL divergence": Line(q[kl < 1], kl[kl < 1]),
        "activation itself (L1)": Line(q, q),
        "absolute difference (MAE)": Line(q, np.abs(q - target)),
        "squared difference (MSE)": Line(q, (q - target) ** 2),
    }
    st.caption(
        f"Above the target of {target:g}, KL is steeper than the absolute difference from "
        f"q = √p = {target**0.5:.2f} on, and costs more from q = {overtaken(target):.2f} on."
    )
    chart = lines(curves, "mean activation of a unit", "cost", mark=(target, 0.0))
    static_chart(chart, f"{family}-costs")


def overtaken(target: float) -> float:
    """Return the mean activation above the target from which KL costs more than |q − p|.

    The difference of the two falls up to q = √p, then rises: it is zero once above that.
    """
    low, high = target**0.5, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        less = float(bernoulli_kl(target, torch.tensor(middle))) < middle - target
        low, high = (middle, high) if less else (low, middle)
    return high


class Sparsity(NamedTuple):
    """How many units pictures activate, and how many are active for any picture at all."""

    units: int
    live: int  # at least SILENT for some picture
    used: float  # at least SILENT for a picture, the mean over pictures
    silent: float  # the share of all activations below SILENT


def sparsity(values: torch.Tensor) -> Sparsity:
    """Return how sparse the activations (pictures, units) are."""
    active = values >= SILENT
    count = active.shape[1]
    used = float(active.float().sum(1).mean())
    return Sparsity(count, int(active.any(0).sum()), used, 1 - used / count)


def compared(specs: dict[str, RunSpec]) -> None:
    """Say of each finished run how sparse its activations are, and what its error is."""
    for title, spec in specs.items():
        run = cache.finished(spec)
        if run is not None:
            st.markdown(f"- **{title}**: {_sentence(run)}")


@cached_figure
def _sentence(run: Run) -> str:
    measured = sparsity(cache.codings(run))
    return (
        f"a picture activates {measured.used:.1f} of {measured.units} units on average, "
        f"{measured.silent:.1%} of the activations are below {SILENT:g}, {measured.live} units "
        f"are live, test MSE {run.provenance.metrics['test_mse']:.4f}."
    )


@needs_run
@cached_figure
def activations(run: Run, family: str) -> None:
    """Draw the histograms of all activations and of each unit's mean; count the dead units."""
    values = cache.codings(run).numpy()
    means = values.mean(0)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**All activations**")
        measured = sparsity(cache.codings(run))
        st.caption(
            f"{measured.silent:.1%} are below {SILENT:g} and {(values > 0.5).mean():.1%} above "
            f"0.5; the mean is {values.mean():.3f}. A picture activates {measured.used:.1f} of "
            f"{measured.units} units on average."
        )
        samples = {"activations": values.ravel()[::37]}
        static_chart(histograms(samples, "activation", bins=(0.0, 1.0, 50)), f"{family}-all")
    with right:
        st.markdown("**Mean activation of each unit**")
        dead = measured.units - measured.live
        st.caption(
            f"{dead} of {measured.units} units are dead: below {SILENT:g} for every picture."
        )
        chart = histograms({"units": means}, "mean activation", bins=(0.0, 0.5, 50))
        static_chart(chart, f"{family}-means")


@needs_run
@st.fragment
def top_pictures(run: Run, family: str) -> None:
    """Draw the test pictures that activate a unit most, and its mean activation by class."""
    count = cache.codings(run).shape[1]
    st.caption(_most_specialized(run))
    unit = st.slider("Unit", value=1, **ranged(family, "unit", 1, count)) - 1
    _top_pictures(run, unit)
    _class_means(run, unit, family)


def class_shares(values: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Return, of each unit, the share of each class in the sum of its mean activations by class.

    A unit that is active for all classes alike has 1 / classes for each. A dead unit has zeros.
    """
    means = torch.stack([values[labels == index].mean(0) for index in range(classes)], 1)
    live = values.max(0).values >= SILENT
    return torch.where(live[:, None], means / means.sum(1, keepdim=True), 0.0)


@cached_figure
def _most_specialized(run: Run) -> str:
    """Return which unit is active for one class most of all, and how far that goes."""
    data = cache.dataset(run.spec.dataset)
    classes = DATASETS[data.name].classes
    shares = class_shares(cache.codings(run), data.test_labels, len(classes))
    if not shares.any():
        return "Every unit of this run is dead."
    unit, label = divmod(int(shares.argmax()), len(classes))
    return (
        f"The most specialised unit of this run is {unit + 1}: of its activation, summed over the "
        f"classes' means, {shares[unit, label]:.0%} falls to “{classes[label]}”. A unit that is "
        f"active for all alike has {1 / len(classes):.0%} for each."
    )


@cached_figure
def _top_pictures(run: Run, unit: int) -> None:
    values = cache.codings(run)[:, unit]
    best = values.argsort(descending=True, stable=True)[:TOP]
    st.caption(
        f"The {TOP} test pictures that activate unit {unit + 1} most, from "
        f"{values[best[0]]:.2g} down to {values[best[-1]]:.2g}."
        + (" This unit is dead." if values[best[0]] < SILENT else "")
    )
    pictures = to_float(cache.dataset(run.spec.dataset).test[best])
    row_of_pictures(pictures, "The pictures of the unit", 5, 760)


@cached_figure
def _class_means(run: Run, unit: int, family: str) -> None:
    values = cache.codings(run)[:, unit]
    data = cache.dataset(run.spec.dataset)
    means = {
        each: float(values[data.test_labels == index].mean())
        for index, each in enumerate(DATASETS[data.name].classes)
    }
    st.caption("How active it is on average, for each class.")
    baseline = ("all classes", float(values.mean()))
    chart = bars(means, "mean activation", baseline=baseline, colours=CLASSES)
    static_chart(chart, f"{family}-unit-classes")
