"""The queue as its clients see it: ask for a run, watch it, stop it.

DBOS keeps the queue in SQLite, or in PostgreSQL where GENLIB_DATABASE_URL says so. A job's name
is its run's fingerprint, so a run that two people ask for is trained once.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, WorkflowStatus
from dbos import error as dbos_error
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from genlib.config import Config, Settings
from genlib.curve import Row

QUEUE = "train"
WORKFLOW = "train_run"
STREAM = "progress"
VERSION = "1"  # of what a job means; a changed source alone must not strand queued work
MAX_QUEUED = 100
PATIENCE = 2  # seconds that the database may take to answer
SERIALIZER = DBOSPortableJSONSerializer()  # the default would be pickle

State = Literal["queued", "training", "stopped", "failed", "trained"]
STATES: dict[str, State] = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "training",
    "CANCELLED": "stopped",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}


class QueueUnavailableError(RuntimeError):
    """The queue's database cannot be reached, or takes no more."""


@dataclass(frozen=True)
class Job:
    """A run that was asked for. `sentence` says why it failed."""

    fingerprint: str
    state: State
    ahead: int = 0  # jobs in the queue before it
    sentence: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a job's training is. The rows are its curve so far."""

    step: int
    steps: int
    images_per_second: float
    seconds_left: float | None
    curve: list[Row]


class Jobs:
    """A client of the queue, for any number of threads.

    Every method raises QueueUnavailableError where the database cannot be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def client(self) -> DBOSClient:
        """The connection; made on first use, with the tables if they are not there yet."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        address = _impatient(self.settings.queue_url)
        try:
            DBOS.migrate(address)
            return DBOSClient(
                system_database_url=address, serializer=SERIALIZER, retry_connection_errors=False
            )
        except (SQLAlchemyError, OSError) as error:
            raise QueueUnavailableError(UNREACHABLE) from error

    def submit(self, task: Config) -> None:
        """Ask for a run or a study. One that is queued or at work stays so; a stopped one goes on.

        Args:
            task: a RunSpec or a study, which the worker reads by `genlib.studies.read_task`.
        """
        name = task.fingerprint
        job = self.job(name)
        if job is not None and job.state in ("queued", "training"):
            return
        if len(self.waiting()) >= MAX_QUEUED:
            raise QueueUnavailableError("The queue is full; try again in a few minutes.")
        with _reachable():
            if job is None:
                self.client.enqueue(
                    {
                        "queue_name": QUEUE,
                        "workflow_name": WORKFLOW,
                        "workflow_id": name,
                        "app_version": VERSION,
                    },
                    task.model_dump_json(),
                )
            else:
                with suppress(dbos_error.DBOSException):  # another client was faster
                    self.client.rewind_workflow(
                        name, queue_name=QUEUE, application_version=VERSION
                    )

    def job(self, fingerprint: str) -> Job | None:
        """Return the job of that run, or None where nobody asked for it."""
        with _reachable():
            found = self.client.list_workflows(workflow_ids=[fingerprint], load_input=False)
        if not found:
            return None
        state, sentence = _outcome(found[0])
        order = self.waiting() if state == "queued" else []
        ahead = order.index(fingerprint) if fingerprint in order else 0  # it may just have ended
        return Job(fingerprint, state, ahead, sentence)

    def waiting(self) -> list[str]:
        """Return the fingerprints of what trains now and waits, in the queue's order."""
        with _reachable():
            found = self.client.list_workflows(
                name=WORKFLOW, status=["PENDING", "ENQUEUED", "DELAYED"], load_input=False
            )
        found.sort(key=lambda item: (item.status != "PENDING", item.created_at or 0))
        return [item.workflow_id for item in found]

    def stop(self, fingerprint: str) -> None:
        """Ask the worker to stop a job; its last checkpoint stays."""
        with _reachable():
            self.client.cancel_workflow(fingerprint)

    def progress(self, fingerprint: str) -> Progress | None:
        """Return how far a job is, or None before its first sign of life."""
        rows: dict[int, Row] = {}
        last: dict[str, Any] | None = None
        with _reachable():
            try:
                for text in self.client.read_stream(fingerprint, STREAM, timeout_seconds=0):
                    last = json.loads(text)
                    rows |= {row["step"]: Row(**row) for row in last.pop("rows")}
            except dbos_error.DBOSStreamTimeoutError:  # all there is has been read
                pass
            except dbos_error.DBOSNonExistentWorkflowError:
                return None
        if last is None:
            return None
        curve = [row for step, row in sorted(rows.items()) if step <= last["step"]]
        return Progress(curve=curve, **last)


UNREACHABLE = "The training queue cannot be reached; try again in a few seconds."
FULL = "The server's disk is full, so nothing can be trained now; what is finished still shows."


def _impatient(address: str) -> str:
    """Return the URL with a limit on how long PostgreSQL may take to answer."""
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict({"connect_timeout": str(PATIENCE)} | dict(url.query))
    return url.render_as_string(hide_password=False)


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn a database's failure into QueueUnavailableError."""
    try:
        yield
    except SQLAlchemyError as error:
        full = "disk is full" in str(error)
        raise QueueUnavailableError(FULL if full else UNREACHABLE) from error


def _outcome(item: WorkflowStatus) -> tuple[State, str]:
    """Return a job's state; one that ended has returned null, or a sentence on what went wrong."""
    if item.status == "SUCCESS":
        sentence = json.loads(item.output or "null")
        return ("failed", sentence) if sentence else ("trained", "")
    state = STATES[item.status]
    return state, "The job broke off; press Train to try again." if state == "failed" else ""
