"""The worker processes that the server keeps running, one on each device of its machine."""

import importlib
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from genlib.settings import Settings

log = logging.getLogger(__name__)

HOUSE = Path(__file__).resolve().parents[2]
PAUSE = 1.0  # seconds from one start of a worker to the next
LONG_PAUSE = 30.0  # the same, where it does not stay
YOUNG = 60.0  # seconds: a worker that ends earlier may never have been ready
PATIENCE = 5  # young ends in a row, from which on the page says so: more than a job may cause
TROUBLE = (
    "The training process does not stay on this machine, so nothing may be trained now; what is "
    "finished still shows. The operator finds the reason in the server's log."
)
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait for a busy core sleep, not spin
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",  # what an Apple GPU does not compute, its CPU does
}


class Worker:
    """The worker of a device: the process that is, and how many before it ended young."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.process: subprocess.Popen[bytes] | None = None
        self.born = -LONG_PAUSE
        self.young_ends = 0

    def look_after(self) -> None:
        """Start it where it does not run, and is not to wait."""
        age = time.monotonic() - self.born
        if self.process is not None:
            if self.process.poll() is None:
                self.young_ends = 0 if age > YOUNG else self.young_ends
                return
            self.process = None
            self.young_ends = self.young_ends + 1 if age < YOUNG else 0
        if age > (LONG_PAUSE if self.young_ends >= PATIENCE else PAUSE):
            self.born = time.monotonic()
            try:
                self.process = start(self.device)
            except OSError:
                log.exception("the worker of %s does not start", self.device)
                self.young_ends += 1

    def end(self) -> None:
        """End it with the server."""
        if self.process is not None:
            self.process.terminate()
            self.process.communicate()


_workers: list[Worker] = []


def supervise(ending: threading.Event) -> None:
    """Keep one worker process running on each device until the server ends."""
    devices = importlib.import_module("genlib.device")  # with torch, hence only now
    names = [Settings().device] if Settings().device else map(str, devices.available())
    _workers[:] = map(Worker, names)
    while not ending.wait(0.2):
        for worker in _workers:
            worker.look_after()
    for worker in _workers:
        worker.end()


def trouble() -> str:
    """Return what a page says where no worker of this machine stays; else nothing."""
    failing = [worker.young_ends >= PATIENCE for worker in _workers]
    return TROUBLE if failing and all(failing) else ""


def start(device: str) -> subprocess.Popen[bytes]:
    """Start a worker; it ends when this process does, as its standard input then closes."""
    command = [sys.executable, "-m", "genlib", "worker", "--device", device]
    return subprocess.Popen(  # noqa: S603
        [*command, "--with_parent", "True"],
        cwd=HOUSE,
        stdin=subprocess.PIPE,
        env=os.environ | ENVIRONMENT,
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
    )
