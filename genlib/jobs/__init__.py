"""The queue: its client, and the order in which students have their turns."""

from genlib.jobs.client import (
    LONGEST,
    MAX_QUEUED,
    SERIALIZER,
    STREAM,
    UNREACHABLE,
    VERSION,
    WORKFLOW,
    Job,
    JobProgress,
    Jobs,
    QueueUnavailableError,
    State,
)
from genlib.jobs.fair_queue import QUEUE

__all__ = [
    "LONGEST",
    "MAX_QUEUED",
    "QUEUE",
    "SERIALIZER",
    "STREAM",
    "UNREACHABLE",
    "VERSION",
    "WORKFLOW",
    "Job",
    "JobProgress",
    "Jobs",
    "QueueUnavailableError",
    "State",
]
