"""The queue as its clients see it, on SQLite and PostgreSQL, with a real worker."""

import base64
import binascii
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy

from genlib.jobs import MAX_QUEUED, STREAM, UNREACHABLE, Jobs, QueueUnavailableError
from genlib.models.stacked.config import StackedConfig
from genlib.runs.store import MANIFEST
from genlib.settings import Settings
from tests.support.services import (
    Place,
    Postgres,
    assert_same_weights,
    place,
    postgres,
    small_run,
    uninterrupted,
    wait_for,
    worker,
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A place where a worker is at work."""
    home = tmp_path_factory.mktemp(request.param)
    server = request.getfixturevalue("server") if request.param == "postgresql" else None
    with place(home, server) as opened, worker(opened.settings) as working:
        wait_for(working.births)
        yield opened


def at_once(tasks: list[Callable[[], object]]) -> None:
    """Run all tasks in threads that start together."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        barrier.wait()
        task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        list(pool.map(run, tasks))


def steps_sent(here: Place, fingerprint: str) -> list[int]:
    """Return the step of every sign of life that a finished job gave."""
    return [json.loads(text)["step"] for text in here.jobs.client.read_stream(fingerprint, STREAM)]


def test_sixteen_clients_that_ask_for_one_run_share_one_training(here: Place) -> None:
    spec = small_run(seed=1)
    others = [Jobs(here.settings) for _ in range(8)]
    at_once([lambda jobs=jobs: jobs.submit(spec) for jobs in others + [here.jobs] * 8])
    here.reaches(spec, "trained")
    states = {jobs.job(spec.fingerprint).state for jobs in others}
    sent = steps_sent(here, spec.fingerprint)
    for jobs in others:
        jobs.client.destroy()

    assert states == {"trained"}
    assert len(here.jobs.client.list_workflows(workflow_ids=[spec.fingerprint])) == 1
    assert sent == sorted(set(sent))  # a second training would begin again
    assert_same_weights(here.weights(spec), uninterrupted(spec))


@pytest.mark.slow
def test_jobs_are_taken_in_order_and_know_their_place(here: Place) -> None:
    first, second, third = runs = [small_run(seed, epochs=40) for seed in (2, 3, 4)]
    for spec in runs:
        here.jobs.submit(spec)
    here.reaches(first, "training")
    assert [here.job(spec).ahead for spec in runs] == [0, 1, 2]
    assert here.jobs.waiting() == [spec.fingerprint for spec in runs]
    here.reaches(second, "training")
    assert (here.job(first).state, here.job(third).ahead) == ("trained", 1)
    here.reaches(third, "trained")
    assert here.jobs.waiting() == []
    written = [
        (here.settings.home / "runs" / spec.fingerprint / MANIFEST).stat().st_mtime
        for spec in runs
    ]
    assert written == sorted(written)


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_was_and_ends_the_same(here: Place) -> None:
    spec = small_run(seed=5, epochs=40)
    here.jobs.submit(spec)
    stored = wait_for(lambda: here.store.read_partial(spec.fingerprint, "checkpoint"))
    began = time.monotonic()
    here.jobs.stop(spec.fingerprint)
    here.reaches(spec, "stopped")
    other = small_run(seed=6, epochs=1)
    here.jobs.submit(other)
    here.reaches(other, "training")  # the worker is free again
    assert time.monotonic() - began < 1.5
    here.reaches(other, "trained")
    reached = here.steps(spec)
    step, _ = here.store.read_partial(spec.fingerprint, "checkpoint")
    assert stored[0] <= step <= reached + 500

    here.jobs.submit(spec)
    here.reaches(spec, "trained")
    sent = steps_sent(here, spec.fingerprint)
    again = sent[sent.index(reached) + 1 :]
    assert again[0] >= step
    assert_same_weights(here.weights(spec), uninterrupted(spec))
    curve = here.jobs.progress(spec.fingerprint).curve
    assert [row.step for row in curve] == sorted({row.step for row in curve})
    assert curve[-1].step == sent[-1]


@pytest.mark.slow
def test_stop_and_train_in_quick_succession_lose_nothing(here: Place) -> None:
    spec = small_run(seed=7, epochs=40)
    here.jobs.submit(spec)
    here.reaches(spec, "training")
    rng = random.Random(0)

    def press(pauses: list[float]) -> None:
        for pause in pauses:
            here.jobs.stop(spec.fingerprint)
            time.sleep(pause)
            here.jobs.submit(spec)
            time.sleep(pause)

    clients = [[rng.choice([0.0, 0.01, 0.1, 0.3]) for _ in range(6)] for _ in range(3)]
    at_once([lambda pauses=pauses: press(pauses) for pauses in clients])
    here.jobs.submit(spec)
    here.reaches(spec, "trained")
    assert_same_weights(here.weights(spec), uninterrupted(spec))


def flip_a_bit(folder: Path) -> None:
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(folder: Path) -> None:
    file = folder / "snapshots.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def remove_a_file(folder: Path) -> None:
    (folder / "history.jsonl").unlink()


@pytest.mark.parametrize("damage", [flip_a_bit, truncate, remove_a_file])
def test_a_damaged_run_is_trained_again(here: Place, damage: Callable[[Path], None]) -> None:
    spec = small_run(seed=8, epochs=2)
    here.jobs.submit(spec)
    here.reaches(spec, "trained")
    damage(here.settings.home / "runs" / spec.fingerprint)
    assert here.store.read_run(spec.fingerprint) is None
    here.jobs.submit(spec)
    wait_for(lambda: here.store.has_run(spec.fingerprint))
    here.reaches(spec, "trained")
    assert_same_weights(here.weights(spec), uninterrupted(spec))


@pytest.mark.slow
def test_two_clients_that_ask_again_for_a_damaged_run_get_it(here: Place) -> None:
    spec = small_run(seed=9, epochs=3)
    here.jobs.submit(spec)
    for _ in range(5):
        here.reaches(spec, "trained")
        flip_a_bit(here.settings.home / "runs" / spec.fingerprint)
        assert here.store.read_run(spec.fingerprint) is None
        at_once([lambda: here.jobs.submit(spec)] * 4)
        wait_for(lambda: here.store.has_run(spec.fingerprint))
    here.reaches(spec, "trained")
    assert_same_weights(here.weights(spec), uninterrupted(spec))


def test_a_run_that_diverges_fails_with_its_sentence(here: Place) -> None:
    spec = small_run(seed=10, optimizer="sgd", learning_rate=10.0)
    spec = spec.model_copy(update={"model": StackedConfig(depth=0)})
    here.jobs.submit(spec)
    job = here.reaches(spec, "failed")
    assert job.sentence.startswith("Training diverged: the loss is no longer a finite number.")
    assert "Lower the learning rate (now 10)" in job.sentence
    assert here.store.read_run(spec.fingerprint) is None
    assert here.store.read_partial(spec.fingerprint, "checkpoint") is None


def test_nobody_asked_for_an_unknown_run(here: Place) -> None:
    name = "0" * 64
    here.jobs.stop(name)
    assert here.jobs.job(name) is None
    assert here.jobs.progress(name) is None


def test_the_queue_keeps_no_pickle(here: Place) -> None:
    engine = sqlalchemy.create_engine(here.settings.queue_url)
    schema = "dbos" if engine.dialect.name == "postgresql" else None
    texts = []
    with engine.connect() as connection:
        for table in sqlalchemy.inspect(engine).get_table_names(schema=schema):
            name = f"{schema}.{table}" if schema else table
            rows = connection.execute(sqlalchemy.text(f"SELECT * FROM {name}"))  # noqa: S608
            texts += [value for row in rows for value in row if isinstance(value, str | bytes)]
    engine.dispose()
    assert any("learning_rate" in text for text in texts if isinstance(text, str))
    assert not any(is_pickle(text) for text in texts)


def is_pickle(value: str | bytes) -> bool:
    """Return whether a value is a pickle (protocol 2 or later), as it is or in base64."""
    raw = value.encode() if isinstance(value, str) else value
    try:
        return raw.startswith(b"\x80") or base64.b64decode(raw, validate=True)[:1] == b"\x80"
    except binascii.Error:
        return False


def test_a_full_queue_says_so(tmp_path: Path) -> None:
    with place(tmp_path) as idle:
        for seed in range(MAX_QUEUED):
            idle.jobs.submit(small_run(seed))
        with pytest.raises(QueueUnavailableError, match="queue is full"):
            idle.jobs.submit(small_run(MAX_QUEUED))
        idle.jobs.submit(small_run(0))  # is in it
        assert idle.job(small_run(MAX_QUEUED - 1)).ahead == MAX_QUEUED - 1


@pytest.mark.parametrize("answers", [False, True])
def test_a_queue_out_of_reach_says_so_at_once(tmp_path: Path, answers: bool) -> None:
    """Nobody listens at the port; or somebody does, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://nobody@127.0.0.1:{silent.getsockname()[1]}/queue"
        if not answers:
            silent.close()
        jobs = Jobs(Settings(home=tmp_path, database_url=url))
        began = time.monotonic()
        with pytest.raises(QueueUnavailableError) as caught:
            jobs.submit(small_run(0))
        assert str(caught.value) == UNREACHABLE
        assert time.monotonic() - began < (5 if answers else 1)
