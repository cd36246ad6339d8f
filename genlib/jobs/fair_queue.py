"""Whose turn it is: students are served in turn, one job of each at a time.

The workers serve one line, first come, first served, in which a student has one job at most.
Their others wait in a room; the next one joins the line's end when the one before it is done. So
nobody starves, and nobody trains two at once, with any number of workers.

DBOS offers partitions for this (a key per student, partition_concurrency=1). But a worker that
takes one job at a time takes them from random partitions, whatever the jobs' priorities: nobody
could be told when their turn is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

from dbos import WorkflowStatus

QUEUE = "train"  # the line
ROOM = "room"  # to DBOS another queue, which no worker serves


@dataclass(frozen=True)
class FairQueue:
    """All jobs that are not done: what trains, the line and the room, each in its order."""

    trains: list[WorkflowStatus]
    line: list[WorkflowStatus]
    room: list[WorkflowStatus]

    @classmethod
    def of(cls, workflows: list[WorkflowStatus]) -> "FairQueue":
        """Sort jobs; DBOS serves those of the line by priority."""
        queued = [item for item in workflows if item.status == "ENQUEUED"]
        return cls(
            sorted(
                (item for item in workflows if item.status == "PENDING"),
                key=lambda item: item.dequeued_at or 0,
            ),
            sorted(
                (item for item in queued if item.queue_name == QUEUE),
                key=lambda item: (item.priority or 0, item.created_at or 0),
            ),
            sorted(
                (item for item in queued if item.queue_name == ROOM),
                key=lambda item: (item.attributes or {}).get("asked", 0.0),
            ),
        )

    def all(self) -> list[WorkflowStatus]:
        """Return all jobs."""
        return [*self.trains, *self.line, *self.room]

    def joining(self) -> list[tuple[int, WorkflowStatus]]:
        """Return who joins the line now, each with a priority that is a place at its end."""
        inside = self.trains + self.line
        last = max((item.priority or 0 for item in inside), default=0)
        return list(enumerate(_joining(inside, self.room), last + 1))

    def play(self, left: list[float]) -> Iterator[tuple[str, float, float]]:
        """Play the queue to its end; yield each job, and in how many seconds it begins and ends.

        There are as many workers as jobs that train, or else one that soon begins.

        Args:
            left: in how many seconds each job that trains will end.
        """
        number = count()  # of jobs that end in the same instant, the first is first
        ends = [(end, next(number), item) for end, item in zip(left, self.trains, strict=True)]
        yield from ((item.workflow_id, 0.0, end) for end, _, item in ends)
        heapify(ends)
        line, room = self.line, self.room
        now, free = 0.0, 0 if ends else 1
        while ends or line or room:
            joining = _joining([*line, *(item for _, _, item in ends)], room)
            line = line + joining
            room = [item for item in room if item not in joining]
            while free and line:
                item, *line = line
                end = now + length(item)
                yield item.workflow_id, now, end
                heappush(ends, (end, next(number), item))
                free -= 1
            now, _, _ = heappop(ends)
            free += 1


def length(item: WorkflowStatus) -> float:
    """Return how many seconds a job takes, about; infinite where nobody knows."""
    return (item.attributes or {}).get("seconds") or inf


def _joining(
    inside: Iterable[WorkflowStatus], room: Iterable[WorkflowStatus]
) -> list[WorkflowStatus]:
    """Return the first job in the room of each student who has none inside."""
    first: dict[str | None, WorkflowStatus] = {}
    for item in room:
        first.setdefault(item.queue_partition_key, item)
    served = {item.queue_partition_key for item in inside}
    return [item for student, item in first.items() if student not in served]
