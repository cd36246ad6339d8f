"""A task that a command performs here: how far it is, as a bar or as documents."""

import json
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import CliToggleFlag

from genlib.cli.output import Command, Documents
from genlib.runs.store import open_store
from genlib.settings import Settings

if TYPE_CHECKING:
    from genlib.tasks.task import Task


class Performing(Command):
    """A command that performs a task, unless its result is in the store."""

    again: CliToggleFlag[bool] = Field(
        False, description="Compute it even where its result is here already."
    )

    def performed(self, task: "Task", title: str, *, terminal: bool) -> Documents:
        """Perform a task and yield its signs of life; on a terminal draw a bar instead."""
        from genlib.front import perform, progress_bar  # with torch, which --help does without
        from genlib.tasks.progress import Reporter

        steps = perform(task, again=self.again)
        if terminal:
            progress_bar(steps, title)
            return
        messages: list[str] = []
        reporter = Reporter(messages.append)
        for progress in steps:
            reporter.report(progress)
            yield from map(json.loads, messages)
            messages.clear()

    def already_there(self, task: "Task") -> dict[str, str]:
        """Return a note that nothing is computed, where the result is in the store."""
        store = open_store(Settings())
        if self.again or not store.has_run(task.fingerprint):
            return {}
        origin = "came with genlib" if store.is_shipped(task.fingerprint) else "was made before"
        return {
            "note": f"Nothing was computed now: this result {origin}. --again computes it anew."
        }
