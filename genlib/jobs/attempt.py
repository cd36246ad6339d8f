"""One attempt at a task: goes on from what an earlier one kept, and keeps what comes of it.

It may be ended at any moment. Begun again, the task goes on from its last checkpoint; one that
ended its process three times without getting any further is set aside.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import torch

from genlib import device as devices
from genlib.errors import TaskError
from genlib.jobs.client import LONGEST
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store, StoreFullError
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress, Reporter
from genlib.tasks.result import Measurement
from genlib.tasks.task import Study, Task
from genlib.tasks.workspace import Workspace

log = logging.getLogger(__name__)

MEASURING = 20.0  # seconds of a run after which it is known how long all of it takes
DEATHS = 3  # times that a task may kill its worker without getting any further


class Attempt:
    """An attempt at a task.

    Args:
        store: where its result is kept, and its checkpoints until then.
        device: where it computes.
        task: what was asked for.
        again: whether its result takes the place of one that is in the store already.
    """

    def __init__(
        self, store: Store, device: torch.device, task: Task, *, again: bool = False
    ) -> None:
        self.store, self.device, self.task, self.again = store, device, task, again
        self.name = task.fingerprint
        self.timed = False

    def progress(self) -> Iterator[Progress]:
        """Yield how far the task is; after the last one its result is in the store.

        Raises:
            TaskError: it cannot go on, or was set aside.
            StoreFullError: what came of it could not be kept.
            torch.OutOfMemoryError: the model is too large for the device.
        """
        step, files = self.store.read_partial(self.name, "checkpoint") or (-1, {})
        if not self._may_try(step):
            self.store.forget_partials(self.name)
            raise TaskError(
                f"This run stopped the training process {DEATHS} times and was set aside. "
                "Choose a smaller network or a smaller batch."
            )
        began = time.perf_counter() - _seconds(files)
        with devices.fixed_threads(), devices.current(self.device):
            for progress in self.task.perform(Workspace(self.store, self.device), files):
                files = progress.files | self._record(time.perf_counter() - began)
                self._keep(progress, files)
                yield progress
        self.store.write_run(self.name, files, replace=self.again)

    def run(self, stopped: threading.Event, send: Callable[[str], None]) -> None:
        """Work to the end or until `stopped`, and send signs of life.

        Raises:
            TaskError, StoreFullError, torch.OutOfMemoryError: see `progress`.
        """
        reporter = Reporter(send)
        for progress in self.progress():
            reporter.report(progress)
            self._time(progress, reporter)
            if stopped.is_set() and progress.step < progress.steps:
                self.reset_attempts()
                return

    def _time(self, progress: Progress, reporter: Reporter) -> None:
        """Note how long a run takes here, early and at its end, for the estimates to come.

        Raises:
            TaskError: it takes far too long for a shared server, as nobody knew before.
        """
        if not isinstance(self.task, RunSpec) or reporter.first is None:
            return
        first, began = reporter.first
        seconds, steps = time.perf_counter() - began, progress.step - first
        early = not self.timed and seconds > MEASURING
        if not steps or not (early or progress.step == progress.steps):
            return
        self.timed = True
        with suppress(StoreFullError):
            share = steps / progress.steps
            Durations(self.store).note(self.task, seconds, devices.name(self.device), share)
        if seconds / steps * (progress.steps - progress.step) > 2 * LONGEST:
            raise TaskError(
                "This run takes too long for a shared server: "
                "take fewer epochs or a smaller network."
            )

    def _keep(self, progress: Progress, files: Files) -> None:
        """Write what the task can go on from, or what may be shown until its next checkpoint."""
        if progress.resumable:
            self.store.write_partial(self.name, "checkpoint", progress.step, files)
        elif progress.files and progress.step < progress.steps:
            self.store.write_partial(self.name, "snapshots", progress.step, files)

    def _record(self, seconds: float) -> Files:
        """Return what a study's bundle says of itself; a run's own files say it."""
        if not isinstance(self.task, Study):
            return {}
        measurement = Measurement(seconds=seconds, device=devices.name(self.device))
        return {
            "made.json": measurement.to_json(),
            "study.json": self.task.model_dump_json(indent=1).encode(),
        }

    def reset_attempts(self) -> None:
        """Count no attempt: this one did not end its process."""
        self.store.write_partial(self.name, "attempt", 0, {})

    def _may_try(self, checkpoint: int) -> bool:
        """Count the attempts that began at this checkpoint; more than DEATHS are too many."""
        _, files = self.store.read_partial(self.name, "attempt") or (0, {})
        began, count = json.loads(files.get("attempt.json", b"[null, 0]"))
        count = count + 1 if began == checkpoint else 1
        content = json.dumps([checkpoint, count]).encode()
        self.store.write_partial(self.name, "attempt", 0, {"attempt.json": content})
        return bool(count <= DEATHS)


def _seconds(files: Files) -> float:
    """Return how long earlier attempts at a study took, by the files of its checkpoint."""
    content = files.get("made.json")
    return 0.0 if content is None else Measurement.from_json(content).seconds


def explained(
    attempt: Attempt, stopped: threading.Event, send: Callable[[str], None]
) -> str | None:
    """Return None, or what went wrong in one sentence; its traceback goes into the log.

    Raises:
        torch.AcceleratorError: the GPU computes no more for this process, which has to end.
    """
    sentence = None
    try:
        attempt.run(stopped, send)
    except torch.AcceleratorError:
        raise
    except Exception as error:
        with suppress(StoreFullError):
            attempt.reset_attempts()
        sentence = _sentence(error, attempt)
    if sentence is not None:  # now that nothing holds what the broken attempt computed
        torch.cuda.empty_cache()
    return sentence


def _sentence(error: Exception, attempt: Attempt) -> str:
    if isinstance(error, TaskError):
        return str(error)
    if isinstance(error, StoreFullError):
        log.warning("disk full: %s", error)
        return "The server's disk is full, so the run could not be kept; nothing else is lost."
    if isinstance(error, torch.OutOfMemoryError):
        return "The model does not fit the GPU's memory; lower the batch size or the units."
    if attempt.device.type == "mps" and "MPS" in str(error):
        log.warning("an Apple GPU refuses %s: %s", attempt.name, error)
        return (
            "Apple's GPU cannot compute a part of this model. "
            "The server trains it on the CPU once its operator sets GENLIB_DEVICE=cpu."
        )
    number = uuid.uuid4().hex[:8]
    log.error("error %s in run %s", number, attempt.name, exc_info=error)
    return f"Something went wrong in the training process (error {number}); it is in the log."
