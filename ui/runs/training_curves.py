"""The training and validation losses of a run against steps, beside what they have to beat."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from genlib.data import DATASETS
from genlib.entry import BASELINE_TITLES
from genlib.models import FAMILIES
from genlib.plots import loss_chart
from genlib.plots.charts import LINES
from genlib.runs.spec import RunSpec
from genlib.training.curve import Row
from genlib.training.events import Snapshot

Series = dict[str, Sequence[tuple[int, float]]]


def training_curves(
    spec: RunSpec,
    curve: list[Row],
    snapshots: list[Snapshot],
    steps: int,
    metrics: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Draw training and validation losses against steps, beside the baseline's test error.

    Where they are different quantities, each has a chart of its own.
    """
    entry = FAMILIES[spec.family]
    adversarial = "discriminates" in entry.abilities
    training = _training_series(curve, adversarial=adversarial)
    validation = _validation_series(spec, snapshots)
    error = metrics.get(f"{entry.baseline}_mse")
    baseline = (BASELINE_TITLES[entry.baseline], error) if error else entry.trivial
    dashed = f" The dashed line, {baseline[0]}, is what it has to beat." if baseline else ""
    log = not adversarial
    if entry.training_loss is not None:
        left, right = st.columns(2, gap="medium")
        with left:
            st.caption(f"Training loss: {entry.training_loss(spec.model)}.")
            _chart(loss_chart(training, steps, log=log), f"{spec.family}-curve", "Training loss")
        with right:
            st.caption(f"Validation: {entry.metric_title}, another quantity.{dashed}")
            chart = loss_chart(validation, steps, baseline, log=log, colours=LINES[1:])
            _chart(chart, f"{spec.family}-validation", "Validation error")
        return
    st.caption(
        "Neither loss has to fall: each player is measured against the other, who learns too."
        if adversarial
        else f"The loss should fall quickly and then level off.{dashed}"
    )
    first = dict(list(training.items())[:1])
    chart = loss_chart(first | validation | training, steps, baseline, log=log)
    _chart(chart, f"{spec.family}-curve", "Training and validation loss")


def _training_series(curve: list[Row], *, adversarial: bool) -> Series:
    """Return the training losses by name, apart for each phase where there are several."""
    names = {(row.stage, name): None for row in curve for name in row.losses}
    phases = not adversarial and len({row.stage for row in curve}) > 1
    return {
        f"{stage if phases else 'training'} {name}": [
            (row.step, row.losses[name]) for row in curve if not phases or row.stage == stage
        ]
        for stage, name in names
    }


def _validation_series(spec: RunSpec, snapshots: list[Snapshot]) -> Series:
    """Return the primary metric of each snapshot; no points of space are kept for validation."""
    entry = FAMILIES[spec.family]
    whose = "validation" if DATASETS[spec.dataset].kind != "points" else "all points:"
    values = [
        (item.step, item.figures[entry.primary_metric]) for item in snapshots if item.figures
    ]
    return {f"{whose} {entry.metric_title}": values}


def _chart(options: dict[str, Any], key: str, subject: str) -> None:
    st.echarts_chart(options, height=280, key=key, alt=f"{subject} against steps")
