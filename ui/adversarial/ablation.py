"""What each ingredient is for: the same training without it, in a table, curves and pictures."""

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
from genlib.studies import Ablation
from genlib.studies.ablation import WHOLE, Ablated, Look, ablated, samples
from genlib.studies.health import MISSING
from ui.runs.study_panel import study_panel
from ui.widgets.elements import chart_at_rest

Files = Mapping[str, bytes]
GROWING = "growing"  # the ingredient that is to save time
SHOWN = 6  # samples of each
WIDTH = 560  # pixels of them and their names, where there is room
SHIPPED = "fashion_mnist"  # what the shipped studies are of
FEW = 16_384  # training pictures of others: all of them would take too long while one waits


def ablation(spec: RunSpec) -> None:
    """Draw what became of a model without each of its ingredients, or offer to measure it."""
    study = Ablation(start=short(spec))
    study_panel(study, f"Train all {len(study.specs())}", partial(_drawn, study))


def short(spec: RunSpec) -> RunSpec:
    """Return the shipped run where only its recipe was changed, else a shorter one."""
    usual = RunSpec.of_preset(spec.family, dataset=spec.dataset)
    seeded = {"seed": spec.train.seed}
    if (spec.model, spec.dataset, seeded["seed"]) != (usual.model, SHIPPED, usual.train.seed):
        seeded["pictures"] = FEW
    return spec.model_copy(update={"train": usual.train.model_copy(update=seeded)})


def _drawn(study: Ablation, files: Files) -> None:
    found = ablated(files)
    if not found:
        return
    _table(study.start, found)
    dark = st.context.theme.type == "dark"
    _pictures(study.fingerprint, len(found), files["samples.safetensors"], found, dark=dark)
    st.caption(_race(found))
    _curves(study.fingerprint, len(found), found)


def _label(name: str) -> str:
    return name if name == WHOLE else f"without {name}"


def _table(start: RunSpec, found: list[Ablated]) -> None:
    """Draw the figures of each at the end."""
    classes = len(DATASETS[start.dataset].classes)
    rows = []
    for each in found:
        row: dict[str, str | float | None] = {
            "trained": _label(each.name),
            "classes there": "diverged",
        }
        for finding in each.findings:
            row[finding.name] = finding.value
            row[f"95 % of {finding.name}"] = f"{finding.low:.2f} … {finding.high:.2f}"
        if each.findings:
            there = sum(share >= MISSING for share in each.shares)
            row["classes there"] = f"{there} of {classes}"
            row["worth"] = effective_modes(torch.tensor(each.shares))
        rows.append(row)
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content",
        column_config={
            "classifier FID": number,
            "coverage": number,
            "worth": st.column_config.NumberColumn(
                "worth classes", format="%.1f", help="Equally frequent classes with that entropy."
            ),
        },
    )
    real = {finding.name: finding.real for finding in found[0].findings}
    text = ", ".join(f"{name} {value:.2f}" for name, value in real.items())
    st.caption(f"Real test pictures in place of samples: {text}.")


@st.cache_data(max_entries=16, show_spinner=False)
def _pictures(name: str, count: int, _kept: bytes, _found: list[Ablated], *, dark: bool) -> None:
    pictures = samples({"samples.safetensors": _kept})[:, :SHOWN].numpy()
    image = named_rows(pictures, [_label(each.name) for each in _found], 2, dark=dark)
    st.image(image, width=WIDTH, alt="Samples of each model, always of the same codings")


def _sound(each: Ablated) -> list[Look]:
    """Return the looks at a training until it diverged, if it did."""
    return [look for look in each.looks if math.isfinite(look.fid)]


def _race(found: list[Ablated]) -> str:
    """Return whether growing saved time: when it was as good as the other at its best."""
    by_name = {each.name: _sound(each) for each in found}
    grown, other = by_name[WHOLE], by_name.get(GROWING, [])
    if not grown or not other:
        return "Lower is better; each point is of 1,000 samples."
    goal = min(other, key=lambda look: look.fid)
    first = next((look for look in grown if look.fid <= goal.fid), None)
    told = f"Without growing the FID of 1,000 samples was best at {goal.fid:.2f}, after " + (
        f"{goal.seconds:.0f} s of training. "
    )
    if first is None:
        return told + "With growing it never got there: here growing does not save time."
    saved = "here growing saves time" if first.seconds < goal.seconds else "here it saves no time"
    return told + f"With growing it was there after {first.seconds:.0f} s: {saved}."


@st.cache_data(max_entries=16, show_spinner=False)
def _curves(name: str, count: int, _found: list[Ablated]) -> None:
    curves = {
        _label(each.name): Line(
            np.array([float(look.step) for look in looks]),
            np.array([look.fid for look in looks]),
        )
        for each in _found
        if (looks := _sound(each))
    }
    figure = lines(curves, "step", "classifier FID", log="y")
    chart_at_rest(figure, f"{name[:8]}-ablation")
