"""What the tests of the queue run for real: a PostgreSQL server, folders, worker processes."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from safetensors.torch import load
from torch import Tensor

from genlib.config import TrainConfig
from genlib.device import fixed_threads
from genlib.jobs import Job, Jobs, State
from genlib.models.stacked.config import StackedConfig
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.settings import Settings
from genlib.tasks.task import Task
from tests.support.machine import postgresql, postgresql_user

ROOT = Path(__file__).parents[2]
READY = "worker ready"
PATIENCE = 120.0  # seconds: a busy machine is slow
T = TypeVar("T")


class Postgres:
    """A PostgreSQL server in a folder of its own, on a free port of this machine."""

    def __init__(self) -> None:
        self.programs, self.user = postgresql(), postgresql_user()
        self.folder = Path(tempfile.mkdtemp(prefix="genlib-postgres-"))
        if self.user:
            shutil.chown(self.folder, self.user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync")

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self._run("pg_ctl", "start", "-w", f"--log={self.folder}/log", f"--options={options}")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "--mode=immediate")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.programs / program, "-D", self.folder / "data", *arguments]
        subprocess.run(
            command, check=True, user=self.user, cwd=self.folder, stdout=subprocess.DEVNULL
        )


@contextmanager
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@dataclass(frozen=True)
class Place:
    """A home folder and a queue, with a client and a store of their own."""

    settings: Settings
    jobs: Jobs
    store: Store

    def job(self, spec: Task) -> Job | None:
        return self.jobs.job(spec.fingerprint)

    def reaches(self, spec: Task, state: State, seconds: float = PATIENCE) -> Job:
        """Wait until the job is in that state."""

        def look() -> Job | None:
            job = self.job(spec)
            return job if job is not None and job.state == state else None

        return wait_for(look, seconds, lambda: f"{self.job(spec)} is not {state}")

    def steps(self, spec: Task) -> int:
        """Return the steps that the job says it has taken."""
        progress = self.jobs.progress(spec.fingerprint)
        return progress.step if progress is not None else 0

    def weights(self, spec: RunSpec) -> dict[str, Tensor]:
        files = self.store.read_run(spec.fingerprint)
        assert files is not None
        return load(files["model.safetensors"])


@contextmanager
def place(home: Path, server: Postgres | None = None, name: str = "local") -> Iterator[Place]:
    """Open a place; on the server if there is one, else on SQLite in the home folder."""
    url = server.url(f"queue_{home.name.replace('-', '_')}") if server is not None else ""
    settings = Settings(home=home, database_url=url, worker_name=name)
    jobs = Jobs(settings)
    try:
        yield Place(settings, jobs, Store(home))
    finally:
        jobs.client.destroy()


class Worker:
    """A worker process, started again whenever it ends, as the server does it."""

    def __init__(self, settings: Settings, log: str, environment: dict[str, str]) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings, self.log, self.environment = settings, settings.home / log, environment
        self.log.touch()
        self.ending = False
        self.process = self._start()
        self.thread = threading.Thread(target=self._supervise)
        self.thread.start()

    def kill(self) -> None:
        """Kill -9 what runs now; another one follows."""
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """End it for good, as a server does that dies: its standard input closes."""
        self.ending = True
        self.process.stdin.close()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def births(self) -> int:
        """Return how many workers have been ready for work so far."""
        return self.log.read_text().count(READY)

    def _start(self) -> subprocess.Popen[bytes]:
        settings = self.settings
        environment = os.environ | {
            "GENLIB_HOME": str(settings.home),
            "GENLIB_DATABASE_URL": settings.database_url,
            "GENLIB_WORKER_NAME": settings.worker_name,
            "OMP_WAIT_POLICY": "PASSIVE",  # as a server starts it
            "PYTHONPATH": str(ROOT),
            **self.environment,
        }
        command = [sys.executable, "-m", "genlib", "worker", "--device", "cpu"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*command, "--with_parent", "True"],
                stdin=subprocess.PIPE,
                stderr=log,
                env=environment,
            )

    def _supervise(self) -> None:
        while True:
            self.process.wait()
            self.process.stdin.close()
            if self.ending:
                return
            self.process = self._start()
            if self.ending:  # meanwhile
                self.process.stdin.close()


@contextmanager
def worker(settings: Settings, log: str = "worker.log", system: str = "") -> Iterator[Worker]:
    """Run a worker until the block ends, as on the system "macos" or "windows" if that is said."""
    running = Worker(settings, log, acting_as(system))
    try:
        yield running
    finally:
        running.end()


def acting_as(system: str) -> dict[str, str]:
    """Return the environment of a Python that refuses what another system refuses."""
    path = os.pathsep.join([str(ROOT / "tests/support/systems"), str(ROOT)])
    return {"PYTHON_ACTS_AS": system, "PYTHONPATH": path}


def wait_for(
    look: Callable[[], T | None],
    seconds: float = PATIENCE,
    why: Callable[[], str] = lambda: "nothing came of it",
) -> T:
    """Look until there is something; fail where there is still nothing after that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        actual = look()
        if actual:
            return actual
        time.sleep(0.02)
    pytest.fail(f"after {seconds} s: {why()}")


def small_run(seed: int, epochs: int = 10, **recipe: object) -> RunSpec:
    """Return a run of about a tenth of a second an epoch, on two cores."""
    train = {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 16} | recipe
    return RunSpec(
        family="stacked",
        dataset="digits",
        model=StackedConfig(hidden=128),
        train=TrainConfig(epochs=epochs, seed=seed, **train),
    )


@functools.cache
def uninterrupted(spec: RunSpec) -> dict[str, Tensor]:
    """Return the weights of the run, trained here without a queue."""
    with fixed_threads():
        *_, run = perform(spec, torch.device("cpu"))
    assert isinstance(run, Run)
    return run.family.state_dict()


def assert_same_weights(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    """Fail where a single bit differs."""
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
