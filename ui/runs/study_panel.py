"""A study on the page: its result while it is measured and after, and the button that asks."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from genlib.jobs import LONGEST, Job
from genlib.tasks.result import Measurement
from genlib.tasks.task import Study
from ui import cache
from ui.runs import queue
from ui.runs.queue import lives
from ui.widgets.elements import headline

Files = Mapping[str, bytes]


def study_panel(study: Study, press: str, draw: Callable[[Files], None], unit: str = "") -> None:
    """Draw a study: what is known of it by `draw`, and the button `press` where it is due.

    Its progress is counted in `unit`, such as " kB".
    """
    name = study.fingerprint
    alive = not cache.store().has_run(name) and lives(queue.job_of(study))
    st.fragment(_panel, run_every=1.0 if alive else None)(study, press, draw, unit, alive=alive)


def _panel(
    study: Study, press: str, draw: Callable[[Files], None], unit: str, *, alive: bool
) -> None:
    """Draw the panel; a fragment, so that its clock reruns nothing else."""
    done = cache.measured(study)
    if done is not None:
        if alive:
            st.rerun()
        measurement = Measurement.from_json(done["made.json"])
        sentence = f"Measured in {measurement.seconds:.0f} s on {measurement.device}."
        headline(queue.badge(study), sentence)
        draw(done)
        return
    job = queue.job_of(study)
    if alive != lives(job):
        st.rerun()
    part = cache.store().read_partial(study.fingerprint, "checkpoint")
    if job is not None and lives(job):
        _at_work(study, job, unit)
    else:
        _ask(study, press, job.sentence if job is not None else "")
    if part is not None:
        draw(part[1])


def _at_work(study: Study, job: Job, unit: str) -> None:
    progress = queue.progress_of(study)
    text = queue.waiting(job)
    share = 0.0
    if progress is not None and not job.ahead:
        left = progress.seconds_left
        text = f"{progress.step:,} of {progress.steps:,}{unit}"
        text += f", {left:.0f} s left" if left is not None else ""
        share = progress.step / progress.steps
    else:
        queue.warn_of_trouble()
    st.progress(share, text)
    queue.stop_button(study, job, f"stop-{study.study}-{study.fingerprint[:8]}")


def _ask(study: Study, press: str, sentence: str) -> None:
    """Draw the button, or say what must be there before it."""
    if sentence:
        st.error(sentence, icon=":material/error:")
    ready = all(cache.store().has_run(spec.fingerprint) for spec in study.prerequisites)
    if not ready:
        st.info("Train the model first; then this can be measured.", icon=":material/info:")
    queue.warn_of_trouble()
    seconds = cache.seconds(study)
    label = f"{press}, about {seconds:.0f} s" if seconds else press
    long = seconds > LONGEST
    if long:
        st.warning("Too long for a shared server: choose less to train.")
    pressed = st.button(
        label,
        key=f"measure-{study.study}-{study.fingerprint[:8]}",
        icon=":material/play_arrow:",
        disabled=long or not ready,
        help=None if seconds else "How long it takes on this machine is not measured yet.",
        on_click=partial(queue.remember, study),
    )
    if pressed:
        queue.submit(study, seconds)
