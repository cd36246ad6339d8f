"""How far a task is: what it yields on the way, and the signs of life that are sent of it."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from genlib.training.curve import Row

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a task is done.

    Attributes:
        step: steps so far.
        steps: steps in all.
        files: what is known so far, which may be shown; those of the last one are the result.
        resumable: whether the task can go on from these files after an interruption.
        batch_size: training pictures of a step.
        read_curve: fetches the training curve so far.
    """

    step: int
    steps: int
    files: Files = field(default_factory=dict)
    resumable: bool = True
    batch_size: int = 1
    read_curve: Callable[[], Sequence[Row]] = list


REPORT = 0.4  # seconds between two signs of life, at the start


class Reporter:
    """Sends a task's progress: now and then, and each row of its training curve once.

    Args:
        send: takes a message, JSON.
    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self.send = send
        self.first: tuple[int, float] | None = None  # the first step, which warms up, and when
        self.last = 0  # step that was seen
        self.next = 0.0  # seconds after the first step
        self.sent: set[int] = set()  # the steps of the rows

    def report(self, progress: Progress) -> None:
        """Send what is new, if there was a step since the last call and it is time to."""
        step, steps = progress.step, progress.steps
        if step <= self.last:
            return
        self.last, now = step, time.perf_counter()
        if self.first is None:
            self.first = step, now
        start, began = self.first
        if now - began < self.next and step < steps:
            return
        self.next = now - began + max(REPORT, (now - began) / 100)
        curve = progress.read_curve()
        complete = curve if step == steps else curve[:-1]
        rows = [row for row in complete if row.step not in self.sent]
        self.sent |= {row.step for row in rows}
        speed = (step - start) / (now - began) if step > start else 0.0
        message = {
            "step": step,
            "steps": steps,
            "images_per_second": speed * progress.batch_size,
            "seconds_left": (steps - step) / speed if speed else None,
            "rows": [row._asdict() for row in rows],
        }
        self.send(json.dumps(message))
