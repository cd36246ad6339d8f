"""Where a model errs: by class, and on pictures of a kind that it has never seen."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS, DatasetName, download_fraction, resized
from genlib.family import Family, to_float
from genlib.plots import CLASSES, Line, bars, histograms, lines
from genlib.runs.run import Run
from ui import cache
from ui.controls import bound, record_views
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest

record_views("strangers", "threshold")


def by_class(run: Run | None, family: str) -> None:
    """Draw the test error of each class."""
    if run is None:
        elements.missing()
        return
    _by_class(run.spec.fingerprint, family, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _by_class(name: str, family: str, _run: Run) -> None:
    data = cache.dataset(_run.spec.dataset)
    errors = _errors(name, data.name, _run)
    labels = data.test_labels.numpy()
    classes = DATASETS[data.name].classes
    means = {each: float(errors[labels == index].mean()) for index, each in enumerate(classes)}
    worst, best = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    st.caption(f"The hardest is “{worst}”, the easiest “{best}”.")
    chart_at_rest(
        bars(means, "test MSE", baseline=("all classes", float(errors.mean())), colours=CLASSES),
        f"{family}-by-class",
    )


@st.fragment
def anomalies(run: Run | None, family: str) -> None:
    """Let the student tell pictures of another data set by their reconstruction error alone."""
    if run is None:
        elements.missing()
        return
    others = [
        name
        for name, source in DATASETS.items()
        if source.kind == "pictures"
        and name != run.spec.dataset
        and download_fraction(name) is None
    ]
    if not others:
        st.info("There is no other data set on this server to compare with.")
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        other, share = _choices(family, others)
        sentence = st.empty()
    with right:
        sentence.markdown(_told_apart(run.spec.fingerprint, other, share, family, run))


@st.cache_data(max_entries=64, show_spinner=False)
def _told_apart(name: str, other: DatasetName, share: int, family: str, _run: Run) -> str:
    """Draw the errors of both data sets and every threshold's catch; say what this one's is."""
    known, strange = _errors(name, _run.spec.dataset, _run), _errors(name, other, _run)
    high = float(np.quantile(np.concatenate([known, strange]), 0.98))
    threshold = share / 100 * high
    caught, false = float((strange > threshold).mean()), float((known > threshold).mean())
    samples = {DATASETS[_run.spec.dataset].title: known, DATASETS[other].title: strange}
    chart = histograms(samples, "MSE of a picture", bins=(0.0, high, 50), threshold=threshold)
    chart_at_rest(chart, f"{family}-anomalies")
    st.caption("The same for every threshold: the more it bends to the upper left, the better")
    _roc(family, known, strange, (false, caught))
    return (
        f"Above an error of {threshold:.4f}: **{caught:.0%}** of the strangers, "
        f"and **{false:.1%}** of the pictures that belong here."
    )


def _choices(family: str, others: list[DatasetName]) -> tuple[DatasetName, int]:
    """Return the other data set, and the threshold in % of the range that is shown."""
    other = st.selectbox(
        "Strangers",
        others,
        format_func=lambda name: DATASETS[name].title,
        help="Pictures of another data set, brought to the same size.",
        **bound(family, "strangers"),
    )
    share = st.slider(
        "Threshold",
        0,
        100,
        40,
        format="%d %%",
        help="Pictures with a larger error are called anomalies; in % of the range shown.",
        **bound(family, "threshold"),
    )
    return other, share


def _roc(family: str, known: np.ndarray, strange: np.ndarray, here: tuple[float, float]) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    truth = np.repeat([0, 1], [len(known), len(strange)])
    scores = np.concatenate([known, strange])
    false, caught, _ = roc_curve(truth, scores)
    area = roc_auc_score(truth, scores)
    ends = np.array([0.0, 1.0])
    curves = {
        f"this model, area {area:.3f}": Line(false, caught),
        "guessing, area 0.5": Line(ends, ends, dashed=True),
    }
    chart_at_rest(lines(curves, "false alarms", "strangers caught", mark=here), f"{family}-roc")


@st.cache_data(max_entries=64)
def _errors(name: str, dataset: DatasetName, _run: Run) -> np.ndarray:
    """Return the mean squared error of each of a data set's test pictures."""
    images = resized(cache.dataset(dataset).test, DATASETS[_run.spec.dataset].shape)
    return _each_error(_run.family, to_float(images)).numpy()


def _each_error(family: Family, x: torch.Tensor) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    parts = [(part, family.preview(part, rng)[-len(part) :]) for part in x.split(1000)]
    return torch.cat([(part - made).square().flatten(1).mean(1) for part, made in parts])
