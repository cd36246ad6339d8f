"""The process that trains, killed, crowded, starved and damaged: every run still ends right."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from genlib.jobs import UNREACHABLE, QueueUnavailableError
from genlib.jobs.attempt import DEATHS
from genlib.jobs.catalogue import read_task
from genlib.runs.spec import RunSpec
from genlib.runs.store import MANIFEST, verified
from genlib.studies.few_labels import FewLabels, accuracies
from tests.support import machine
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
from tests.support.studied import few_labels_of, trained, workspace_of

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def checkpoint(here: Place, spec: RunSpec | FewLabels) -> int:
    """Return the step of the run's checkpoint, 0 where there is none."""
    steps = here.settings.home.glob(f"partial/{spec.fingerprint}/checkpoint/[0-9]*/{MANIFEST}")
    return max((int(path.parent.name) for path in steps), default=0)


def is_beyond(here: Place, spec: RunSpec | FewLabels, step: int) -> bool:
    return here.store.has_run(spec.fingerprint) or checkpoint(here, spec) > step


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "kills"),
    [("sqlite", 2), ("sqlite", 14), ("postgresql", 6)],
)
def test_kills_lose_no_run_and_change_no_bit(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, kills: int
) -> None:
    server = request.getfixturevalue("server") if database == "postgresql" else None
    rng = random.Random(kills)
    runs = [small_run(seed, epochs=25) for seed in range(20)]
    with place(tmp_path, server) as here, worker(here.settings) as working:
        for killed in range(kills):
            spec = next(spec for spec in runs if not here.store.has_run(spec.fingerprint))
            here.jobs.submit(spec)
            reached = checkpoint(here, spec)
            wait_for(lambda ready=killed + 1: working.births() >= ready)
            if killed % 2:  # three deaths at one step would set it aside: see the next test
                wait_for(lambda spec=spec, step=reached: is_beyond(here, spec, step))
            time.sleep(rng.uniform(0.0, 1.0))
            working.kill()
        asked = [spec for spec in runs if here.job(spec) is not None]
        for spec in asked:
            here.reaches(spec, "trained")
            assert verified(tmp_path / "runs" / spec.fingerprint) is not None
            assert_same_weights(here.weights(spec), uninterrupted(spec))
        wait_for(lambda: working.births() > kills)  # the last kill may find all runs trained
        assert working.births() == kills + 1
        assert not (tmp_path / "quarantine").exists()
        assert not list(tmp_path.glob("partial/*"))


@pytest.mark.slow
def test_a_job_that_kills_its_worker_is_set_aside_and_the_next_one_runs(tmp_path: Path) -> None:
    """The test plays the system that is out of memory: it kills what begins this job."""
    deadly, harmless = small_run(1, epochs=100), small_run(2, epochs=1)
    with place(tmp_path) as here:
        here.jobs.submit(deadly)
        here.jobs.submit(harmless)
        begun = tmp_path / "partial" / deadly.fingerprint / "attempt" / "000000000" / MANIFEST
        with worker(here.settings) as working:
            seen = None
            for _ in range(DEATHS):
                seen = wait_for(lambda seen=seen: new_version(begun, seen))
                working.kill()
            here.reaches(harmless, "trained")
            job = here.reaches(deadly, "failed")
    assert job.sentence == (
        f"This run stopped the training process {DEATHS} times and was set aside. "
        "Choose a smaller network or a smaller batch."
    )


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 3])
def test_a_study_is_measured_by_the_worker_and_outlives_it(tmp_path: Path, kills: int) -> None:
    run = trained(codings=10)
    study = few_labels_of(run, steps=300 if kills else 50)
    with place(tmp_path) as here:
        here.store.write_run(run.spec.fingerprint, run.to_files())
        here.jobs.submit(study)
        assert here.job(study).state == "queued"
        with worker(here.settings) as working:
            for killed in range(1, kills + 1):
                reached = checkpoint(here, study)
                wait_for(lambda ready=killed: working.births() >= ready)
                wait_for(lambda step=reached: is_beyond(here, study, step))
                working.kill()
            here.reaches(study, "trained")
            here.jobs.submit(study)  # there it is: nothing is measured again
            here.reaches(study, "trained")
        progress = here.jobs.progress(study.fingerprint)
        assert (progress.step, progress.steps, progress.curve) == (study.size, study.size, [])
        files = here.store.read_run(study.fingerprint)
        assert read_task(files["study.json"].decode()) == study
        *_, alone = study.perform(workspace_of(tmp_path / "alone", run), {})
        assert files["accuracies.jsonl"] == alone.files["accuracies.jsonl"]


@pytest.mark.slow
def test_a_study_is_stopped_goes_on_and_says_what_it_misses(tmp_path: Path) -> None:
    run = trained(codings=10)
    study = few_labels_of(run, steps=400)
    with place(tmp_path) as here, worker(here.settings):
        here.jobs.submit(study)
        assert here.reaches(study, "failed").sentence.endswith("train it.")
        here.store.write_run(run.spec.fingerprint, run.to_files())
        here.jobs.submit(study)
        stored = wait_for(lambda: checkpoint(here, study))
        here.jobs.stop(study.fingerprint)
        here.reaches(study, "stopped")
        assert not here.store.has_run(study.fingerprint)
        here.jobs.submit(study)
        here.reaches(study, "trained")
        assert stored <= study.size
        assert len(accuracies(here.store.read_run(study.fingerprint))) == study.size


def new_version(path: Path, seen: str | None) -> str | None:
    """Return the file's text, once it is another one than was seen."""
    text = path.read_text() if path.exists() else None
    return text if text != seen else None


@pytest.mark.slow
def test_two_workers_share_six_jobs(server: Postgres, tmp_path: Path) -> None:
    runs = [small_run(seed, epochs=8) for seed in range(6)]
    with place(tmp_path, server, "one") as here:
        other = here.settings.model_copy(update={"worker_name": "two"})
        with worker(here.settings, "one.log") as one, worker(other, "two.log") as two:
            wait_for(lambda: one.births() and two.births())
            for spec in runs:
                here.jobs.submit(spec)
            for spec in runs:
                here.reaches(spec, "trained")
            done = here.jobs.client.list_workflows(
                workflow_ids=[spec.fingerprint for spec in runs]
            )
        assert {item.executor_id for item in done} == {"one:cpu", "two:cpu"}
        assert [item.recovery_attempts for item in done] == [1] * 6
        for spec in runs:
            assert_same_weights(here.weights(spec), uninterrupted(spec))


@pytest.mark.slow
def test_a_second_worker_waits_and_takes_over(tmp_path: Path) -> None:
    spec = small_run(1, epochs=40)
    with place(tmp_path) as here, worker(here.settings, "first.log") as first:
        wait_for(first.births)
        with worker(here.settings, "second.log") as second:
            here.jobs.submit(spec)
            wait_for(lambda: checkpoint(here, spec))
            time.sleep(3)  # the second one has had the time to start
            assert second.births() == 0
            first.kill()
            wait_for(second.births)
            here.reaches(spec, "trained")
            assert first.births() == 1
            assert_same_weights(here.weights(spec), uninterrupted(spec))


def test_a_worker_ends_when_its_parent_does(tmp_path: Path) -> None:
    with place(tmp_path) as here, worker(here.settings) as working:
        here.jobs.submit(small_run(1, epochs=1000))
        wait_for(lambda: checkpoint(here, small_run(1, epochs=1000)))
        began = time.monotonic()
        working.end()
        assert time.monotonic() - began < 5
        assert working.process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("file", ["state.safetensors", "snapshots.safetensors", MANIFEST])
def test_a_damaged_checkpoint_is_not_used(tmp_path: Path, file: str) -> None:
    spec = small_run(1, epochs=25)
    with place(tmp_path) as here:
        with worker(here.settings):
            here.jobs.submit(spec)
            wait_for(lambda: checkpoint(here, spec))
        assert here.job(spec).state == "training"
        for path in tmp_path.glob(f"partial/*/checkpoint/*/{file}"):
            path.write_bytes(path.read_bytes()[:-9])
        with worker(here.settings):
            here.reaches(spec, "trained")
        assert list(tmp_path.glob("quarantine/*"))
        assert_same_weights(here.weights(spec), uninterrupted(spec))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with machine.small_disk(tmp_path) as disk:
        yield disk


@pytest.mark.slow
@pytest.mark.parametrize("left", [8 * 2**20, 0])
def test_a_full_disk_fails_one_run_and_nothing_else(small_disk: Path, left: int) -> None:
    """There is less room than is kept free; or another program has written all there was."""
    before, during, after = small_run(1, epochs=2), small_run(2, epochs=40), small_run(3, epochs=2)
    home, ballast = small_disk / "home", small_disk / "ballast"
    with place(home) as here, worker(here.settings) as working:
        here.jobs.submit(before)
        here.reaches(before, "trained")
        here.jobs.submit(during)
        wait_for(lambda: checkpoint(here, during))
        fill(ballast, left)
        if left:
            job = here.reaches(during, "failed")
            assert job.sentence == (
                "The server's disk is full, so the run could not be kept; nothing else is lost."
            )
        else:
            time.sleep(4)
        assert_same_weights(here.weights(before), uninterrupted(before))
        ballast.unlink()
        here.jobs.submit(after)
        here.reaches(after, "trained")
        here.jobs.submit(during)
        here.reaches(during, "trained")
        assert_same_weights(here.weights(during), uninterrupted(during))
        assert not left or working.births() == 1


def fill(file: Path, left: int) -> None:
    """Write until so many bytes are left on the disk."""
    disk = os.statvfs(file.parent)
    with file.open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, disk.f_bavail * disk.f_frsize - left)


@pytest.mark.slow
def test_a_run_outlives_its_database(tmp_path: Path) -> None:
    spec = small_run(1, epochs=40)
    with postgres() as server, place(tmp_path, server) as here, worker(here.settings) as working:
        here.jobs.submit(spec)
        wait_for(lambda: checkpoint(here, spec))
        server.stop()
        began = time.monotonic()
        with pytest.raises(QueueUnavailableError, match=UNREACHABLE):
            here.job(spec)
        assert time.monotonic() - began < 3
        time.sleep(2)
        server.start()
        here.reaches(spec, "trained")
        assert working.births() == 1
        assert_same_weights(here.weights(spec), uninterrupted(spec))
