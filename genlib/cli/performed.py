"""A task that a command performs here: how far it is, as a bar or as documents."""

import json

from genlib.cli.output import Documents
from genlib.front import perform, progress_bar
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.tasks.progress import Reporter
from genlib.tasks.task import Task


def performed(task: Task, title: str, *, terminal: bool) -> Documents:
    """Perform a task and yield its signs of life; on a terminal draw a bar instead."""
    if terminal:
        progress_bar(perform(task), title)
        return
    messages: list[str] = []
    reporter = Reporter(messages.append)
    for progress in perform(task):
        reporter.report(progress)
        yield from map(json.loads, messages)
        messages.clear()


def already_there(task: Task) -> dict[str, str]:
    """Return a note that nothing is done now, where the result is in the store; else nothing."""
    store = open_store(Settings())
    if not store.has_run(task.fingerprint):
        return {}
    origin = "came with genlib" if store.is_shipped(task.fingerprint) else "was made before"
    return {"note": f"Nothing was computed now: this result {origin}. --seed 1 makes another."}
