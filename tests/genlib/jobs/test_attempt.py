"""One job, ended at any moment: it goes on from what it kept, and says plainly what went wrong."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load as load_arrays

from genlib.config import TrainConfig
from genlib.data import DatasetUnavailableError
from genlib.device import fixed_threads, name
from genlib.jobs.attempt import DEATHS, Attempt, explained
from genlib.jobs.catalogue import read_task
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store, StoreFullError
from genlib.studies.code_map import CodeMap
from genlib.studies.few_labels import FewLabels, accuracies
from genlib.tasks.progress import REPORT, Progress, Reporter
from genlib.tasks.task import Task
from genlib.training.curve import Row
from tests.support.studied import CPU, few_labels_of, trained

UNTRAINED = "The model that this begins with is not trained yet: train it."
CURVE = [Row(step, "train", {"mse": 1 / step}) for step in range(1, 41)]


class KilledError(BaseException):
    """The end of the process, played by an exception that nobody catches."""


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few of the labels, so that a study takes a second."""
    monkeypatch.setattr("genlib.studies.few_labels.LABELS", (10, 30))


@pytest.fixture(scope="module")
def run() -> Run:
    return trained(codings=10)


@pytest.fixture
def store(run: Run, tmp_path: Path) -> Store:
    """A store with the finished run that the studies begin with."""
    output = Store(tmp_path)
    output.write_run(run.spec.fingerprint, run.to_files())
    return output


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a few-label study that nobody interrupted."""
    store = Store(tmp_path_factory.mktemp("whole"))
    store.write_run(run.spec.fingerprint, run.to_files())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genlib.studies.few_labels.LABELS", (10, 30))
        assert worked(store, few_labels_of(run)) is None
    files = store.read_run(few_labels_of(run).fingerprint)
    assert files is not None
    return files


def worked(
    store: Store,
    task: Task,
    send: Callable[[str], None] = lambda _: None,
    stopped: bool = False,
) -> str | None:
    """Work on a task in a new attempt; one that is stopped ends at its next sign of life."""
    event = threading.Event()
    if stopped:
        event.set()
    return explained(Attempt(store, CPU, task), event, send)


def reached(store: Store, task: Task) -> int:
    """Return the number of the task's checkpoint, 0 where there is none."""
    actual = store.read_partial(task.fingerprint, "checkpoint")
    return actual[0] if actual is not None else 0


def decoded(messages: list[str]) -> list[dict]:
    return [json.loads(message) for message in messages]


def test_the_first_sign_of_life_comes_at_once_and_the_next_ones_now_and_then():
    messages: list[str] = []
    reporter, step = Reporter(messages.append), 0
    began = time.perf_counter()
    while time.perf_counter() - began < 2.5 * REPORT:
        step += 1
        reporter.report(Progress(step, 4000, read_curve=lambda: CURVE[:2]))
        time.sleep(0.01)
    assert decoded(messages)[0]["step"] == 1
    assert len(messages) == 3
    reporter.report(Progress(4000, 4000, read_curve=lambda: CURVE))
    assert decoded(messages)[-1]["step"] == 4000


def test_every_row_of_the_curve_is_sent_once_and_in_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("genlib.tasks.progress.REPORT", 0.0)
    messages: list[str] = []
    reporter = Reporter(messages.append)
    for step in (0, 1, 2, 3, 3, 10, 11, 29, 40, 40):
        reporter.report(Progress(step, 40, read_curve=lambda step=step: CURVE[:step]))
        time.sleep(0.002)
    seen = decoded(messages)
    assert [message["step"] for message in seen] == [1, 2, 3, 10, 11, 29, 40]
    assert {message["steps"] for message in seen} == {40}
    sent = [Row(**row) for message in seen for row in message["rows"]]
    assert sent == CURVE


def test_a_window_that_still_fills_is_not_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("genlib.tasks.progress.REPORT", 0.0)
    messages: list[str] = []
    reporter = Reporter(messages.append)
    half, full = Row(3, "train", {"mse": 9.0}), Row(3, "train", {"mse": 1.0})
    reporter.report(Progress(3, 4, read_curve=lambda: [CURVE[0], half]))
    time.sleep(0.002)
    reporter.report(Progress(4, 4, read_curve=lambda: [CURVE[0], full]))
    assert [message["rows"] for message in decoded(messages)] == [
        [CURVE[0]._asdict()],
        [full._asdict()],
    ]


def test_the_pace_and_the_time_left_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("genlib.tasks.progress.REPORT", 0.0)
    messages: list[str] = []
    reporter = Reporter(messages.append)
    reporter.report(Progress(100, 1000, batch_size=50))  # the attempt before had got so far
    began = time.perf_counter()
    time.sleep(0.2)
    reporter.report(Progress(300, 1000, batch_size=50))
    pace = 200 / (time.perf_counter() - began)
    first, second = decoded(messages)
    assert (first["images_per_second"], first["seconds_left"]) == (0.0, None)
    assert second["images_per_second"] == pytest.approx(50 * pace, rel=0.1)
    assert second["seconds_left"] == pytest.approx(700 / pace, rel=0.1)


def test_a_finished_study_is_in_the_store_with_what_it_is_and_how_it_was_made(
    run: Run, store: Store
):
    study, messages = few_labels_of(run), []
    began = time.perf_counter()
    assert worked(store, study, messages.append) is None
    seconds = time.perf_counter() - began
    files = store.read_run(study.fingerprint)
    assert set(files) == {"accuracies.jsonl", "made.json", "study.json"}
    assert read_task(files["study.json"].decode()) == study
    output = json.loads(files["made.json"])
    assert 0 < output["seconds"] <= seconds
    assert output["device"] == name(CPU)
    assert len(accuracies(files)) == study.size
    assert reached(store, study) == 0
    seen = decoded(messages)
    steps = [message["step"] for message in seen]
    assert steps == sorted(set(steps))
    assert steps[-1] == study.size
    assert {message["steps"] for message in seen} == {study.size}
    assert all(message["rows"] == [] for message in seen)


def test_a_map_is_kept_like_any_study(run: Run, store: Store):
    study = CodeMap(start=run.spec, pictures=100)
    assert worked(store, study) is None
    files = store.read_run(study.fingerprint)
    assert set(files) == {"map.safetensors", "made.json", "study.json"}
    assert read_task(files["study.json"].decode()) == study
    assert load_arrays(files["map.safetensors"])["tsne"].shape == (100, 2)


@pytest.mark.parametrize("study", [CodeMap, FewLabels])
def test_without_the_run_that_it_begins_with_a_study_says_so(
    tmp_path: Path, run: Run, study: type[CodeMap] | type[FewLabels]
):
    assert worked(Store(tmp_path), study(start=run.spec)) == UNTRAINED
    assert not (tmp_path / "runs").exists()


def test_it_says_so_as_often_as_it_is_asked(tmp_path: Path, run: Run):
    """No process ended, so nothing is set aside."""
    store, study = Store(tmp_path), few_labels_of(run)
    text = [worked(store, study) for _ in range(DEATHS + 2)]
    assert text == [UNTRAINED] * (DEATHS + 2)
    store.write_run(run.spec.fingerprint, run.to_files())
    assert worked(store, study) is None
    assert store.has_run(study.fingerprint)


def test_a_stopped_study_keeps_what_it_measured_and_goes_on_from_there(
    run: Run, store: Store, whole: dict[str, bytes]
):
    study = few_labels_of(run)
    assert worked(store, study, stopped=True) is None
    assert not store.has_run(study.fingerprint)
    number, files = store.read_partial(study.fingerprint, "checkpoint")
    assert number == 1
    assert accuracies(files) == accuracies(whole)[:1]
    assert read_task(files["study.json"].decode()) == study
    messages: list[str] = []
    assert worked(store, study, messages.append) is None
    assert decoded(messages)[0]["step"] == 2
    done = store.read_run(study.fingerprint)
    assert done["accuracies.jsonl"] == whole["accuracies.jsonl"]
    assert json.loads(done["made.json"])["seconds"] > json.loads(files["made.json"])["seconds"]


def test_a_study_stopped_after_every_step_is_not_set_aside_and_ends_the_same(
    run: Run, store: Store, whole: dict[str, bytes]
):
    study, stops = few_labels_of(run), 0
    while not store.has_run(study.fingerprint):
        assert worked(store, study, stopped=True) is None
        stops += 1
        assert stops <= study.size + 1
        if not store.has_run(study.fingerprint):
            assert reached(store, study) == stops
    done = store.read_run(study.fingerprint)
    assert done["accuracies.jsonl"] == whole["accuracies.jsonl"]


def kill(message: str) -> None:
    raise KilledError


def test_a_study_whose_process_dies_after_every_step_ends_the_same(
    run: Run, store: Store, whole: dict[str, bytes]
):
    study = few_labels_of(run)
    for step in range(1, study.size + 1):
        with pytest.raises(KilledError):
            worked(store, study, kill)
        assert reached(store, study) == step
    assert worked(store, study, kill) is None  # there is nothing left to measure
    done = store.read_run(study.fingerprint)
    assert done["accuracies.jsonl"] == whole["accuracies.jsonl"]


def test_a_study_that_dies_again_and_again_at_one_step_is_set_aside(run: Run, store: Store):
    """A map begins anew each time, so it comes no further than its first round."""
    study = CodeMap(start=run.spec, pictures=100)
    with pytest.raises(KilledError):
        worked(store, study, kill)
    for _ in range(DEATHS):
        with pytest.raises(KilledError):
            worked(store, study, kill)
    sentence = worked(store, study, kill)
    assert sentence.startswith(f"This run stopped the training process {DEATHS} times")
    assert reached(store, study) == 0


def test_a_damaged_checkpoint_of_a_study_is_not_used(
    run: Run, store: Store, whole: dict[str, bytes]
):
    study = few_labels_of(run)
    worked(store, study, stopped=True)
    (stored,) = store.home.glob(f"partial/{study.fingerprint}/checkpoint/*/accuracies.jsonl")
    stored.write_bytes(stored.read_bytes().replace(b"0.", b"1."))
    assert worked(store, study) is None
    done = store.read_run(study.fingerprint)
    assert done["accuracies.jsonl"] == whole["accuracies.jsonl"]


def test_work_on_a_run_gives_the_run(tmp_path: Path):
    document = {"family": "stacked", "dataset": "digits", "model": {"codings": 10}}
    train = TrainConfig(batch_size=64, epochs=10)
    spec = RunSpec.model_validate(document | {"train": train})
    store, messages = Store(tmp_path), []
    assert worked(store, spec, messages.append, stopped=True) is None
    assert not store.has_run(spec.fingerprint)
    assert worked(store, spec, messages.append) is None
    again = Run.from_files(store.read_run(spec.fingerprint))
    with fixed_threads():  # as a worker has them
        *_, expected = perform(spec, CPU)
    assert isinstance(expected, Run)
    assert again.spec == expected.spec
    weights = expected.family.state_dict()
    assert all(
        torch.equal(value, weights[key]) for key, value in again.family.state_dict().items()
    )
    assert again.curve == expected.curve
    assert (
        decoded(messages)[-1]["step"] == decoded(messages)[-1]["steps"] == expected.curve[-1].step
    )


def raising(error: Exception) -> Callable[[str], None]:
    def send(message: str) -> None:
        raise error

    return send


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DatasetUnavailableError("KMNIST is not here; choose digits."), "KMNIST is not here"),
        (StoreFullError("no room"), "The server's disk is full"),
        (torch.OutOfMemoryError("CUDA out of memory"), "lower the batch size or the units."),
    ],
    ids=["data", "disk", "memory"],
)
def test_what_can_be_changed_is_said(run: Run, store: Store, error: Exception, sentence: str):
    text = worked(store, few_labels_of(run), raising(error))
    assert sentence in text
    assert text.endswith(".")
    assert "Error" not in text


def test_what_nobody_foresaw_is_in_the_log_under_the_number_that_is_told(
    run: Run, store: Store, caplog: pytest.LogCaptureFixture
):
    study = few_labels_of(run)
    with caplog.at_level(logging.ERROR, "genlib.jobs.attempt"):
        text = worked(store, study, raising(RuntimeError("secret of the house")))
    number = re.search(r"\(error ([0-9a-f]{8})\); it is in the log\.$", text)[1]
    assert "secret" not in text
    (record,) = caplog.records
    assert number in record.getMessage()
    assert study.fingerprint in record.getMessage()
    assert "secret of the house" in str(record.exc_info[1])
    assert worked(store, study) is None, "asked again, it goes on"
    assert store.has_run(study.fingerprint)


def test_what_an_apple_gpu_cannot_compute_is_said_with_the_way_out(store: Store) -> None:
    class Refused(Attempt):
        def run(self, stopped: threading.Event, send: Callable[[str], None]) -> None:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    spec = trained(codings=10).spec
    sentence = explained(Refused(store, torch.device("mps"), spec), threading.Event(), print)
    assert "GENLIB_DEVICE=cpu" in str(sentence)
    ours = explained(Refused(store, CPU, spec), threading.Event(), print)
    assert "Something went wrong" in str(ours)
