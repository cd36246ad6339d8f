"""Asking the queue: every failure of it becomes a sentence on the page."""

import hashlib
import secrets
from functools import partial

import streamlit as st

from genlib.jobs import Job, JobProgress, QueueUnavailableError
from genlib.tasks.task import Task
from ui import cache
from ui.server import workers
from ui.server.student import COOKIE, FORM
from ui.widgets.elements import Badge

WAITING = ("queued", "training")


def job_of(task: Task) -> Job | None:
    """Return the job of a run or a study, or None where nobody asked for it."""
    try:
        return cache.jobs().job(task.fingerprint)
    except QueueUnavailableError as error:
        st.warning(str(error))
        return None


def lives(job: Job | None) -> bool:
    """Return whether a job waits or is at work."""
    return job is not None and job.state in WAITING


def progress_of(task: Task) -> JobProgress | None:
    """Return how far a job is, or None before its first sign of life."""
    try:
        return cache.jobs().progress(task.fingerprint)
    except QueueUnavailableError:
        return None


def submit(task: Task, seconds: float) -> None:
    """Ask for it, which takes about so long (0: nobody knows), and draw the page anew."""
    if ask_for(task, seconds):
        st.rerun()


def ask_for(task: Task, seconds: float) -> bool:
    """Ask for it, which takes about so long; return whether the queue took it, or say why not."""
    try:
        cache.jobs().submit(task, student(), seconds)
    except QueueUnavailableError as error:
        st.error(str(error))
        return False
    return True


def student() -> str:
    """Return a name for this browser, from which nobody learns the cookie that it is known by.

    Where the browser keeps no cookie, a session is a student.
    """
    cookie = st.context.cookies.get(COOKIE)
    if not isinstance(cookie, str) or not FORM.fullmatch(cookie):
        cookie = st.session_state.setdefault("student", secrets.token_hex(16))
    return hashlib.sha256(cookie.encode()).hexdigest()[:16]


def waiting(job: Job) -> str:
    """Return how long a job that does not train yet has to wait, in words."""
    if not job.ahead:
        return "Starting"
    text = f"Waiting: {job.ahead} before this one"
    text += f", {about(job.wait)}" if job.wait is not None else ""
    return text + (f"; done in {about(job.ends)}" if job.ends is not None else "")


def warn_of_trouble() -> None:
    """Say so where nothing can be trained: the worker does not stay alive, say."""
    if sentence := workers.trouble():
        st.warning(sentence, icon=":material/error:")


def about(seconds: float) -> str:
    """Return a length of time in words."""
    return "about " + (f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min")


def stop_button(task: Task, job: Job, key: str) -> None:
    """Draw the button that stops a job, for who asked for it; who else opens its link watches."""
    if job.student == student():
        st.button("Stop", key=key, on_click=partial(_stop, task), icon=":material/stop:")
    else:
        st.caption("Somebody else asked for this. You may watch or leave; it goes on either way.")


def _stop(task: Task) -> None:
    try:
        cache.jobs().stop(task.fingerprint)
    except QueueUnavailableError as error:
        st.error(str(error))


def remember(task: Task) -> None:
    """Note that this visitor asked for it, though another one's press may have come first."""
    st.session_state[f"mine-{task.fingerprint}"] = True


def badge(task: Task) -> Badge:
    """Return the badge that says where a finished result comes from."""
    if st.session_state.get(f"mine-{task.fingerprint}"):
        return Badge("trained here", "green", "check")
    if cache.store().is_shipped(task.fingerprint):
        return Badge("shipped", "blue", "inventory_2")
    return Badge("replayed", "violet", "replay")
