"""The process that trains: takes jobs from the queue, one at a time, on one device.

It may be killed at any moment. Started again, it goes on from the last checkpoint; a job that
killed it three times without getting any further is set aside.
"""

import fcntl
import json
import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import torch
from dbos import DBOS
from safetensors.torch import load, save
from sqlalchemy.exc import SQLAlchemyError

from genlib.config import Settings
from genlib.data import DatasetUnavailableError, default_dataset
from genlib.events import Checkpoint, Diverged, Snapshot, Step
from genlib.jobs import QUEUE, SERIALIZER, STREAM, VERSION, WORKFLOW
from genlib.models import FAMILIES
from genlib.runs import (
    Moment,
    Run,
    RunSpec,
    moments_from_tensors,
    moments_to_tensors,
    open_store,
    perform,
)
from genlib.store import Store, StoreFullError

log = logging.getLogger(__name__)

DEATHS = 3  # times that a job may kill its worker without getting any further
POLL = 0.25  # seconds between two looks whether somebody pressed Stop
KEPT = timedelta(days=7)  # for stopped runs to go on, and ended jobs to be read
REPORT = 0.4  # seconds between two signs of life, at the start of a run


class Reporter:
    """Writes a job's progress to its stream: now and then, and each row of the curve once."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.first: tuple[int, float] | None = None  # the first step, which warms up, and when
        self.next = 0.0
        self.sent: set[int] = set()

    def report(self, event: Step) -> None:
        """Send what is new, if it is time to."""
        now = time.perf_counter()
        if self.first is None:
            self.first = event.step, now
        step, began = self.first
        if now - began < self.next and event.step < event.steps:
            return
        self.next = now - began + max(REPORT, (now - began) / 100)
        curve = event.curve.read(event.step)
        final = curve if event.step == event.steps else curve[:-1]
        rows = [row for row in final if row.step not in self.sent]
        self.sent |= {row.step for row in rows}
        pace = (event.step - step) / (now - began) if event.step > step else 0.0
        message = {
            "step": event.step,
            "steps": event.steps,
            "images_per_second": pace * self.batch_size,
            "seconds_left": (event.steps - event.step) / pace if pace else None,
            "rows": [row._asdict() for row in rows],
        }
        DBOS.write_stream(STREAM, json.dumps(message))


class Work:
    """One job: trains, keeps what comes of it, and goes on from what an earlier attempt kept."""

    def __init__(self, store: Store, device: torch.device, spec: RunSpec) -> None:
        self.store, self.device, self.spec = store, device, spec
        self.name = spec.fingerprint
        self.moments: dict[int, Moment] = {}

    def run(self, stopped: threading.Event) -> str | None:
        """Train to the end or until `stopped`; return None, or a sentence on what went wrong.

        Raises:
            StoreFullError, DatasetUnavailableError, torch.OutOfMemoryError: see `explained`.
        """
        saved = self.store.read_partial(self.name, "checkpoint")
        number, files = saved if saved is not None else (-1, {})
        if not self._may_try(number):
            self.store.forget_partials(self.name)
            return (
                f"This run stopped the training process {DEATHS} times and was set aside. "
                "Choose a smaller network or a smaller batch."
            )
        state = load(files["state.safetensors"]) if files else None
        for moment in moments_from_tensors(files["snapshots.safetensors"]) if files else []:
            self.moments[moment.step] = moment
        reporter = Reporter(self.spec.train.batch_size)
        for event in perform(self.spec, self.device, state, tuple(self.moments.values())):
            if isinstance(event, Diverged):
                self.store.forget_partials(self.name)
                return event.sentence
            if isinstance(event, Step):
                reporter.report(event)
                if stopped.is_set():
                    self.store.write_partial(self.name, "attempt", 0, {})
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
    try:
        return work.run(stopped)
    except DatasetUnavailableError as error:
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


def serve(device: torch.device, settings: Settings) -> None:
    """Take jobs until the process ends. One worker serves a device: a second one waits."""
    socket.setdefaulttimeout(30)  # a download that stalls is given up
    settings.home.mkdir(parents=True, exist_ok=True)
    with _alone(device, settings):
        store = open_store(settings)
        store.forget_old(KEPT.total_seconds())
        training = threading.Lock()
        _warm_up(device)

        @DBOS.step()
        def step(text: str) -> str:
            work = Work(store, device, RunSpec.model_validate_json(text))
            with training, _watching(work.name) as stopped:
                done = store.read_run(work.name) is not None
                return json.dumps(None if done else explained(work, stopped))

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
        def train_run(text: str) -> str:
            try:
                return step(text)
            except SQLAlchemyError:  # a full disk, say: the next worker finds the job again
                log.exception("the queue takes no result; the worker starts again")
                os._exit(1)

        _launch(device, settings)
        log.warning("worker ready on %s", device)
        threading.Event().wait()


def _launch(device: torch.device, settings: Settings) -> None:
    """Connect to the queue, take up what a former process left, and forget what is old."""
    DBOS(
        config={
            "name": "genlib",
            "system_database_url": settings.queue_url,
            "application_version": VERSION,
            "executor_id": f"{settings.worker_name}:{device}",
            "log_level": "CRITICAL",
            "serializer": SERIALIZER,
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.2)
    before = (datetime.now(UTC) - KEPT).isoformat()
    old = DBOS.list_workflows(completed_before=before, load_input=False, load_output=False)
    DBOS.delete_workflows([item.workflow_id for item in old])


def _warm_up(device: torch.device) -> None:
    """Take one step of the first family, so that the first student waits for no import."""
    name, kind = next(iter(FAMILIES.items()))
    spec = RunSpec.of_preset(name, next(iter(kind.presets)), default_dataset())
    for event in perform(spec, device):
        if isinstance(event, Step):
            return


def exit_with_parent() -> None:
    """End this process when its parent does, whatever ended it: then standard input closes."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _alone(device: torch.device, settings: Settings) -> Iterator[None]:
    """Hold the device's lock file; the system lets go of it however the process ends."""
    with (settings.home / f"worker-{settings.worker_name}-{device}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _watching(name: str) -> Iterator[threading.Event]:
    """Yield an event that is set once the job is no longer ours: stopped, or asked for anew."""
    stopped, ended = threading.Event(), threading.Event()
    claim = _claim(name)

    def watch() -> None:
        while not ended.wait(POLL):
            if claim is None or _claim(name) != claim:
                stopped.set()
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield stopped
    finally:
        ended.set()


def _claim(name: str) -> tuple[str | None, int | None] | None:
    """Return who trains a job and since when, or None where nobody is to train it now."""
    found = DBOS.get_workflow_status(name)
    if found is None or found.status != "PENDING":
        return None
    return found.executor_id, found.dequeued_at
