"""The panel of a run: what its model makes now, its losses, and the button that trains it."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from genlib.config import MOST_SEED, differences
from genlib.data import DATASETS, DatasetUnavailableError, download_fraction
from genlib.data.dataset import Dataset
from genlib.jobs import LONGEST, Job
from genlib.models import FAMILIES
from genlib.runs.run import Run, snapshots_from_tensors
from genlib.runs.spec import RunSpec
from genlib.studies.summary import RunSummary
from genlib.training.events import Snapshot
from ui import cache
from ui.controls import record_views
from ui.links import number
from ui.runs import knobs, preview, queue
from ui.runs.measured_fid import measured_fid
from ui.runs.queue import lives
from ui.runs.side_by_side import moved
from ui.runs.training_curves import training_curves
from ui.widgets.elements import Badge, headline

record_views("rewind")

ACTION, CONTROLS = 76, 76  # pixels


def opening(family: str) -> tuple[RunSpec, Run | None]:
    """Draw the run that a family's knobs ask for and, beside it, the knobs; return both.

    On a phone the run stands above the knobs. Where that run is not trained yet, the last finished
    one that this visitor saw is returned in its place: a moved knob takes nothing away.
    """
    left, right = st.columns([2, 1], gap="large")
    with right:
        spec = knobs.knobs(family)
    with left:
        return spec, run_panel(spec)


def run_panel(spec: RunSpec) -> Run | None:
    """Draw the panel of a run, live while it trains; return it or the last one that was finished.

    Both are None where neither is there.
    """
    run = cache.finished(spec)
    last = f"{spec.family}-last"
    if run is not None:
        st.session_state[last] = spec.fingerprint
    before = _finished_before(st.session_state.get(last, ""), spec) if run is None else None
    alive = run is None and lives(queue.job_of(spec))
    st.fragment(_panel, run_every=1.0 if alive else None)(spec, run, before, alive=alive)
    return run or before


def _finished_before(name: str, spec: RunSpec) -> Run | None:
    """Return the run of that name, if it is of the same data as the one that is asked for."""
    earlier = cache.spec_of(name)
    same = earlier is not None and earlier.dataset == spec.dataset
    return cache.finished(earlier) if earlier is not None and same else None


def _panel(spec: RunSpec, run: Run | None, before: Run | None, *, alive: bool) -> None:
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
    elif before is not None and not snapshots:
        _changed(spec, job, before, data)
    else:
        _untrained(spec, job, snapshots, data)


def _finished(spec: RunSpec, run: Run, data: Dataset | None) -> None:
    headline(queue.badge(spec), _merits(spec, run.provenance.metrics))
    _train_another(spec)
    kind = DATASETS[spec.dataset].kind
    if kind == "pictures":
        preview.training(run, data, _rewound(spec.family))
    else:  # points move in the picture itself
        preview.draw(spec, data, run.snapshots)
    if kind == "points":  # too few to keep some aside
        st.caption("All points are training points, so each MSE here is the training error.")
    last = run.snapshots[-1].step
    training_curves(spec, run.curve, run.snapshots, last, run.provenance.metrics)


def _rewound(family: str) -> float:
    """Return the share of the training at which a link says that the film rests; the end is 1."""
    percent = number(st.query_params.get(f"{family}.rewind", ""))
    return 1.0 if percent is None else min(max(percent / 100, 0.0), 1.0)


def _merits(spec: RunSpec, metrics: Mapping[str, float]) -> str:
    """Return the figures of merit of a run: its samples' FID first, where that was measured."""
    return f"{measured_fid(spec)} {FAMILIES[spec.family].headline(metrics)}".strip()


def _training(spec: RunSpec, job: Job, snapshots: list[Snapshot], data: Dataset | None) -> None:
    progress = queue.progress_of(spec)
    headline(Badge("training", "orange", "progress_activity"), "The pictures below are live.")
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
    if not share:
        queue.warn_of_trouble()
    with _action():
        st.progress(share, text)
        queue.stop_button(spec, job, f"{spec.family}-stop")
    preview.draw(spec, data, snapshots[-1:] or preview.first_snapshot(spec, data))
    _controls()
    steps = progress.steps if progress else 1
    training_curves(spec, progress.curve if progress else [], snapshots, steps)


def _summarized(spec: RunSpec, job: Job | None, summary: RunSummary, data: Dataset | None) -> None:
    """Draw a run that ships without its weights: its end, and the button that trains it anew."""
    provenance = summary.provenance
    last = summary.snapshot
    badge = Badge("shipped", "blue", "inventory_2")
    headline(badge, _merits(spec, provenance.metrics))
    _train_button(spec, job, cache.seconds(spec))
    preview.draw(spec, data, [last])
    with _controls():
        st.caption("This result ships without its model. Train it to look inside.")
    training_curves(spec, summary.curve, [last], last.step, provenance.metrics)


def _changed(spec: RunSpec, job: Job | None, before: Run, data: Dataset | None) -> None:
    """Draw the run before the knobs were moved, dimmed, what changed, and the button to train."""
    apart = differences(before.spec, spec)
    changes = "; ".join(f"{each.title} {moved(each)}" for each in apart)
    headline(Badge("not trained yet", "gray", "radio_button_unchecked"), f"**{changes}**")
    _train_button(spec, job, cache.seconds(spec))
    with st.container(key=f"dimmed-{spec.family}"):
        preview.draw(before.spec, data, before.snapshots)
    with _controls():
        st.caption("Until then the pictures and all parts of the lesson show the run before.")
    training_curves(before.spec, before.curve, before.snapshots, before.snapshots[-1].step)


def _untrained(
    spec: RunSpec, job: Job | None, snapshots: list[Snapshot], data: Dataset | None
) -> None:
    seconds = cache.seconds(spec)
    stopped = job is not None and job.state == "stopped"
    if stopped:
        headline(Badge("stopped", "gray", "pause"), "Train goes on from where it stopped.")
    else:
        headline(Badge("not trained yet", "gray", "radio_button_unchecked"), "Weights are random.")
    _train_button(spec, job, seconds)
    preview.draw(spec, data, snapshots[-1:] or preview.first_snapshot(spec, data))
    _controls()
    progress = queue.progress_of(spec) if stopped else None
    training_curves(
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
    hint = None if seconds else "How long it takes on this machine is not measured yet."
    if _pressed("Train", f"{spec.family}-train", seconds, hint, partial(queue.remember, spec)):
        queue.submit(spec, seconds)


def _train_another(spec: RunSpec) -> None:
    """Draw the button that trains the same recipe from the next seed, which becomes the knob's."""
    seed = (spec.train.seed + 1) % (MOST_SEED + 1)
    train = spec.train.model_copy(update={"seed": seed})
    another = spec.model_copy(update={"train": train})
    seconds = cache.seconds(another)
    hint = f"The same recipe from seed {seed}: other random weights, so another model."
    ask = partial(_ask_for, another, seconds)
    if _pressed("Train your own", f"{spec.family}-train-another", seconds, hint, ask):
        st.rerun()  # the knobs have changed too, outside of this fragment


def _pressed(
    label: str, key: str, seconds: float, hint: str | None, on_click: Callable[[], None]
) -> bool:
    """Draw a button above the picture, with what it costs; return whether it is pressed."""
    with _action():
        return st.button(
            f"{label}, {queue.about(seconds)}" if seconds else label,
            key=key,
            type="primary",
            icon=":material/play_arrow:",
            disabled=seconds > LONGEST,
            help=hint,
            on_click=on_click,
        )


def _ask_for(spec: RunSpec, seconds: float) -> None:
    """Ask for a run and set the knobs to it."""
    queue.remember(spec)
    if queue.ask_for(spec, seconds):
        knobs.apply_spec(spec)


def _action() -> DeltaGenerator:
    """Return the row above the picture, for a button; its height never changes."""
    return st.container(
        height=ACTION, border=False, horizontal=True, vertical_alignment="center", gap="medium"
    )


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


def _snapshots(spec: RunSpec) -> list[Snapshot]:
    part = cache.store().read_partial(spec.fingerprint, "snapshots")
    return [] if part is None else snapshots_from_tensors(part[1]["snapshots.safetensors"])
