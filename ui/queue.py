"""Asking the queue: every failure of it becomes a sentence on the page."""

import streamlit as st

from genlib.jobs import Job, Progress, QueueUnavailableError
from genlib.studies import Task
from ui import shelf

WAITING = ("queued", "training")
LONGEST = 20 * 60  # seconds: what would take longer is not started


def job_of(task: Task) -> Job | None:
    """Return the job of a run or a study, or None where nobody asked for it."""
    try:
        return shelf.shelf().jobs.job(task.fingerprint)
    except QueueUnavailableError as error:
        st.warning(str(error))
        return None


def lives(job: Job | None) -> bool:
    """Return whether a job waits or is at work."""
    return job is not None and job.state in WAITING


def progress_of(task: Task) -> Progress | None:
    """Return how far a job is, or None before its first sign of life."""
    try:
        return shelf.shelf().jobs.progress(task.fingerprint)
    except QueueUnavailableError:
        return None


def submit(task: Task) -> None:
    """Ask for it, and draw the page anew."""
    try:
        shelf.shelf().jobs.submit(task)
    except QueueUnavailableError as error:
        st.error(str(error))
        return
    st.rerun()


def stop(task: Task) -> None:
    """Ask for the job to be stopped; for a button's `on_click`."""
    try:
        shelf.shelf().jobs.stop(task.fingerprint)
    except QueueUnavailableError as error:
        st.error(str(error))


def remember(task: Task) -> None:
    """Note that this visitor asked for it, though another one's press may have come first."""
    st.session_state[f"mine-{task.fingerprint}"] = True


def badge(task: Task) -> tuple[str, str, str]:
    """Return (words, colour, icon) that say where a finished result comes from."""
    if st.session_state.get(f"mine-{task.fingerprint}"):
        return "trained here", "green", "check"
    if shelf.shelf().store.is_shipped(task.fingerprint):
        return "shipped", "blue", "inventory_2"
    return "replayed", "violet", "replay"


def headline(badge: tuple[str, str, str], text: str) -> None:
    """Draw a badge and a sentence beside it."""
    name, colour, icon = badge
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(name, color=colour, icon=f":material/{icon}:")
        st.markdown(text)
