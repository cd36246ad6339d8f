"""Where a task works: the finished runs that it may begin with, and the device."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from safetensors.torch import load, save

from genlib.errors import TaskError
from genlib.runs.run import Run, perform, snapshots_from_tensors, snapshots_to_tensors
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.training.events import Checkpoint, Diverged, Snapshot, Step

UNTRAINED = "The model that this begins with is not trained yet: train it."


@dataclass(frozen=True, slots=True)
class Workspace:
    """The store and the device of a task."""

    store: Store
    device: torch.device

    def run(self, spec: RunSpec) -> Run:
        """Return a finished run, its model on the device.

        Raises:
            TaskError: it is not in the store.
        """
        files = self.store.read_run(spec.fingerprint)
        if files is None:
            raise TaskError(UNTRAINED)
        run = Run.from_files(files)
        run.family.to(self.device)
        return run

    def training(self, spec: RunSpec, files: Files) -> Iterator[Progress]:
        """Yield the progress of training a run, at last with the files of the run.

        Args:
            spec: the run.
            files: of a checkpoint, to go on from there; empty to begin.

        Raises:
            TaskError: it diverged, and begins anew when it is asked for again; or the run that it
                begins with is not in the store.
        """
        state = load(files["state.safetensors"]) if files else None
        earlier = snapshots_from_tensors(files["snapshots.safetensors"]) if files else []
        snapshots = {snapshot.step: snapshot for snapshot in earlier}
        steps = spec.steps
        parent = None if spec.parent is None else self.run(spec.parent).family.cpu()
        for event in perform(spec, self.device, state, tuple(earlier), parent):
            match event:
                case Step(step, _, _, curve):
                    yield Progress(
                        step,
                        steps,
                        resumable=False,
                        batch_size=spec.batch_size,
                        read_curve=partial(curve.read, step),
                    )
                case Snapshot(step):
                    snapshots[step] = event
                    yield Progress(step, steps, _shown(snapshots), resumable=False)
                case Checkpoint(step, state):
                    checkpoint = _shown(snapshots) | {"state.safetensors": save(state)}
                    yield Progress(step, steps, checkpoint)
                case Diverged():
                    self.store.forget_partials(spec.fingerprint)
                    raise TaskError(event.sentence)
                case Run():
                    yield Progress(steps, steps, event.to_files(), resumable=False)

    def train(self, spec: RunSpec, parts: int) -> Iterator[int]:
        """Train a run and keep it, yielding now and then how many of `parts` are done.

        One that is finished is not trained again.

        Raises:
            TaskError: it diverged.
        """
        if self.store.read_run(spec.fingerprint) is not None:
            return
        part = 0
        for progress in spec.perform(self, {}):
            if progress.step * parts // progress.steps > part:
                part = progress.step * parts // progress.steps
                yield part
        self.store.write_run(spec.fingerprint, progress.files)

    def seconds(self, spec: RunSpec) -> float:
        """Return about how many seconds a run takes where its family's shipped run was trained.

        Raises:
            TaskError: there is no such run.
        """
        seconds = Durations(self.store).of_run(spec)
        if seconds is None:
            raise TaskError(UNTRAINED)
        return seconds


def _shown(snapshots: dict[int, Snapshot]) -> Files:
    return {"snapshots.safetensors": snapshots_to_tensors(list(snapshots.values()))}
