"""A GPU that does not start, is lost, is full or is slow: the student reads what became of it."""

import os
import threading
import weakref
from collections.abc import Callable

import pytest
import torch

from genlib import device as devices
from genlib.config import TrainConfig
from genlib.jobs import notices, worker
from genlib.jobs.attempt import DEATHS, Attempt, explained
from genlib.models.stacked.config import StackedConfig
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.settings import Settings
from genlib.tasks.durations import Durations
from tests.support.studied import CPU

SPEC = RunSpec(
    family="stacked",
    dataset="digits",
    model=StackedConfig(codings=10),
    train=TrainConfig(batch_size=64, epochs=10),
)
MISSING = torch.device("cuda:99")  # no machine has so many


class EndedError(BaseException):
    """The end of the process."""


def end(code: int) -> None:
    raise EndedError


def raising(error: Exception) -> Callable[[str], None]:
    def send(message: str) -> None:
        raise error

    return send


@pytest.fixture
def noted(monkeypatch) -> list[tuple[RunSpec, str]]:
    """What is remembered of runs, and of which device."""
    runs: list[tuple[RunSpec, str]] = []

    def note(self, spec, seconds, device, share=1.0):
        assert seconds > 0
        assert 0 < share <= 1
        runs.append((spec, device))

    monkeypatch.setattr(Durations, "note", note)
    return runs


def attempt(store: Store) -> Attempt:
    return Attempt(store, CPU, SPEC)


def test_a_worker_whose_gpu_computes_no_more_ends_and_its_job_counts_one_attempt(
    tmp_path, monkeypatch
):
    store = Store(tmp_path)
    monkeypatch.setattr(os, "_exit", end)
    lost = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    monkeypatch.setattr(worker, "send", raising(lost))
    for _ in range(DEATHS):
        with pytest.raises(EndedError):
            worker._performed(attempt(store), threading.Event())
    sentence = worker._performed(attempt(store), threading.Event())
    assert sentence.startswith(f"This run stopped the training process {DEATHS} times")


def test_any_other_error_leaves_the_worker_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(worker, "send", raising(RuntimeError("no")))
    for _ in range(DEATHS + 2):
        sentence = worker._performed(attempt(Store(tmp_path)), threading.Event())
        assert sentence.startswith("Something went wrong")


def test_a_gpu_that_does_not_start_leaves_the_work_to_the_cpu_and_says_so(tmp_path):
    settings = Settings(home=tmp_path)
    assert worker._first_that_starts(MISSING, settings) == CPU
    (sentence,) = notices.read(settings)
    assert "cuda:99 does not start" in sentence
    assert "\n" not in sentence


def test_a_gpu_that_starts_again_takes_the_notice_back(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path)
    worker._first_that_starts(MISSING, settings)
    monkeypatch.setattr(worker, "_warm_up", lambda device: None)
    assert worker._first_that_starts(MISSING, settings) == MISSING
    assert notices.read(settings) == []


def test_a_gpu_that_pytorch_cannot_use_is_named(tmp_path, monkeypatch):
    """Its driver is older than the wheel: then PyTorch sees none at all."""
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(devices, "NVIDIA", tmp_path)
    settings = Settings(home=tmp_path)
    assert worker._first_that_starts(CPU, settings) == CPU
    (sentence,) = notices.read(settings)
    assert "driver" in sentence
    monkeypatch.setattr(devices, "NVIDIA", tmp_path / "none")
    assert devices.unused_gpu() == ""


def test_memory_is_given_back_only_after_what_held_it_is_gone(tmp_path, monkeypatch):
    alive = []

    def send(message: str) -> None:
        large = torch.zeros(10)
        alive.append(weakref.ref(large))
        raise torch.OutOfMemoryError("CUDA out of memory")

    freed = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: freed.append(alive[0]() is None))
    assert "batch size" in explained(attempt(Store(tmp_path)), threading.Event(), send)
    assert freed == [True]


def test_a_run_that_proves_too_long_is_refused_and_the_next_estimate_knows(
    tmp_path, monkeypatch, noted
):
    """No machine like this one had trained any: only its first seconds tell."""
    monkeypatch.setattr("genlib.jobs.attempt.MEASURING", 0.0)
    monkeypatch.setattr("genlib.jobs.attempt.LONGEST", 1e-6)
    store = Store(tmp_path)
    sentence = explained(attempt(store), threading.Event(), lambda _: None)
    assert "too long" in sentence
    assert not store.has_run(SPEC.fingerprint)
    assert noted == [(SPEC, devices.name(CPU))]


def test_a_finished_run_is_noted_for_the_next_estimate(tmp_path, noted):
    assert explained(attempt(Store(tmp_path)), threading.Event(), lambda _: None) is None
    assert set(noted) == {(SPEC, devices.name(CPU))}
