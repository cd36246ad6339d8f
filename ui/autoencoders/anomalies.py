"""Anomaly detection by reconstruction error: by class, histograms, and the ROC curve."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS, DatasetName, download_fraction
from genlib.data.dataset import resized
from genlib.family import Family, to_float
from genlib.plots import CLASSES, Line, bars, histograms, lines
from genlib.runs.run import Run
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views, view_key
from ui.runs.dataset_choice import dataset_choice
from ui.widgets.elements import needs_run, static_chart

record_views("strangers", "threshold")


@needs_run
@cached_figure
def by_class(run: Run, family: str) -> None:
    """Draw the reconstruction error (test MSE) of each class."""
    data = cache.dataset(run.spec.dataset)
    errors = _errors(run, data.name)
    labels = data.test_labels.numpy()
    classes = DATASETS[data.name].classes
    means = {each: float(errors[labels == index].mean()) for index, each in enumerate(classes)}
    worst = max(means, key=means.__getitem__)
    best = min(means, key=means.__getitem__)
    detail = details(to_float(data.test)).numpy()
    st.caption(
        f"The hardest is “{worst}”, the easiest “{best}”. Over all test pictures the error and "
        "the detail, the mean difference of neighbouring pixels, have the correlation "
        f"{np.corrcoef(errors, detail)[0, 1]:.2f}."
    )
    baseline = ("all classes", float(errors.mean()))
    chart = bars(means, "test MSE", baseline=baseline, colours=CLASSES)
    static_chart(chart, f"{family}-by-class")


def details(x: torch.Tensor) -> torch.Tensor:
    """Return the detail of each picture: the mean absolute difference of neighbouring pixels."""
    down = (x[:, :, 1:] - x[:, :, :-1]).abs().mean((1, 2, 3))
    across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean((1, 2, 3))
    return (down + across) / 2


@needs_run
@st.fragment
def anomalies(run: Run, family: str) -> None:
    """Draw anomaly detection by the reconstruction error, with another data set's pictures."""
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
        sentence.markdown(_detection(run, other, share, family))


@cached_figure
def _detection(run: Run, other: DatasetName, share: int, family: str) -> str:
    """Draw both data sets' errors and the ROC curve; return what the threshold catches."""
    normal = _errors(run, run.spec.dataset)
    anomalous = _errors(run, other)
    high = float(np.quantile(np.concatenate([normal, anomalous]), 0.98))
    threshold = share / 100 * high
    caught = float((anomalous > threshold).mean())
    false_alarms = float((normal > threshold).mean())
    samples = {DATASETS[run.spec.dataset].title: normal, DATASETS[other].title: anomalous}
    chart = histograms(samples, "MSE of a picture", bins=(0.0, high, 50), threshold=threshold)
    static_chart(chart, f"{family}-anomalies")
    st.caption(
        "ROC curve: the detection rate against the false-alarm rate at every threshold. The area "
        "under it is 1 where every anomaly is told apart, and 0.5 where one guesses."
    )
    _roc_curve(family, normal, anomalous, (false_alarms, caught))
    error, larger = plain_picture(run, normal)
    return (
        f"Above an error of {threshold:.4f}: **{caught:.0%}** of the anomalies, "
        f"and **{false_alarms:.1%}** of the pictures that belong here.\n\n"
        f"An all-black picture does not belong here either. Its error is {error:.4f}, less than "
        f"that of {larger:.1%} of the test pictures."
    )


def plain_picture(run: Run, normal: np.ndarray) -> tuple[float, float]:
    """Return the error of a black picture, and the share of errors of others that are larger."""
    black = torch.zeros(1, *DATASETS[run.spec.dataset].shape)
    error = float(_each_error(run.family, black))
    return error, float((normal > error).mean())


def _choices(family: str, others: list[DatasetName]) -> tuple[DatasetName, int]:
    """Return the other data set, and the decision threshold in % of the range that is shown."""
    other = dataset_choice(
        "Anomalies",
        view_key(family, "strangers"),
        others,
        others[0],
        "Pictures of another data set, brought to the same size.",
    )
    share = st.slider(
        "Threshold",
        value=40,
        format="%d %%",
        help="Pictures with a larger error are called anomalies; in % of the range shown.",
        **ranged(family, "threshold", 0, 100),
    )
    return other, share


def _roc_curve(
    family: str, normal: np.ndarray, anomalous: np.ndarray, point: tuple[float, float]
) -> None:
    """Draw the ROC curve with the chosen threshold's point on it, and its area (AUC)."""
    from sklearn.metrics import roc_auc_score, roc_curve

    truth = np.repeat([0, 1], [len(normal), len(anomalous)])
    scores = np.concatenate([normal, anomalous])
    false_alarms, caught, _ = roc_curve(truth, scores)
    area = roc_auc_score(truth, scores)
    ends = np.array([0.0, 1.0])
    curves = {
        f"this model, area {area:.3f}": Line(false_alarms, caught),
        "guessing, area 0.5": Line(ends, ends, dashed=True),
    }
    chart = lines(curves, "false-alarm rate", "detection rate", mark=point)
    static_chart(chart, f"{family}-roc")


@cached_figure
def _errors(run: Run, dataset: DatasetName) -> np.ndarray:
    """Return the mean squared error of each of a data set's test pictures."""
    images = resized(cache.dataset(dataset).test, DATASETS[run.spec.dataset].shape)
    return _each_error(run.family, to_float(images)).numpy()


def _each_error(family: Family, x: torch.Tensor) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    parts = [(part, family.preview(part, rng)[-len(part) :]) for part in x.split(1000)]
    return torch.cat([(part - x_hat).square().flatten(1).mean(1) for part, x_hat in parts])
