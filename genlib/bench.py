"""Where a study works: the finished runs that it may begin with, and the device."""

from dataclasses import dataclass

import torch

from genlib.runs import Run, RunSpec
from genlib.store import Store


class StudyError(Exception):
    """A study cannot go on; the message is for the student."""


@dataclass(frozen=True, slots=True)
class Bench:
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
