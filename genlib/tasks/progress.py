"""How far a task is: what it yields on the way, and the signs of life that are sent of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from genlib.training.curve import Row

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Measured:
    """A step of a study is done. The files hold all that is known so far.

    They may be shown and kept at any step, and the study goes on from them; those of the last
    step are the result.
    """

    step: int
    steps: int
    files: Files


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
