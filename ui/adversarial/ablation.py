"""Ablation of a GAN's ingredients: classifier FID, mode coverage and samples without each."""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.metrics import effective_modes
from genlib.plots import Line, lines, named_rows
from genlib.runs.spec import RunSpec
from genlib.studies.ablation import WHOLE, Ablation, Evaluation, Variant, samples, variants
from genlib.studies.findings import CLASSIFIER_FID, PIXEL_FID
from genlib.studies.verdict import MISSING
from ui import cache
from ui.cache import cached_figure
from ui.lesson import Figure
from ui.runs.measured_fid import EARLIER, disagreement
from ui.runs.study_panel import study_panel
from ui.widgets.elements import is_dark, static_chart

Files = Mapping[str, bytes]
GROWING = "growing"  # the ingredient that is to save time
SHOWN = 6  # samples of each
WIDTH = 560  # pixels of them and their names, where there is room
SHIPPED = "fashion_mnist"  # what the shipped studies are of
ONE_SEED = (
    "The intervals say how exact each figure is of this one training. They say nothing of another "
    "seed: with one seed each, no row is proved better than another."
)
FEW = 16_384  # training pictures of others: all of them would take too long while one waits


def figure(spec: RunSpec) -> Figure:
    """Return the lesson's figure of the ablation."""
    return Figure(
        "What is each ingredient for?",
        "The same seed and as many steps, each time without one of them. It is one seed: a row "
        "that looks better here may look worse with another.",
        lambda: ablation(spec),
    )


def ablation(spec: RunSpec) -> None:
    """Draw the ablation: the model without each ingredient, or the button that trains them."""
    study = cache.measured_or_shipped(Ablation(start=short(spec)))
    study_panel(study, f"Train all {len(study.specs())}", partial(_draw, study))


def short(spec: RunSpec) -> RunSpec:
    """Return the shipped run where only its recipe was changed, else a shorter one."""
    usual = RunSpec.of_preset(spec.family, dataset=spec.dataset)
    seeded = {"seed": spec.train.seed}
    if (spec.model, spec.dataset, seeded["seed"]) != (usual.model, SHIPPED, usual.train.seed):
        seeded["pictures"] = FEW
    return spec.model_copy(update={"train": usual.train.model_copy(update=seeded)})


def _draw(study: Ablation, files: Files) -> None:
    models = variants(dict(files))
    if not models:
        return
    _table(study.start, models)
    _samples(samples(dict(files)), [_label(each) for each in models], dark=is_dark())
    st.caption(_growing_speed(models))
    st.caption(ONE_SEED)
    _fid_curves(models, f"{study.fingerprint[:8]}-ablation")


def _label(model: Variant) -> str:
    return model.name if model.name == WHOLE else f"without {model.name}"


def _table(start: RunSpec, models: list[Variant]) -> None:
    """Draw the figures of each model at the end, beside those of real pictures."""
    st.dataframe(
        [_row(each, len(DATASETS[start.dataset].classes)) for each in models],
        hide_index=True,
        width="stretch",
        height="content",
        column_config={
            "classifier FID": st.column_config.NumberColumn(format="%.2f"),
            "pixel FID": st.column_config.NumberColumn(format="%.2f"),
            "recall": st.column_config.NumberColumn(format="%.2f"),
            "coverage": st.column_config.NumberColumn(format="%.2f"),
            "worth": st.column_config.NumberColumn(
                "worth classes", format="%.1f", help="Equally frequent classes with that entropy."
            ),
        },
    )
    real = ", ".join(f"{each.name} {each.real:.2f}" for each in models[0].findings)
    fids, pixel_fids = (
        {_label(each): value for each in models if (value := _value(each, name)) is not None}
        for name in (CLASSIFIER_FID, PIXEL_FID)
    )
    agree = disagreement(fids, pixel_fids) if pixel_fids else EARLIER
    st.caption(f"Real pictures in place of samples: {real}. {agree}")


def _value(model: Variant, name: str) -> float | None:
    return next((each.value for each in model.findings if each.name == name), None)


def _row(model: Variant, classes: int) -> dict[str, str | float]:
    """Return a model's row of the table: figures with intervals, and its mode coverage."""
    row: dict[str, str | float] = {"trained": _label(model), "classes there": "diverged"}
    for finding in model.findings:
        row[finding.name] = finding.value
        row[f"95 % of {finding.name}"] = f"{finding.low:.2f} … {finding.high:.2f}"
    if model.findings:
        there = sum(share >= MISSING / classes for share in model.shares)
        row["classes there"] = f"{there} of {classes}"
        row["worth"] = effective_modes(torch.tensor(model.shares))
    return row


@cached_figure
def _samples(pictures: torch.Tensor, names: list[str], *, dark: bool) -> None:
    rows = named_rows(pictures[:, :SHOWN].numpy(), names, 2, dark=dark)
    st.image(rows, width=WIDTH, alt="Samples of each model, always of the same codings")


def _finite(model: Variant) -> list[Evaluation]:
    """Return the measurements during a training until it diverged, if it did."""
    return [each for each in model.evaluations if math.isfinite(each.fid)]


def _growing_speed(models: list[Variant]) -> str:
    """Return whether growing saved time: when it was as good as the other at its best."""
    by_name = {each.name: _finite(each) for each in models}
    grown = by_name[WHOLE]
    whole_size = by_name.get(GROWING, [])
    if not grown or not whole_size:
        return "Lower is better; each point is of 1,000 samples."
    best = min(whole_size, key=lambda each: each.fid)
    first = next((each for each in grown if each.fid <= best.fid), None)
    sentence = (
        f"Without growing the FID of 1,000 samples was best at {best.fid:.2f}, after "
        f"{best.seconds:.0f} s of training. "
    )
    if first is None:
        return sentence + "With growing it never got there: in this run growing saved no time."
    saved = "saved time" if first.seconds < best.seconds else "saved no time"
    return (
        sentence + f"With growing it was there after {first.seconds:.0f} s: in this run growing "
        f"{saved}."
    )


@cached_figure
def _fid_curves(models: list[Variant], key: str) -> None:
    """Draw the classifier FID of each model during its training."""
    curves = {}
    for each in models:
        points = _finite(each)
        steps = np.array([float(point.step) for point in points])
        if points:
            curves[_label(each)] = Line(steps, np.array([point.fid for point in points]))
    static_chart(lines(curves, "step", "classifier FID", log="y"), key)
