"""Where a study works: the finished runs that it may begin with, and the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from genlib.runs.cost import estimated_seconds
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.training.events import Diverged, Step


class StudyError(Exception):
    """A study cannot go on; the message is for the student."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The store and the device of a study."""

    store: Store
    device: torch.device

    def run(self, spec: RunSpec) -> Run:
        """Return a finished run, its model on the device.

        Raises:
            StudyError: it is not in the store.
        """
        files = self.store.read_run(spec.fingerprint)
        if files is None:
            raise StudyError("The model that this begins with is not trained yet: train it.")
        run = Run.from_files(files)
        run.family.to(self.device)
        return run

    def train(self, spec: RunSpec, parts: int) -> Iterator[int]:
        """Train a run and keep it, yielding now and then how many of `parts` are done.

        One that is finished is not trained again.

        Raises:
            StudyError: it diverged.
        """
        if self.store.read_run(spec.fingerprint) is not None:
            return
        told = 0
        for event in perform(spec, self.device):
            if isinstance(event, Diverged):
                raise StudyError(event.sentence)
            if isinstance(event, Run):
                self.store.write_run(spec.fingerprint, event.to_files())
            if isinstance(event, Step) and event.step * parts // event.steps > told:
                told = event.step * parts // event.steps
                yield told

    def price(self, spec: RunSpec) -> float:
        """Return about how many seconds a run takes where its family's shipped run was trained.

        Raises:
            StudyError: there is no such run.
        """
        return estimated_seconds(spec, self.run(RunSpec.of_preset(spec.family)))
