"""The living picture: what a model makes now, how it learns, and the button that trains it."""

from functools import partial

import numpy as np
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from genlib.curve import Row
from genlib.data import DATASETS, Dataset, DatasetUnavailableError, download_fraction
from genlib.family import to_float, to_uint8
from genlib.jobs import Job, Progress, QueueUnavailableError
from genlib.models import FAMILIES
from genlib.plots import loss_chart, picture_grid, to_png
from genlib.runs import Moment, Run, RunSpec, estimated_seconds, moments_from_tensors
from ui import shelf

CONTROLS = 136  # pixels
LONGEST = 20 * 60  # seconds: what would take longer is not started
WAITING = ("queued", "training")


def run_panel(spec: RunSpec) -> Run | None:
    """Draw the panel of a run, living while it trains; return the run once it is finished."""
    run = shelf.finished(spec)
    job = None if run else _job(spec)
    lives = job is not None and job.state in WAITING
    st.fragment(_panel, run_every=1.0 if lives else None)(spec, run, lives=lives)
    return run


def _panel(spec: RunSpec, run: Run | None, *, lives: bool) -> None:
    """Draw the panel; a fragment, so that its slider and its clock rerun nothing else.

    When what it shows begins or ends to live, the whole page follows.
    """
    data = _data(spec)
    if run is not None:
        _finished(spec, run, data)
        return
    job = _job(spec)
    if lives != (job is not None and job.state in WAITING) or shelf.finished(spec) is not None:
        st.rerun()
    moments = _moments(spec)
    if job is not None and job.state in WAITING:
        _training(spec, job, moments, data)
    else:
        _untrained(spec, job, moments, data)


def _finished(spec: RunSpec, run: Run, data: Dataset | None) -> None:
    made = run.provenance
    _headline(_badge(spec), _figures(run))
    last = run.moments[-1].step
    above = st.container()
    with _controls():
        share = st.slider(
            "Rewind the training",
            0,
            100,
            100,
            format="%d %%",
            key=f"{spec.family}.rewind",
            help="Go back to any moment of the training: the pictures above are of that moment.",
            bind="query-params",
        )
        moment = [item for item in run.moments if item.step <= share / 100 * last][-1]
        st.caption(
            f"Step {moment.step:,} of {last:,}, validation MSE {moment.figures['mse']:.4f}. "
            f"Trained in {made.seconds:.1f} s on {made.device}."
        )
    with above:
        _pictures(data, moment.images)
    _curve(spec, run.curve, run.moments, last, run)


def _training(spec: RunSpec, job: Job, moments: list[Moment], data: Dataset | None) -> None:
    progress = _progress(spec)
    _headline(("training", "orange", "progress_activity"), "The pictures below are live.")
    _pictures(data, moments[-1].images if moments else _first_pictures(spec, data))
    if progress is None:
        text, share = _before_the_first_step(spec, job), 0.0
    else:
        left = progress.seconds_left
        text = f"Step {progress.step:,} of {progress.steps:,}"
        text += f", {progress.images_per_second:,.0f} pictures a second"
        text += f", {left:.0f} s left" if left is not None else ""
        share = progress.step / progress.steps
    with _controls():
        st.progress(share, text)
        stop = partial(_stop, spec)
        st.button("Stop", key=f"{spec.family}-stop", on_click=stop, icon=":material/stop:")
    steps = progress.steps if progress else 1
    _curve(spec, progress.curve if progress else [], moments, steps, None)


def _untrained(
    spec: RunSpec, job: Job | None, moments: list[Moment], data: Dataset | None
) -> None:
    seconds = _estimate(spec)
    stopped = job is not None and job.state == "stopped"
    if stopped:
        _headline(("stopped", "gray", "pause"), "Train goes on from where it stopped.")
    else:
        _headline(("not trained yet", "gray", "radio_button_unchecked"), "Weights are random.")
    _pictures(data, moments[-1].images if moments else _first_pictures(spec, data))
    with _controls():
        _train_button(spec, job, seconds)
    progress = _progress(spec) if stopped else None
    _curve(
        spec, progress.curve if progress else [], moments, progress.steps if progress else 1, None
    )


def _train_button(spec: RunSpec, job: Job | None, seconds: float) -> None:
    """Draw the button that asks for the run, with what it will cost or what went wrong."""
    if job is not None and job.state == "failed":
        st.error(job.sentence, icon=":material/error:")
    if seconds > LONGEST:
        st.warning("Too long for a shared server: take fewer epochs or a smaller network.")
    label = "Train, about " + (f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min")
    pressed = st.button(
        label,
        key=f"{spec.family}-train",
        type="primary",
        icon=":material/play_arrow:",
        disabled=seconds > LONGEST,
        on_click=partial(_remember, spec),
    )
    if pressed:
        _submit(spec)


def _controls() -> DeltaGenerator:
    """Return the room below the picture, of one height in every state, so that nothing jumps."""
    return st.container(height=CONTROLS, border=False)


def _submit(spec: RunSpec) -> None:
    try:
        shelf.shelf().jobs.submit(spec)
    except QueueUnavailableError as error:
        st.error(str(error))
        return
    st.rerun()


def _remember(spec: RunSpec) -> None:
    """Note that this visitor asked for the run, though another one's press may have come first."""
    st.session_state[f"mine-{spec.fingerprint}"] = True


def _stop(spec: RunSpec) -> None:
    try:
        shelf.shelf().jobs.stop(spec.fingerprint)
    except QueueUnavailableError as error:
        st.error(str(error))


def _job(spec: RunSpec) -> Job | None:
    try:
        return shelf.shelf().jobs.job(spec.fingerprint)
    except QueueUnavailableError as error:
        st.warning(str(error))
        return None


def _progress(spec: RunSpec) -> Progress | None:
    try:
        return shelf.shelf().jobs.progress(spec.fingerprint)
    except QueueUnavailableError:
        return None


def _before_the_first_step(spec: RunSpec, job: Job) -> str:
    if job.state == "queued" and job.ahead:
        return f"Waiting: {job.ahead} before this one"
    fraction = download_fraction(spec.dataset)
    if fraction is not None:
        return f"Downloading {DATASETS[spec.dataset].title}: {fraction:.0%}"
    return "Starting"


def _badge(spec: RunSpec) -> tuple[str, str, str]:
    if st.session_state.get(f"mine-{spec.fingerprint}"):
        return "trained here", "green", "check"
    if shelf.shelf().store.is_shipped(spec.fingerprint):
        return "shipped", "blue", "inventory_2"
    return "replayed", "violet", "replay"


def _headline(badge: tuple[str, str, str], text: str) -> None:
    name, colour, icon = badge
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(name, color=colour, icon=f":material/{icon}:")
        st.markdown(text)


def _figures(run: Run) -> str:
    metrics = run.provenance.metrics
    text = f"Test MSE **{metrics['test_mse']:.4f}**"
    if "pca_mse" in metrics:
        text += f" (PCA with as many codings: {metrics['pca_mse']:.4f})"
    return text


def _data(spec: RunSpec) -> Dataset | None:
    """Return the pictures, or None while they are yet to be downloaded by the worker."""
    if download_fraction(spec.dataset) is not None:
        return None
    try:
        return shelf.dataset(spec.dataset)
    except DatasetUnavailableError as error:
        st.warning(str(error))
        return None


def _first_pictures(spec: RunSpec, data: Dataset | None) -> torch.Tensor | None:
    """Return what the model makes before its first step."""
    if data is None:
        return None
    family = shelf.untrained(spec.fingerprint, spec)
    x = to_float(data.test[data.showcase()])
    return to_uint8(family.preview(x, torch.Generator().manual_seed(0)))


def _moments(spec: RunSpec) -> list[Moment]:
    part = shelf.shelf().store.read_partial(spec.fingerprint, "moments")
    return [] if part is None else moments_from_tensors(part[1]["snapshots.safetensors"])


def _pictures(data: Dataset | None, made: torch.Tensor | None) -> None:
    """Draw one test picture of each class, and under each what the model makes of it."""
    st.caption(
        "Rows 1 and 3: one test picture of each class. Under each: what the model makes of it."
    )
    if data is None or made is None:
        st.skeleton(height=480)
        return
    shown = data.test[data.showcase()]
    halves = [part for pair in zip(shown.split(5), made.split(5), strict=True) for part in pair]
    st.image(
        to_png(picture_grid(np.stack([half.numpy() for half in halves]), 5)),
        output_format="PNG",
        width="stretch",
        alt="Ten test pictures, and under each its reconstruction",
    )


def _curve(
    spec: RunSpec, curve: list[Row], moments: list[Moment], steps: int, run: Run | None
) -> None:
    st.caption("A good run falls fast, then flattens below the dashed line.")
    names = {name: None for row in curve for name in row.losses}
    series = {
        f"training {name}": [(row.step, row.losses[name]) for row in curve] for name in names
    }
    series["validation mse"] = [(item.step, item.figures["mse"]) for item in moments]
    pca = run.provenance.metrics.get("pca_mse") if run else None
    reference = ("PCA", pca) if pca else None
    st.echarts_chart(
        loss_chart(series, steps, reference),
        height=280,
        key=f"{spec.family}-curve",
        alt="Training and validation loss against steps",
    )


def _estimate(spec: RunSpec) -> float:
    """Seconds that a run would take, from the shipped run of its family."""
    kind = FAMILIES[spec.family]
    known = RunSpec.of_preset(spec.family, next(iter(kind.presets)), "fashion_mnist")
    run = shelf.finished(known)
    return estimated_seconds(spec, run) if run else 0.0
