"""Activations of a sparse autoencoder: penalties, histograms, dead units, top pictures."""

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
from ui.controls import bound, record_views
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import row_of_pictures

record_views("unit")

TOP = 8  # pictures that activate a unit most


@cached_figure
def penalties(spec: RunSpec, family: str) -> None:
    """Draw each sparsity penalty against the mean activation of a unit."""
    target = spec.model_as(SparseConfig).target
    q = np.linspace(0.005, 0.995, 199)
    kl = bernoulli_kl(target, torch.from_numpy(q)).numpy()
    curves = {
        "KL divergence": Line(q[kl < 1], kl[kl < 1]),
        "absolute difference (MAE)": Line(q, np.abs(q - target)),
        "squared difference (MSE)": Line(q, (q - target) ** 2),
    }
    chart = lines(curves, "mean activation of a unit", "cost", mark=(target, 0.0))
    static_chart(chart, f"{family}-costs")


@needs_run
@cached_figure
def activations(run: Run, family: str) -> None:
    """Draw the histograms of all activations and of each unit's mean; count the dead units."""
    values = cache.codings(run).numpy()
    means = values.mean(0)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**All activations**")
        silent = (values < 0.05).mean()
        active = (values > 0.5).mean()
        st.caption(
            f"{silent:.0%} are below 0.05 and {active:.1%} above 0.5; the mean is "
            f"{values.mean():.3f}."
        )
        samples = {"activations": values.ravel()[::37]}
        static_chart(histograms(samples, "activation", bins=(0.0, 1.0, 50)), f"{family}-all")
    with right:
        st.markdown("**Mean activation of each unit**")
        dead = int((values.max(0) < 0.05).sum())
        st.caption(f"{dead} of {len(means)} units are dead: never above 0.05 for any picture.")
        chart = histograms({"units": means}, "mean activation", bins=(0.0, 0.5, 50))
        static_chart(chart, f"{family}-means")


@needs_run
@st.fragment
def top_pictures(run: Run, family: str) -> None:
    """Draw the test pictures that activate a unit most, and its mean activation by class."""
    count = cache.codings(run).shape[1]
    unit = st.slider("Unit", 1, count, 1, **bound(family, "unit")) - 1
    _top_pictures(run, unit)
    _class_means(run, unit, family)


@cached_figure
def _top_pictures(run: Run, unit: int) -> None:
    values = cache.codings(run)[:, unit]
    best = values.argsort(descending=True, stable=True)[:TOP]
    st.caption(
        f"The {TOP} test pictures that activate unit {unit + 1} most, from "
        f"{values[best[0]]:.2f} down to {values[best[-1]]:.2f}."
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
