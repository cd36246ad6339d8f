"""Two runs side by side: where their knobs differ, and their figures of merit."""

import streamlit as st

from genlib.config import differences
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.controls import record_views, view_key
from ui.runs import preview, run_panel
from ui.runs.measured_fid import measured_fid
from ui.runs.run_choice import run_choice, run_title
from ui.runs.side_by_side import in_words
from ui.widgets.elements import not_trained_here

record_views("left", "right")

NOISE = "test noise"
WORDS = {"mse": "MSE", "pca": "PCA", "kl": "KL", "bce": "cross-entropy"}
SIDES = "Left", "Right"


def two_runs(page: str, usual: tuple[RunSpec, RunSpec]) -> None:
    """Draw where two runs of the student's choice differ, in their knobs and in their results."""
    columns = st.columns(2, gap="large")
    specs = []
    for column, side, spec in zip(columns, SIDES, usual, strict=True):
        with column:
            specs.append(run_choice(side, view_key(page, side.lower()), spec))
    left, right = specs
    if left == right:
        st.info("Left and right are the same run: choose another.", icon=":material/info:")
        return
    st.caption("Only what differs in what was asked for. A dash: that family has no such knob.")
    _table(
        [(title, in_words(one), in_words(other)) for title, one, other in differences(left, right)]
    )
    runs = [cache.finished(spec) for spec in specs]
    for column, side, run in zip(st.columns(2, gap="large"), SIDES, runs, strict=True):
        with column:
            _pictures(side, run)
    st.caption("What came of it. Compare only figures of the same name and data set.")
    one, other = (_figures(run) if run is not None else {} for run in runs)
    if NOISE in one and NOISE in other and not noise_compares(left, right):
        st.caption(
            "The noise-prediction error is left out: it compares only runs with the same data, "
            "schedule and number of times."
        )
        one.pop(NOISE)
        other.pop(NOISE)
    _table([(name, one.get(name, "–"), other.get(name, "–")) for name in one | other])


def noise_compares(left: RunSpec, right: RunSpec) -> bool:
    """Return whether the noise-prediction errors of two diffusion models can be compared."""
    one, other = (
        (spec.family, spec.dataset, model.get("schedule"), model.get("timesteps"))
        for spec, model in ((spec, spec.model.model_dump()) for spec in (left, right))
    )
    return one == other


def _table(rows: list[tuple[str, str, str]]) -> None:
    titles = "", *SIDES
    table = [dict(zip(titles, row, strict=True)) for row in rows]
    st.table(table, border="horizontal", hide_index=True)


def _pictures(side: str, run: Run | None) -> None:
    """Draw the last pictures of a run."""
    if run is None:
        not_trained_here()
        return
    st.markdown(f"**{side}: {run_title(run.spec)}**")
    data = run_panel.data_of(run.spec)
    preview.draw(run.spec, data, run.snapshots[-1:], side=side)
    fid = measured_fid(run.spec)
    if fid:
        st.caption(fid)


def _figures(run: Run) -> dict[str, str]:
    """Return the figures of a run by their names."""
    provenance = run.provenance
    metrics = {
        " ".join(WORDS.get(word, word) for word in name.split("_")): f"{value:.4g}"
        for name, value in provenance.metrics.items()
    }
    weights = sum(weight.numel() for weight in run.family.parameters())
    return metrics | {
        "weights and biases": f"{weights:,}",
        "steps": f"{run.snapshots[-1].step:,}",
        "training": f"{provenance.seconds:.1f} s on {provenance.device}",
    }
