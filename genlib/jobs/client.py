"""The queue as its clients see it: ask for a run, watch it, stop it.

DBOS keeps the queue in SQLite, or in PostgreSQL where GENLIB_DATABASE_URL says so. A job's name
is its run's fingerprint, so a run that two people ask for is trained once.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, Literal

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, WorkflowStatus
from dbos import error as dbos_error
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from genlib.jobs.fair_queue import QUEUE, ROOM, FairQueue, length
from genlib.settings import Settings
from genlib.tasks.task import Task
from genlib.training.curve import Row

WORKFLOW = "train_run"
STREAM = "progress"
VERSION = "1"  # of what a job means; a changed source alone must not strand queued work
MAX_QUEUED = 100
LIMIT = 4  # jobs of a student: one that trains, three that wait
LONGEST = 20 * 60  # seconds: what would take longer is not started
PATIENCE = 2  # seconds that the database may take to answer
SERIALIZER = DBOSPortableJSONSerializer()  # the default would be pickle

State = Literal["queued", "training", "stopped", "failed", "trained"]
STATES: dict[str, State] = {
    **dict.fromkeys(("DELAYED", "ENQUEUED"), "queued"),
    "PENDING": "training",
    "CANCELLED": "stopped",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}


class QueueUnavailableError(RuntimeError):
    """The queue's database cannot be reached, or takes no more."""


@dataclass(frozen=True)
class Job:
    """A run that was asked for, by a `student`. `sentence` says why it failed.

    While it is queued it begins in about `wait` seconds and ends in about `ends`; None where its
    own length, or that of one before it, is not known.
    """

    fingerprint: str
    state: State
    ahead: int = 0  # jobs that train, or will before it
    wait: float | None = None
    ends: float | None = None
    sentence: str = ""
    student: str = ""


@dataclass(frozen=True)
class JobProgress:
    """How far a job is, and its training curve so far."""

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
        self.asking = threading.Lock()
        self.ends: dict[str, tuple[float, float]] = {}  # of what trains: when read, and the end

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

    def submit(self, task: Task, student: str = "", seconds: float = 0.0) -> None:
        """Ask for a run or a study. One that is queued or at work stays so; a stopped one goes on.

        Jobs are counted under a lock of this process: one more than LIMIT is only asked for where
        a student presses at two servers within the same few milliseconds.

        Args:
            task: a task, which the worker reads by `genlib.jobs.catalogue.read_task`.
            student: who asks; for a script, which names nobody, MAX_QUEUED is the only limit.
            seconds: how long it takes, about; 0 where that is not known.
        """
        name = task.fingerprint
        owner = student or name
        with _reachable():
            earlier = self.client.list_workflows(workflow_ids=[name], load_input=False)
        with self.asking, _reachable():
            jobs = self._turns().all()
            if any(item.workflow_id == name for item in jobs):
                return
            _refuse(jobs, owner)
            asked = {"asked": time.time(), "seconds": seconds}
            if not earlier:
                self._enqueue(task, owner, asked)
            else:
                self._enqueue_again(name, owner, asked)
        self.admit()

    def _enqueue(self, task: Task, owner: str, asked: dict[str, float]) -> None:
        self.client.enqueue(
            {
                "queue_name": ROOM,
                "queue_partition_key": owner,
                "workflow_name": WORKFLOW,
                "workflow_id": task.fingerprint,
                "app_version": VERSION,
                "attributes": asked,
            },
            task.model_dump_json(),
        )

    def _enqueue_again(self, name: str, owner: str, asked: dict[str, float]) -> None:
        with suppress(dbos_error.DBOSException):  # another client was faster
            self.client.update_workflow_attributes(name, asked)
            self.client.rewind_workflow(
                name, queue_name=ROOM, queue_partition_key=owner, application_version=VERSION
            )

    def admit(self) -> None:
        """Let the first job of each student who has none in the line join its end.

        Clients do so when they ask and stop; workers when they begin a job, and again and again
        while they have none. Of several at once one wins: no student gets two jobs into the line.
        Stopped is done: the next may begin while the worker of the stopped one ends its step.
        """
        joining = self._turns().joining()
        if not joining:
            return
        address = make_url(_impatient(self.settings.queue_url))
        postgres = address.get_backend_name() == "postgresql"
        table = "dbos.workflow_status" if postgres else "workflow_status"
        engine = create_engine(address, poolclass=NullPool, isolation_level="SERIALIZABLE")
        with _reachable():
            try:
                with engine.begin() as transaction:
                    transaction.execute(
                        sql(JOIN.replace("jobs", table)),
                        [
                            {"name": item.workflow_id, "place": place, "line": QUEUE, "room": ROOM}
                            | {"student": item.queue_partition_key}
                            for place, item in joining
                        ],
                    )
            except OperationalError as error:
                if not str(getattr(error.orig, "sqlstate", "")).startswith(CONFLICT):
                    raise
                self.admit()  # another one was faster: look again

    def job(self, fingerprint: str) -> Job | None:
        """Return the job of that run, or None where nobody asked for it."""
        with _reachable():
            workflows = self.client.list_workflows(workflow_ids=[fingerprint], load_input=False)
        if not workflows:
            return None
        job = _job(workflows[0])
        if job.state == "queued":
            for ahead, (name, begins, ends) in enumerate(self._served()):
                if name == fingerprint:
                    wait, last = (None if moment == inf else moment for moment in (begins, ends))
                    return replace(job, ahead=ahead, wait=wait, ends=last)
        return job  # where queued, it has just ended

    def waiting(self) -> list[str]:
        """Return the fingerprints of what trains now and waits, in the order of their turns."""
        return [name for name, _, _ in self._served()]

    def _served(self) -> Iterator[tuple[str, float, float]]:
        """Yield what trains now and waits, and in how many seconds each begins and ends."""
        turns = self._turns()
        self.ends = {item.workflow_id: self._end(item) for item in turns.trains}
        now = time.monotonic()
        return turns.play([max(0.0, end - now) for _, end in self.ends.values()])

    def _end(self, item: WorkflowStatus) -> tuple[float, float]:
        """Return when a job's progress was read, which is once a second, and its likely end."""
        now = time.monotonic()
        read, end = self.ends.get(item.workflow_id, (-inf, inf))
        if now - read < 1.0:
            return read, end
        progress = self.progress(item.workflow_id)
        if progress is not None and progress.seconds_left is not None:
            return now, now + progress.seconds_left
        return now, now + length(item) - time.time() + (item.dequeued_at or 0) / 1000

    def _turns(self) -> FairQueue:
        with _reachable():
            workflows = self.client.list_workflows(
                name=WORKFLOW,
                status=["PENDING", "ENQUEUED"],
                load_input=False,
                load_output=False,
            )
        return FairQueue.of(workflows)

    def stop(self, fingerprint: str) -> None:
        """Ask the worker to stop a job; its last checkpoint stays."""
        with _reachable():
            self.client.cancel_workflow(fingerprint)
        self.admit()

    def progress(self, fingerprint: str) -> JobProgress | None:
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
        return JobProgress(curve=curve, **last)


UNREACHABLE = "The training queue cannot be reached; try again in a few seconds."
FULL = "The server's disk is full, so nothing can be trained now; what is finished still shows."

# DBOS has no call that changes a job's queue and priority; its table of jobs is documented.
JOIN = """
UPDATE jobs SET queue_name = :line, priority = :place
WHERE workflow_uuid = :name AND queue_name = :room AND status = 'ENQUEUED' AND NOT EXISTS (
    SELECT 1 FROM jobs WHERE queue_name = :line AND queue_partition_key = :student
    AND status IN ('PENDING', 'ENQUEUED')
)
"""
CONFLICT = "40"  # PostgreSQL's class of errors for two that wrote at once


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


def _refuse(jobs: list[WorkflowStatus], student: str) -> None:
    """Raise QueueUnavailableError where the queue, or a student's share of it, is full."""
    if len(jobs) >= MAX_QUEUED:
        raise QueueUnavailableError("The queue is full; try again in a few minutes.")
    own = [item.status for item in jobs if item.queue_partition_key == student]
    if len(own) >= LIMIT:
        share = "one training and three waiting" if "PENDING" in own else "four waiting"
        raise QueueUnavailableError(f"You have {share}; stop one or wait.")


def _job(item: WorkflowStatus) -> Job:
    """Return a job; one that ended has returned null, or a sentence on what went wrong."""
    name, student = item.workflow_id, item.queue_partition_key or ""
    if item.status == "SUCCESS":
        sentence = json.loads(item.output or "null") or ""
        return Job(name, "failed" if sentence else "trained", sentence=sentence, student=student)
    state, broken = STATES[item.status], "The job broke off; press Train to try again."
    return Job(name, state, sentence=broken if state == "failed" else "", student=student)
