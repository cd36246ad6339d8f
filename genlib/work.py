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
from genlib.bench import Bench, StudyError
from genlib.curve import Row
from genlib.data import DatasetUnavailableError
from genlib.events import Checkpoint, Diverged, Snapshot, Step
from genlib.runs import (
    Moment,
    Run,
    RunSpec,
    moments_from_tensors,
    moments_to_tensors,
    perform,
)
from genlib.store import Store, StoreFullError
from genlib.studies import Study, Task

log = logging.getLogger(__name__)

DEATHS = 3  # times that a job may kill its worker without getting any further
REPORT = 0.4  # seconds between two signs of life, at the start


class Reporter:
    """Sends a job's progress: now and then, and each row of the curve once.

    Args:
        batch_size: pictures of a step.
        send: takes a message, JSON.
    """

    def __init__(self, batch_size: int, send: Callable[[str], None]) -> None:
        self.batch_size, self.send = batch_size, send
        self.first: tuple[int, float] | None = None  # the first step, which warms up, and when
        self.next = 0.0
        self.sent: set[int] = set()

    def report(self, step: int, steps: int, read: Callable[[], list[Row]]) -> None:
        """Send what is new, if it is time to; `read` fetches the curve so far."""
        now = time.perf_counter()
        if self.first is None:
            self.first = step, now
        start, began = self.first
        if now - began < self.next and step < steps:
            return
        self.next = now - began + max(REPORT, (now - began) / 100)
        curve = read()
        final = curve if step == steps else curve[:-1]
        rows = [row for row in final if row.step not in self.sent]
        self.sent |= {row.step for row in rows}
        pace = (step - start) / (now - began) if step > start else 0.0
        message = {
            "step": step,
            "steps": steps,
            "images_per_second": pace * self.batch_size,
            "seconds_left": (steps - step) / pace if pace else None,
            "rows": [row._asdict() for row in rows],
        }
        self.send(json.dumps(message))


class Work:
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
        self.moments: dict[int, Moment] = {}

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
        for moment in moments_from_tensors(files["snapshots.safetensors"]) if files else []:
            self.moments[moment.step] = moment
        reporter = Reporter(spec.train.batch_size, self.send)
        for event in perform(spec, self.device, state, tuple(self.moments.values())):
            if isinstance(event, Diverged):
                self.store.forget_partials(self.name)
                return event.sentence
            if isinstance(event, Step):
                step, curve = event.step, event.curve
                reporter.report(step, event.steps, lambda: curve.read(step))  # noqa: B023
                if stopped.is_set():
                    self.forgive()
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
            self.moments[event.step] = Moment(event.step, event.figures, event.images)
        pictures = {"snapshots.safetensors": moments_to_tensors(list(self.moments.values()))}
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
        for event in study.perform(Bench(self.store, self.device), files):
            seconds = before + time.perf_counter() - began
            made = {"seconds": seconds, "device": devices.name(self.device)}
            files = event.files | {
                "made.json": json.dumps(made).encode(),
                "study.json": study.model_dump_json(indent=1).encode(),
            }
            self.store.write_partial(self.name, "checkpoint", event.step, files)
            reporter.report(event.step, event.steps, list)
            if stopped.is_set():
                self.forgive()
                return None
        self.store.write_run(self.name, files)
        return None

    def forgive(self) -> None:
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


def explained(work: Work, stopped: threading.Event) -> str | None:
    """Run the work; turn whatever goes wrong into one sentence, its traceback into the log."""
    sentence = _sentence(work, stopped)
    if sentence:
        with suppress(StoreFullError):
            work.forgive()
    return sentence


def _sentence(work: Work, stopped: threading.Event) -> str | None:
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
