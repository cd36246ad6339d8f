"""The panel of a run: what its model makes now, its loss curves, and the button that trains it."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from genlib.data import DATASETS, DatasetUnavailableError, download_fraction
from genlib.data.dataset import Dataset
from genlib.entry import BASELINE_TITLES
from genlib.jobs import Job
from genlib.models import FAMILIES
from genlib.plots import loss_chart
from genlib.runs.run import Run, snapshots_from_tensors
from genlib.runs.spec import RunSpec
from genlib.studies.summary import RunSummary
from genlib.training.curve import Row
from genlib.training.events import Snapshot
from ui import cache
from ui.controls import bound, record_views
from ui.runs import knobs, preview, queue
from ui.runs.measured_fid import measured_fid
from ui.runs.queue import LONGEST, lives
from ui.widgets.elements import Badge, headline

record_views("rewind")

CONTROLS = 136  # pixels
Series = dict[str, Sequence[tuple[int, float]]]


def opening(family: str) -> tuple[RunSpec, Run | None]:
    """Draw a family's knobs and, beside them, the run that they ask for; return both."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        spec = knobs.knobs(family)
    with right:
        return spec, run_panel(spec)


def run_panel(spec: RunSpec) -> Run | None:
    """Draw the panel of a run, live while it trains; return the run once it is finished."""
    run = cache.finished(spec)
    alive = run is None and lives(queue.job_of(spec))
    st.fragment(_panel, run_every=1.0 if alive else None)(spec, run, alive=alive)
    return run


def _panel(spec: RunSpec, run: Run | None, *, alive: bool) -> None:
    """Draw the panel; a fragment, so that its slider and its clock rerun nothing else.

    Where training has begun or ended since, the whole page is rerun.
    """
    data = data_of(spec)
    if run is not None:
        _finished(spec, run, data)
        return
    job = queue.job_of(spec)
    if alive != lives(job) or cache.finished(spec) is not None:
        st.rerun()
    snapshots = _snapshots(spec)
    summary = None if snapshots else cache.summary(spec)
    if job is not None and lives(job):
        _training(spec, job, snapshots, data)
    elif summary is not None:
        _summarized(spec, job, summary, data)
    else:
        _untrained(spec, job, snapshots, data)


def _finished(spec: RunSpec, run: Run, data: Dataset | None) -> None:
    entry = FAMILIES[spec.family]
    headline(queue.badge(spec), _merits(spec, run.provenance.metrics))
    trained = f"Trained in {run.provenance.seconds:.1f} s on {run.provenance.device}."
    last = run.snapshots[-1].step
    above = st.container()
    if DATASETS[spec.dataset].kind != "pictures":  # points move in the picture itself
        with above:
            preview.draw(spec, data, run.snapshots)
        st.caption(f"{_measured_on(spec)} {trained}")
        _curve(spec, run.curve, run.snapshots, last, run.provenance.metrics)
        return
    with _controls():
        share = st.slider(
            "Rewind the training",
            0,
            100,
            100,
            format="%d %%",
            help="Go back to any moment of the training: the pictures above are of that moment.",
            **bound(spec.family, "rewind"),
        )
        snapshot = [item for item in run.snapshots if item.step <= share / 100 * last][-1]
        st.caption(
            f"Step {snapshot.step:,} of {last:,}{_phase(spec, snapshot.step, last)}, "
            f"validation {entry.metric_title} {snapshot.figures[entry.primary_metric]:.4f}. "
            f"{trained}"
        )
    with above:
        preview.draw(spec, data, [snapshot])
    _curve(spec, run.curve, run.snapshots, last, run.provenance.metrics)


def _merits(spec: RunSpec, metrics: Mapping[str, float]) -> str:
    """Return the figures of merit of a run: its samples' FID first, where that was measured."""
    return f"{measured_fid(spec)} {FAMILIES[spec.family].headline(metrics)}".strip()


def _training(spec: RunSpec, job: Job, snapshots: list[Snapshot], data: Dataset | None) -> None:
    progress = queue.progress_of(spec)
    headline(Badge("training", "orange", "progress_activity"), "The pictures below are live.")
    preview.draw(spec, data, snapshots[-1:] or preview.first_snapshot(spec, data))
    if progress is None or job.ahead:
        text = _before_the_first_step(spec, job)
        share = 0.0
    else:
        left = progress.seconds_left
        text = f"Step {progress.step:,} of {progress.steps:,}"
        text += _phase(spec, progress.step, progress.steps)
        text += f", {progress.images_per_second:,.0f} pictures a second"
        text += f", {left:.0f} s left" if left is not None else ""
        share = progress.step / progress.steps
    with _controls():
        if not share:
            queue.warn_of_trouble()
        st.progress(share, text)
        queue.stop_button(spec, job, f"{spec.family}-stop")
    steps = progress.steps if progress else 1
    _curve(spec, progress.curve if progress else [], snapshots, steps)


def _summarized(spec: RunSpec, job: Job | None, summary: RunSummary, data: Dataset | None) -> None:
    """Draw a run that ships without its weights: its end, and the button that trains it anew."""
    provenance = summary.provenance
    last = summary.snapshot
    badge = Badge("shipped", "blue", "inventory_2")
    headline(badge, _merits(spec, provenance.metrics))
    preview.draw(spec, data, [last])
    with _controls():
        _train_button(spec, job, cache.seconds(spec))
        st.caption("This result ships without its model. Train it to look inside.")
    _curve(spec, summary.curve, [last], last.step, provenance.metrics)


def _untrained(
    spec: RunSpec, job: Job | None, snapshots: list[Snapshot], data: Dataset | None
) -> None:
    seconds = cache.seconds(spec)
    stopped = job is not None and job.state == "stopped"
    if stopped:
        headline(Badge("stopped", "gray", "pause"), "Train goes on from where it stopped.")
    else:
        headline(Badge("not trained yet", "gray", "radio_button_unchecked"), "Weights are random.")
    preview.draw(spec, data, snapshots[-1:] or preview.first_snapshot(spec, data))
    with _controls():
        _train_button(spec, job, seconds)
    progress = queue.progress_of(spec) if stopped else None
    _curve(
        spec,
        progress.curve if progress else [],
        snapshots,
        progress.steps if progress else 1,
    )


def _phase(spec: RunSpec, step: int, steps: int) -> str:
    """Return the phase of training at a step, after a comma; empty where there is only one."""
    phase = cache.untrained(spec).phase(step / steps)
    return f", {phase}" if phase else ""


def _train_button(spec: RunSpec, job: Job | None, seconds: float) -> None:
    """Draw the button that asks for the run, with what it will cost or what went wrong."""
    if job is not None and job.state == "failed":
        st.error(job.sentence, icon=":material/error:")
    queue.warn_of_trouble()
    if seconds > LONGEST:
        st.warning("Too long for a shared server: take fewer epochs or a smaller network.")
    pressed = st.button(
        f"Train, {queue.about(seconds)}",
        key=f"{spec.family}-train",
        type="primary",
        icon=":material/play_arrow:",
        disabled=seconds > LONGEST,
        on_click=partial(queue.remember, spec),
    )
    if pressed:
        queue.submit(spec, seconds)


def _controls() -> DeltaGenerator:
    """Return the container below the picture; its height never changes, so nothing jumps."""
    return st.container(height=CONTROLS, border=False)


def _before_the_first_step(spec: RunSpec, job: Job) -> str:
    """Return what the job is waiting for: the data, the jobs before it, or its start."""
    fraction = download_fraction(spec.dataset)
    if fraction is not None and not job.ahead:
        return f"Downloading {DATASETS[spec.dataset].title}: {fraction:.0%}"
    return queue.waiting(job)


def data_of(spec: RunSpec) -> Dataset | None:
    """Return the data set, or None while it is yet to be downloaded by the worker."""
    if download_fraction(spec.dataset) is not None:
        return None
    try:
        return cache.dataset(spec.dataset)
    except DatasetUnavailableError as error:
        st.warning(str(error))
        return None


def _measured_on(spec: RunSpec) -> str:
    """Return which points the errors are of: those of space are too few to keep some aside."""
    if DATASETS[spec.dataset].kind != "points":
        return ""
    return "All points are training points, so each MSE here is the training error."


def _snapshots(spec: RunSpec) -> list[Snapshot]:
    part = cache.store().read_partial(spec.fingerprint, "snapshots")
    return [] if part is None else snapshots_from_tensors(part[1]["snapshots.safetensors"])


def _curve(
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
            chart = loss_chart(validation, steps, baseline, log=log)
            _chart(chart, f"{spec.family}-validation", "Validation error")
        return
    st.caption(
        "Neither loss has to fall: each is measured against the other player."
        if adversarial
        else f"A good run falls fast, then flattens.{dashed}"
    )
    chart = loss_chart(training | validation, steps, baseline, log=log)
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
