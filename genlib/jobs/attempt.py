"""One job: trains a run or measures a study, and keeps what comes of it.

It may be ended at any moment. Begun again, it goes on from what it kept; a job that ended its
process three times without getting any further is set aside.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress

import torch
from safetensors.torch import load, save

from genlib import device as devices
from genlib.data import DatasetUnavailableError
from genlib.runs.run import Run, perform, snapshots_from_tensors, snapshots_to_tensors
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store, StoreFullError
from genlib.studies import Study, Task
from genlib.tasks.progress import Reporter
from genlib.tasks.workspace import StudyError, Workspace
from genlib.training.events import Checkpoint, Diverged, Snapshot, Step

log = logging.getLogger(__name__)

DEATHS = 3  # times that a job may kill its worker without getting any further


class Attempt:
    """One job, with what an earlier attempt at it kept.

    Args:
        store: where it keeps things.
        device: where it computes.
        task: what was asked for.
        send: takes signs of life.
    """

    def __init__(
        self, store: Store, device: torch.device, task: Task, send: Callable[[str], None]
    ) -> None:
        self.store, self.device, self.task, self.send = store, device, task, send
        self.name = task.fingerprint
        self.snapshots: dict[int, Snapshot] = {}

    def run(self, stopped: threading.Event) -> str | None:
        """Work to the end or until `stopped`; return None, or a sentence on what went wrong.

        Raises:
            StoreFullError, DatasetUnavailableError, StudyError, torch.OutOfMemoryError:
                see `explained`.
        """
        saved = self.store.read_partial(self.name, "checkpoint")
        number, files = saved if saved is not None else (-1, {})
        if not self._may_try(number):
            self.store.forget_partials(self.name)
            return (
                f"This run stopped the training process {DEATHS} times and was set aside. "
                "Choose a smaller network or a smaller batch."
            )
        if isinstance(self.task, RunSpec):
            return self._train(self.task, files, stopped)
        return self._measure(self.task, files, stopped)

    def _train(
        self, spec: RunSpec, files: dict[str, bytes], stopped: threading.Event
    ) -> str | None:
        state = load(files["state.safetensors"]) if files else None
        for snapshot in snapshots_from_tensors(files["snapshots.safetensors"]) if files else []:
            self.snapshots[snapshot.step] = snapshot
        reporter = Reporter(spec.train.batch_size, self.send)
        for event in perform(spec, self.device, state, tuple(self.snapshots.values())):
            if isinstance(event, Diverged):
                self.store.forget_partials(self.name)
                return event.sentence
            if isinstance(event, Step):
                step, curve = event.step, event.curve
                reporter.report(step, event.steps, lambda: curve.read(step))  # noqa: B023
                if stopped.is_set():
                    self.reset_attempts()
                    return None
            else:
                self._keep(event)
        return None

    def _keep(self, event: Snapshot | Checkpoint | Run) -> None:
        """Write to the store what is not to be lost."""
        if isinstance(event, Run):
            self.store.write_run(self.name, event.to_files())
            return
        if isinstance(event, Snapshot):
            self.snapshots[event.step] = event
        pictures = {"snapshots.safetensors": snapshots_to_tensors(list(self.snapshots.values()))}
        if isinstance(event, Snapshot):
            self.store.write_partial(self.name, "moments", event.step, pictures)
        else:
            files = pictures | {"state.safetensors": save(event.state)}
            self.store.write_partial(self.name, "checkpoint", event.step, files)

    def _measure(
        self, study: Study, files: dict[str, bytes], stopped: threading.Event
    ) -> str | None:
        reporter = Reporter(1, self.send)
        before = float(json.loads(files.get("made.json", b"{}")).get("seconds", 0))
        began = time.perf_counter()
        for event in study.perform(Workspace(self.store, self.device), files):
            seconds = before + time.perf_counter() - began
            made = {"seconds": seconds, "device": devices.name(self.device)}
            files = event.files | {
                "made.json": json.dumps(made).encode(),
                "study.json": study.model_dump_json(indent=1).encode(),
            }
            self.store.write_partial(self.name, "checkpoint", event.step, files)
            reporter.report(event.step, event.steps, list)
            if stopped.is_set():
                self.reset_attempts()
                return None
        self.store.write_run(self.name, files)
        return None

    def reset_attempts(self) -> None:
        """Count no attempt: this one did not end its process."""
        self.store.write_partial(self.name, "attempt", 0, {})

    def _may_try(self, checkpoint: int) -> bool:
        """Count the attempts that began at this checkpoint; more than DEATHS are too many."""
        earlier = self.store.read_partial(self.name, "attempt")
        files = earlier[1] if earlier is not None else {}
        began, count = json.loads(files.get("attempt.json", b"[null, 0]"))
        count = count + 1 if began == checkpoint else 1
        content = json.dumps([checkpoint, count]).encode()
        self.store.write_partial(self.name, "attempt", 0, {"attempt.json": content})
        return bool(count <= DEATHS)


def explained(work: Attempt, stopped: threading.Event) -> str | None:
    """Run the work; turn whatever goes wrong into one sentence, its traceback into the log."""
    sentence = _sentence(work, stopped)
    if sentence:
        with suppress(StoreFullError):
            work.reset_attempts()
    return sentence


def _sentence(work: Attempt, stopped: threading.Event) -> str | None:
    try:
        return work.run(stopped)
    except (DatasetUnavailableError, StudyError) as error:
        return str(error)
    except StoreFullError as error:
        log.warning("disk full: %s", error)
        return "The server's disk is full, so the run could not be kept; nothing else is lost."
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return "The model does not fit the GPU's memory; lower the batch size or the units."
    except Exception:
        number = uuid.uuid4().hex[:8]
        log.exception("error %s in run %s", number, work.name)
        return f"Something went wrong in the training process (error {number}); it is in the log."
