"""The dynamics of a GAN's training: classes of the samples, D's accuracy, losses, gradients."""

import math
from typing import Literal

import numpy as np
import streamlit as st
import torch

from genlib.classifier import Classifier, classified
from genlib.data import DATASETS, DatasetName
from genlib.family import to_float
from genlib.metrics import class_shares
from genlib.plots import Line, class_areas, lines
from genlib.runs.run import Run
from genlib.training.events import Snapshot
from ui import cache
from ui.cache import cached_figure
from ui.widgets.elements import static_chart

GUESSING = {  # loss of a discriminator that only guesses, where there is such a number
    "non-saturating": 2 * math.log(2),
    "minimax": 2 * math.log(2),
    "least squares": 0.25,
    "hinge": 2.0,
    "relativistic": math.log(2),
}


def training_dynamics(run: Run) -> None:
    """Draw the classes of the samples, D's accuracy, losses and gradient norms over training."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What is in the samples, over training**")
        _classes(run)
    with right:
        st.markdown("**How often D is right**")
        st.caption("At one half it only guesses; near one on both, G learns little.")
        _accuracy(run)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Losses**")
        st.caption("Dashed: what D loses when it only guesses. Far below it, D wins.")
        _losses(run)
    with right:
        st.markdown("**Gradient norms**")
        st.caption("A player whose gradient vanishes no longer learns; one whose grows, shakes.")
        _gradient_norms(run)


def _classes(run: Run) -> None:
    classifier = cache.classifier(run.spec.dataset)
    if classifier is None:
        st.caption("Examine the model below first: that trains a classifier of these pictures.")
        return
    count = len(run.snapshots[-1].images)
    st.caption(f"Shares of each class among {count} samples: bands that come and go circle.")
    _class_areas(run, classifier)


@cached_figure
def shares_over_training(
    snapshots: list[Snapshot], dataset: DatasetName, classifier: Classifier
) -> np.ndarray:
    """Return the share of each class among the samples of each snapshot."""
    classes = len(DATASETS[dataset].classes)
    labels = [classified(classifier, to_float(each.images)).classes for each in snapshots]
    return torch.stack([class_shares(each, classes) for each in labels]).numpy()


def _steps(run: Run) -> np.ndarray:
    return np.array([float(snapshot.step) for snapshot in run.snapshots])


@cached_figure
def _class_areas(run: Run, classifier: Classifier) -> None:
    shares = shares_over_training(run.snapshots, run.spec.dataset, classifier)
    areas = class_areas(_steps(run), shares, DATASETS[run.spec.dataset].classes)
    static_chart(areas, f"{run.spec.fingerprint[:8]}-areas")


@cached_figure
def _accuracy(run: Run) -> None:
    """Draw the discriminator's accuracy on real and on generated pictures."""
    curves = {
        f"on {title}": Line(_steps(run), np.array([each.figures[key] for each in run.snapshots]))
        for key, title in (
            ("right on fake", "generated ones"),
            ("right on real", "real ones"),
        )
    }
    chart = lines(curves, "step", "share judged rightly")
    static_chart(chart, f"{run.spec.fingerprint[:8]}-accuracy")


@cached_figure
def _losses(run: Run) -> None:
    """Draw the losses of both players, and what D loses when it only guesses."""
    curves = _curves(run, "losses")
    rules = run.spec.model.model_dump()
    guessing = GUESSING.get(rules["loss"])
    if guessing is not None and not rules["smoothing"]:
        steps = next(iter(curves.values())).x
        curves["D guessing"] = Line(steps, np.full(len(steps), guessing), dashed=True)
    static_chart(lines(curves, "step", "loss"), f"{run.spec.fingerprint[:8]}-losses")


@cached_figure
def _gradient_norms(run: Run) -> None:
    """Draw the gradient norm of each player."""
    chart = lines(_curves(run, "gradients"), "step", "norm", log="y")
    static_chart(chart, f"{run.spec.fingerprint[:8]}-norms")


def _curves(run: Run, kind: Literal["losses", "gradients"]) -> dict[str, Line]:
    """Return the losses or the gradient norms of each player against steps."""
    rows: list[dict[str, float]] = [getattr(row, kind) for row in run.curve]
    steps = np.array([float(row.step) for row in run.curve])
    return {player: Line(steps, np.array([row[player] for row in rows])) for player in rows[0]}
