"""What a task is: anything that can be asked for, queued, measured once, and kept."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from genlib.runs.spec import RunSpec
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace


@runtime_checkable
class Task(Protocol):
    """A run, a study, a classifier or a download: frozen settings that decide its result.

    Attributes:
        version: of what it measures; it rises where the same settings give another result.
    """

    version: ClassVar[int]

    @property
    def fingerprint(self) -> str:
        """Its name, and that of its result: SHA-256 of the settings and the version."""

    @property
    def prerequisites(self) -> Sequence[RunSpec]:
        """The runs that must be finished before it can begin."""

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is; the files of the last progress are the result.

        Args:
            workspace: where it works.
            files: of an earlier attempt's last resumable progress; empty for the first attempt.

        Raises:
            TaskError: it cannot go on.
        """

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long it takes; None where nothing like it was measured."""

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """Return the settings as JSON."""


@runtime_checkable
class Study(Task, Protocol):
    """A task with a name of its own, which is in its document; a run has none."""

    @property
    def study(self) -> str:
        """The name, such as "health"."""
