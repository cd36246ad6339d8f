"""A class at one queue, on real databases with real workers that only pretend to train."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from genlib.jobs import QUEUE, Job, Jobs, QueueUnavailableError
from genlib.runs.spec import RunSpec
from genlib.settings import Settings
from tests.support.services import ROOT, Place, Postgres, place, postgres, small_run, wait_for

pytestmark = pytest.mark.timeout(400)
READY = "worker ready"

# The worker, but for its training: that takes a tenth of a second an epoch on any machine, and is
# noted down, for the times in DBOS's table are whole seconds on SQLite.
STEADY = """
import json, time, torch
from genlib.jobs import worker
from genlib.settings import Settings

settings = Settings()

def explained(attempt, stopped, send):
    began = time.time()
    end = began + attempt.task.train.epochs / 10
    while (left := end - time.time()) > 0 and not stopped.is_set():
        sign = {"step": 1, "steps": 2, "images_per_second": 1.0, "seconds_left": left, "rows": []}
        send(json.dumps(sign))
        stopped.wait(min(left, 0.4))
    with (settings.home / "trained").open("a") as file:
        print(attempt.name, began, time.time(), settings.worker_name, file=file)

worker.explained, worker._warm_up = explained, lambda device: None
worker.serve(torch.device("cpu"), settings)
"""


@contextmanager
def steady_worker(settings: Settings) -> Iterator[None]:
    """Run such a worker until the block ends."""
    environment = os.environ | {
        "GENLIB_HOME": str(settings.home),
        "GENLIB_DATABASE_URL": settings.database_url,
        "GENLIB_WORKER_NAME": settings.worker_name,
        "PYTHONPATH": str(ROOT),
    }
    log = settings.home / f"{settings.worker_name}.log"
    with log.open("ab") as file:
        process = subprocess.Popen([sys.executable, "-c", STEADY], env=environment, stderr=file)
    try:
        wait_for(lambda: READY in log.read_text())
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A queue that nobody serves yet."""
    server = request.getfixturevalue("server") if request.param == "postgresql" else None
    with place(tmp_path, server, "one") as opened:
        yield opened


def order(here: Place, runs: dict[str, RunSpec]) -> list[str]:
    """Return what waits by the names of the runs, in the order that the page tells."""
    names = {spec.fingerprint: name for name, spec in runs.items()}
    waiting = here.jobs.waiting()
    for ahead, fingerprint in enumerate(waiting):
        assert here.jobs.job(fingerprint).ahead == ahead
    return [names[fingerprint] for fingerprint in waiting]


class Span(NamedTuple):
    """When a run trained, and where."""

    fingerprint: str
    began: float
    ended: float
    worker: str


def spans(here: Place) -> dict[str, Span]:
    """Return what trained, by fingerprint, in the order of its beginning."""
    lines = [line.split() for line in (here.settings.home / "trained").read_text().splitlines()]
    actual = [Span(name, float(began), float(ended), where) for name, began, ended, where in lines]
    return {span.fingerprint: span for span in sorted(actual, key=lambda span: span.began)}


def served(here: Place, runs: dict[str, RunSpec]) -> list[str]:
    """Return the names of the runs in the order in which they were begun."""
    names = {spec.fingerprint: name for name, spec in runs.items()}
    return [names[fingerprint] for fingerprint in spans(here) if fingerprint in names]


def test_a_student_has_one_training_and_three_waiting(here: Place) -> None:
    runs = [small_run(seed, epochs=10) for seed in range(6)]
    for spec in runs[:4]:
        here.jobs.submit(spec, "ada")
    with pytest.raises(
        QueueUnavailableError, match=r"^You have four waiting; stop one or wait\.$"
    ):
        here.jobs.submit(runs[4], "ada")
    assert here.job(runs[4]) is None
    with steady_worker(here.settings):
        here.reaches(runs[0], "training")
        with pytest.raises(QueueUnavailableError) as refused:
            here.jobs.submit(runs[4], "ada")
        assert str(refused.value) == "You have one training and three waiting; stop one or wait."
        here.jobs.submit(runs[1], "ada")  # it is asked for already
        here.jobs.submit(runs[4], "ben")
        here.jobs.submit(runs[4], "ada")  # as is somebody else's, which counts for nobody else
        here.jobs.stop(runs[2].fingerprint)
        here.jobs.submit(runs[5], "ada")
        with pytest.raises(QueueUnavailableError):
            here.jobs.submit(runs[2], "ada")  # a stopped one counts like a new one
        here.reaches(runs[4], "training")  # one of hers is done
        here.jobs.submit(runs[2], "ada")
        assert len(here.jobs.waiting()) == 5


def press(jobs: Jobs, spec: RunSpec, student: str) -> bool:
    """Return whether the student's press was taken."""
    try:
        jobs.submit(spec, student)
    except QueueUnavailableError as error:
        return "You have" not in str(error)
    return True


def test_presses_at_once_are_counted_one_by_one(here: Place) -> None:
    with ThreadPoolExecutor(12) as pool:
        taken = list(pool.map(lambda seed: press(here.jobs, small_run(seed), "ada"), range(12)))
    assert sum(taken) == 4
    assert len(here.jobs.waiting()) == 4


@pytest.mark.parametrize("here", ["sqlite", "postgresql"], indirect=True)
def test_many_servers_at_once_let_no_student_into_the_line_twice(here: Place) -> None:
    servers = [Jobs(here.settings) for _ in range(4)]
    barrier = threading.Barrier(16)

    def at_once(seed: int) -> bool:
        barrier.wait()
        return press(servers[seed % 4], small_run(seed), f"student {seed // 8}")

    with ThreadPoolExecutor(16) as pool:
        taken = sum(pool.map(at_once, range(16)))
    for server in servers:
        server.client.destroy()
    everyone = here.jobs.client.list_workflows(load_input=False)
    line = Counter(item.queue_partition_key for item in everyone if item.queue_name == QUEUE)
    assert line == {"student 0": 1, "student 1": 1}
    assert 8 <= len(everyone) == taken <= 14  # each may slip past the limit, as the docstring says


def test_students_take_turns(here: Place) -> None:
    names = ["A1", "A2", "A3", "A4", "B1", "C1", "C2"]
    runs = {name: small_run(seed, epochs=1) for seed, name in enumerate(names)}
    runs["A1"] = small_run(0, epochs=30)
    fair = ["A1", "B1", "C1", "A2", "C2", "A3", "A4"]
    with steady_worker(here.settings):
        here.jobs.submit(runs["A1"], "A")
        here.reaches(runs["A1"], "training")
        for name in names[1:]:
            here.jobs.submit(runs[name], name[0])
        assert order(here, runs) == fair
        for spec in runs.values():
            here.reaches(spec, "trained")
    assert served(here, runs) == fair


@pytest.mark.slow
def test_a_stopped_run_that_is_asked_for_again_queues_up_again(here: Place) -> None:
    runs = {name: small_run(seed, 1) for seed, name in enumerate(["A1", "B1", "A2", "C1", "C2"])}
    for name, spec in runs.items():
        here.jobs.submit(spec, name[0])
    assert order(here, runs) == ["A1", "B1", "C1", "A2", "C2"]
    here.jobs.stop(runs["A1"].fingerprint)
    assert order(here, runs) == ["B1", "C1", "A2", "C2"]
    here.jobs.submit(runs["A1"], "A")
    assert order(here, runs) == ["B1", "C1", "A2", "C2", "A1"]
    here.jobs.stop(runs["B1"].fingerprint)
    here.jobs.submit(runs["B1"], "C")  # another student takes it on
    assert order(here, runs) == ["C1", "A2", "C2", "A1", "B1"]
    with steady_worker(here.settings):
        for spec in runs.values():
            here.reaches(spec, "trained")
    assert served(here, runs) == ["C1", "A2", "C2", "A1", "B1"]


@pytest.mark.slow
def test_nobody_starves_while_new_students_keep_coming(here: Place) -> None:
    own = [small_run(seed, epochs=1) for seed in range(4)]
    others: list[RunSpec] = []
    for spec in own:
        here.jobs.submit(spec, "ada")
    with steady_worker(here.settings):
        while here.job(own[-1]).state != "trained":
            if len(here.jobs.waiting()) < 8:
                others.append(small_run(100 + len(others), epochs=1))
                here.jobs.submit(others[-1], f"new {len(others)}")
            assert len(others) < 80
    turns = list(spans(here))
    places = [turns.index(spec.fingerprint) for spec in own]
    assert places == sorted(places)
    assert max(later - place for place, later in pairwise(places)) <= 8  # those who were there


@pytest.mark.slow
def test_what_is_shown_is_what_is_served(here: Place) -> None:
    """Students come, go and change their minds while one run trains; then nobody does."""
    dice = random.Random(0)
    first = small_run(0, epochs=300)
    runs = {"A": first}
    with steady_worker(here.settings):
        here.jobs.submit(first, "A")
        here.reaches(first, "training")
        for number in range(1, 25):
            student = dice.choice("ABCD")
            spec = small_run(number, epochs=dice.choice([1, 3]))
            if press(here.jobs, spec, student):
                runs[f"{student}{number}"] = spec
            if dice.random() < 0.4 and len(runs) > 1:
                name = dice.choice(list(runs)[1:])
                here.jobs.stop(runs[name].fingerprint)
                if dice.random() < 0.5 or not press(here.jobs, runs[name], name[0]):
                    del runs[name]
        assert here.job(first).state == "training"
        shown = order(here, runs)
        assert len(shown) > 6
        here.jobs.stop(first.fingerprint)
        del runs["A"]
        for spec in runs.values():
            here.reaches(spec, "trained")
    assert [name for name in shown if name != "A"] == served(here, runs)


@pytest.mark.slow
def test_the_time_to_wait_is_right(here: Place) -> None:
    """Between two jobs, and before the first sign of life, there is some slack."""
    runs = [small_run(seed, epochs=25) for seed in range(4)]
    with steady_worker(here.settings):
        for spec, student in zip(runs, "AABC", strict=True):
            here.jobs.submit(spec, student, 2.5)
        here.reaches(runs[0], "training")
        seen: list[tuple[float, RunSpec, Job]] = []
        while here.job(runs[1]).state == "queued":  # the last one: others have their turns first
            seen += [(time.time(), spec, here.job(spec)) for spec in runs[1:]]
            time.sleep(0.1)
        here.reaches(runs[1], "trained")
    waits = [item for item in seen if item[2].state == "queued"]
    assert len(waits) > 30
    for then, spec, job in waits:
        begins, ends = (snapshot - then for snapshot in spans(here)[spec.fingerprint][1:3])
        assert 0 <= job.wait <= job.ends
        assert begins / 2 - 0.5 < job.wait < 2 * begins + 0.5
        assert ends / 2 - 0.5 < job.ends < 2 * ends + 0.5
    assert {job.ahead for _, _, job in waits} >= {1, 2, 3}


def test_an_unknown_time_is_not_told(here: Place) -> None:
    runs = [small_run(seed) for seed in range(4)]
    for spec, seconds in zip(runs, (10.0, 20.0, 0.0, 30.0), strict=True):
        here.jobs.submit(spec, "", seconds)
    jobs = [here.job(spec) for spec in runs]
    assert [job.ahead for job in jobs] == [0, 1, 2, 3]
    assert [job.wait for job in jobs] == [0, 10, 30, None]
    assert [job.ends for job in jobs] == [10, 30, None, None]
    here.jobs.stop(runs[2].fingerprint)
    assert (here.job(runs[3]).wait, here.job(runs[3]).ends) == (30, 60)
    here.jobs.submit(runs[2], "", 5.0)  # it is known by now
    assert (here.job(runs[2]).wait, here.job(runs[2]).ends) == (60, 65)


def overlap(one: Span, other: Span) -> float:
    """Return for how many seconds both trained."""
    return max(0.0, min(one.ended, other.ended) - max(one.began, other.began))


@pytest.mark.slow
def test_two_workers_serve_two_students_but_none_twice_at_once(here: Place) -> None:
    two = here.settings.model_copy(update={"worker_name": "two"})
    number = count()
    alone, ada, ben = [[small_run(next(number), epochs=15) for _ in range(4)] for _ in range(3)]
    with steady_worker(here.settings), steady_worker(two):
        for spec in alone:
            here.jobs.submit(spec, "ada", 1.5)
        here.reaches(alone[0], "training")
        last = here.job(alone[3])
        assert last.ahead == 3
        assert 2.5 < last.wait < 5  # the other worker is no help to her
        for spec in alone:
            here.reaches(spec, "trained")
        for own, others in zip(ada, ben, strict=True):
            here.jobs.submit(own, "ada", 1.5)
            here.jobs.submit(others, "ben", 1.5)
        here.reaches(ada[0], "training")
        here.reaches(ben[0], "training")
        last = here.job(ben[3])
        assert last.ahead >= 6
        assert 2.5 < last.wait < 5  # two at a time
        for spec in ada + ben:
            here.reaches(spec, "trained")
    trained = spans(here)
    groups = [[trained[spec.fingerprint] for spec in group] for group in (alone, ada, ben)]
    for group in groups:
        assert [overlap(*pair) for pair in pairwise(sorted(group, key=lambda s: s.began))] == [
            0
        ] * 3
    pairs = [(one, other) for one in groups[1] for other in groups[2]]
    assert sum(overlap(*pair) for pair in pairs) > 3
    for name in ("one", "two"):
        own = [span for span in trained.values() if span.worker == name]
        assert not any(overlap(*pair) for pair in pairwise(own))
