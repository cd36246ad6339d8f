"""What a comparison shows of a run: its last pictures, its training curve and its figures.

A run that is only compared with others ships as its summary, without weights and without the
pictures of its training: a tenth of the bytes. Trained here, it is a whole run again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from genlib.runs.run import (
    Provenance,
    Run,
    curve_from_json,
    curve_to_json,
    snapshots_from_tensors,
    snapshots_to_tensors,
)
from genlib.runs.spec import RunSpec
from genlib.studies.starts import StudyOfRun
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace
from genlib.training.curve import Row
from genlib.training.events import Snapshot


@dataclass(frozen=True)
class RunSummary:
    """A finished run without its weights."""

    spec: RunSpec
    snapshot: Snapshot  # the last one
    curve: list[Row]
    provenance: Provenance

    @classmethod
    def of_run(cls, run: Run) -> "RunSummary":
        """Return the summary of a finished run."""
        return cls(run.spec, run.snapshots[-1], run.curve, run.provenance)


class Summary(StudyOfRun):
    """The last pictures, the training curve and the figures of a run."""

    study: Literal["summary"] = "summary"

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the summary of the finished run."""
        summary = RunSummary.of_run(workspace.run(self.start))
        files = {
            "provenance.json": summary.provenance.model_dump_json(indent=1).encode(),
            "history.jsonl": curve_to_json(summary.curve),
            "snapshots.safetensors": snapshots_to_tensors([summary.snapshot]),
        }
        yield Progress(1, 1, files)

    def read(self, files: Files) -> RunSummary:
        """Return the summary of the files of `perform`."""
        (snapshot,) = snapshots_from_tensors(files["snapshots.safetensors"])
        curve = curve_from_json(files["history.jsonl"])
        provenance = Provenance.model_validate_json(files["provenance.json"])
        return RunSummary(self.start, snapshot, curve, provenance)
