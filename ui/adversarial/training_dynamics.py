"""The dynamics of a GAN's training: classes of the samples, D's accuracy, losses, gradients."""

from typing import Literal

import numpy as np
import streamlit as st
import torch

from genlib.adversarial.config import AdversarialConfig
from genlib.adversarial.objectives import guess_level
from genlib.classifier import Classifier, classified
from genlib.data import DATASETS, DatasetName
from genlib.family import to_float
from genlib.metrics import class_shares
from genlib.plots import Line, class_areas, lines
from genlib.runs.run import Run
from genlib.training.events import Snapshot
from ui import cache
from ui.cache import cached_figure
from ui.widgets.elements import needs_run, static_chart


@needs_run
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
        st.caption(_guess_level(run))
        _losses(run)
    with right:
        st.markdown("**Gradient norms**")
        st.caption(
            "A gradient near 0: that player no longer learns. Growing gradients mean unstable "
            "training."
        )
        _gradient_norms(run)


def _guess_level(run: Run) -> str:
    """Return what the dashed line says, and what D's curve has on top of it."""
    rules = run.spec.model_as(AdversarialConfig)
    level = guess_level(rules.loss, rules.smoothing)
    penalties = " Penalties come on top of D's." if _penalized(rules) else ""
    return (
        f"Dashed: {level:.2f}, the {rules.loss} loss of a D that gives all pictures the same "
        f"score. Far below it, D wins.{penalties}"
    )


def _penalized(rules: AdversarialConfig) -> bool:
    return bool(rules.r1 or rules.r2 or rules.gradient_penalty)


def _classes(run: Run) -> None:
    classifier = cache.classifier(run.spec.dataset)
    if classifier is None:
        st.caption(
            "Press Examine in “Is it working?” first: that trains a classifier of these pictures."
        )
        return
    count = len(run.snapshots[-1].images)
    st.caption(
        f"Shares of each class among {count} samples, so a rare class may be missing by chance: "
        "the verdict of “Is it working?” counts more. If shares rise and fall, G goes from class "
        "to class."
    )
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
    rules = run.spec.model_as(AdversarialConfig)
    steps = next(iter(curves.values())).x
    level = guess_level(rules.loss, rules.smoothing)
    curves["D guessing"] = Line(steps, np.full(len(steps), level), dashed=True)
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
