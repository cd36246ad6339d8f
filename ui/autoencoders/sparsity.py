"""The activations of a sparse autoencoder: how many, how strong, and for which pictures."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import to_float
from genlib.objectives import bernoulli_kl
from genlib.plots import CLASSES, Line, bars, histograms, lines
from genlib.runs.run import Run
from ui import cache
from ui.controls import bound, record_views
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest
from ui.widgets.pictures import row_of_pictures

record_views("unit")

TOP = 8  # pictures that activate a unit most


@st.cache_data(max_entries=64, show_spinner=False)
def costs(target: float, family: str) -> None:
    """Draw what each penalty asks for a unit whose mean activation is not the target."""
    q = np.linspace(0.005, 0.995, 199)
    kl = bernoulli_kl(target, torch.from_numpy(q)).numpy()
    curves = {
        "KL divergence": Line(q[kl < 1], kl[kl < 1]),
        "absolute difference (MAE)": Line(q, np.abs(q - target)),
        "squared difference (MSE)": Line(q, (q - target) ** 2),
    }
    chart = lines(curves, "mean activation of a unit", "cost", mark=(target, 0.0))
    chart_at_rest(chart, f"{family}-costs")


def activations(run: Run | None, family: str) -> None:
    """Draw the histograms of all activations and of each unit's mean."""
    if run is None:
        elements.missing()
        return
    _histograms(run.spec.fingerprint, family, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _histograms(name: str, family: str, _run: Run) -> None:
    values = cache.codings(name, _run).numpy()
    means = values.mean(0)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**All activations**")
        silent, loud = (values < 0.05).mean(), (values > 0.5).mean()
        st.caption(
            f"{silent:.0%} are below 0.05 and {loud:.1%} above 0.5; the mean is "
            f"{values.mean():.3f}."
        )
        chart = histograms(
            {"activations": values.ravel()[::37]}, "activation", bins=(0.0, 1.0, 50)
        )
        chart_at_rest(chart, f"{family}-all")
    with right:
        st.markdown("**Mean activation of each unit**")
        dead = int((values.max(0) < 0.05).sum())
        st.caption(f"{dead} of {len(means)} units are dead: never above 0.05 for any picture.")
        chart = histograms({"units": means}, "mean activation", bins=(0.0, 0.5, 50))
        chart_at_rest(chart, f"{family}-means")


@st.fragment
def top_pictures(run: Run | None, family: str) -> None:
    """Draw the test pictures that activate a unit most, and what it adds to a picture."""
    if run is None:
        elements.missing()
        return
    count = cache.codings(run.spec.fingerprint, run).shape[1]
    unit = st.slider("Unit", 1, count, 1, **bound(family, "unit")) - 1
    _unit(run.spec.fingerprint, unit, family, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _unit(name: str, unit: int, family: str, _run: Run) -> None:
    """Draw the pictures that activate a unit most, and its mean activation by class."""
    values = cache.codings(name, _run)
    data = cache.dataset(_run.spec.dataset)
    best = values[:, unit].argsort(descending=True, stable=True)[:TOP]
    st.caption(
        f"The {TOP} test pictures that activate unit {unit + 1} most, from "
        f"{values[best[0], unit]:.2f} down to {values[best[-1], unit]:.2f}."
    )
    row_of_pictures(to_float(data.test[best]), "The pictures of the unit", 5, 760)
    means = {
        each: float(values[data.test_labels == index, unit].mean())
        for index, each in enumerate(DATASETS[data.name].classes)
    }
    st.caption("How active it is on average, for each class.")
    everywhere = "all classes", float(values[:, unit].mean())
    chart = bars(means, "mean activation", baseline=everywhere, colours=CLASSES)
    chart_at_rest(chart, f"{family}-unit-classes")
