"""The process that trains: takes jobs from the queue, one at a time, on one device.

It may be killed at any moment. Started again, it goes on from the last checkpoint; a job that
killed it three times without getting any further is set aside.
"""

import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TextIO

import torch
from dbos import DBOS
from sqlalchemy.exc import SQLAlchemyError

from genlib import device as devices
from genlib.data import default_dataset
from genlib.jobs import (
    QUEUE,
    SERIALIZER,
    STREAM,
    VERSION,
    WORKFLOW,
    Jobs,
    QueueUnavailableError,
    notices,
)
from genlib.jobs.attempt import Attempt, explained
from genlib.jobs.catalogue import read_task
from genlib.runs.run import perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.training.events import Step

log = logging.getLogger(__name__)

POLL = 0.25  # seconds between two looks whether somebody pressed Stop, or waits to join the line
KEPT = timedelta(days=7)  # for stopped runs to go on, and ended jobs to be read


def serve(device: torch.device, settings: Settings) -> None:
    """Take jobs until the process ends. One worker serves a device: a second one waits."""
    socket.setdefaulttimeout(30)  # a download that stalls is given up
    settings.home.mkdir(parents=True, exist_ok=True)
    with _alone(device, settings):
        store = open_store(settings)
        store.forget_old(KEPT.total_seconds())
        training = threading.Lock()
        jobs = Jobs(settings)
        trains_on = _first_that_starts(device, settings)

        @DBOS.step()
        def step(text: str) -> str:
            _admit(jobs)
            work = Attempt(store, trains_on, read_task(text))
            with training, _watching(work.name) as stopped:
                done = store.read_run(work.name) is not None
                return json.dumps(None if done else _performed(work, stopped))

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
        def train_run(text: str) -> str:
            try:
                return step(text)
            except SQLAlchemyError:  # a full disk, say: the next worker finds the job again
                log.exception("the queue takes no result; the worker starts again")
                os._exit(1)

        _launch(device, settings)
        log.warning("worker ready on %s", trains_on)
        while True:
            if not training.locked():
                _admit(jobs)
            time.sleep(POLL)


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


def _admit(jobs: Jobs) -> None:
    """Let who had their turn join the line again; what fails now will do the next time."""
    with suppress(QueueUnavailableError):
        jobs.admit()


def _performed(work: Attempt, stopped: threading.Event) -> str | None:
    """Work on a job and return what went wrong, if anything.

    Where the GPU computes no more for this process, which then fails at all that comes next, the
    process ends. Another one takes the job up again; after some such ends it is set aside.
    """
    try:
        return explained(work, stopped, send)
    except torch.AcceleratorError:
        log.exception("the GPU is lost to this process; the worker starts again")
        os._exit(1)


def _first_that_starts(device: torch.device, settings: Settings) -> torch.device:
    """Return the device, or the CPU where it is a GPU that does not start: home then says so."""
    try:
        _warm_up(device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without
        if device.type == "cpu":
            raise
        log.exception("%s does not start; the worker trains on the CPU", device)
        reason = str(error).partition("\n")[0]
        sentence = f"{device} does not start, so the CPU trains. It says: {reason}"
        notices.write(settings, device, sentence)
        cpu = torch.device("cpu")
        _warm_up(cpu)
        return cpu
    notices.write(settings, device, devices.unused_gpu() if device.type == "cpu" else "")
    return device


def _warm_up(device: torch.device) -> None:
    """Take one step of a family of pictures, so that the first student waits for no import."""
    spec = RunSpec.of_preset("stacked", dataset=default_dataset())
    for event in perform(spec, device):
        if isinstance(event, Step):
            return


def send(message: str) -> None:
    """Write a sign of life to the present job's stream."""
    DBOS.write_stream(STREAM, message)


def give_way() -> None:
    """Let the pages of the same machine come first, where the system can do so."""
    with suppress(AttributeError, OSError):  # Windows does so when the process is started
        os.nice(10)


def exit_with_parent() -> None:
    """End this process when its parent does, whatever ended it: then standard input closes."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _alone(device: torch.device, settings: Settings) -> Iterator[None]:
    """Hold the device's lock file; the system lets go of it however the process ends."""
    name = f"worker-{settings.worker_name}-{device}.lock".replace(":", "-")  # Windows bears none
    with (settings.home / name).open("w") as file:
        while not _locked(file):
            time.sleep(POLL)
        yield


def _locked(file: TextIO) -> bool:
    """Return whether a file is locked for this process now, by what the system has for it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        lock = partial(msvcrt.locking, file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        lock = partial(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        lock()
    except OSError:
        return False
    return True


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
    workflow = DBOS.get_workflow_status(name)
    if workflow is None or workflow.status != "PENDING":
        return None
    return workflow.executor_id, workflow.dequeued_at
