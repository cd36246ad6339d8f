"""The workers of the server: kept running, and a page says where none of them stays."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ui.server import workers
from ui.server.workers import PATIENCE, Worker, trouble

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
ENDS = [sys.executable, "-c", "raise SystemExit(1)"]


@pytest.fixture
def started(monkeypatch):
    """Another program in the place of the worker, and no pause between two of them."""
    count = []

    def use(command):
        def start(device):
            count.append(device)
            return subprocess.Popen(command)

        monkeypatch.setattr(workers, "start", start)
        monkeypatch.setattr(workers, "PAUSE", 0.0)
        return count

    return use


def looked_after(worker, seconds=30.0):
    """Look after a worker until there is trouble, or nothing more happens."""
    end = time.monotonic() + seconds
    while worker.young_ends < PATIENCE and time.monotonic() < end:
        worker.look_after()


def test_a_worker_that_ends_is_started_again(started, monkeypatch):
    count, worker = started(SLEEPS), Worker("cpu")
    monkeypatch.setattr(workers, "_workers", [worker])
    worker.look_after()
    worker.process.kill()
    worker.process.wait()
    worker.look_after()
    worker.look_after()
    assert worker.process.poll() is None
    assert count == ["cpu", "cpu"]
    assert not trouble()
    worker.end()


def test_one_that_never_stays_is_trouble_and_then_rests(started, monkeypatch):
    count, worker = started(ENDS), Worker("cpu")
    monkeypatch.setattr(workers, "_workers", [worker])
    looked_after(worker)
    assert trouble() == workers.TROUBLE
    worker.look_after()
    assert len(count) == PATIENCE
    monkeypatch.setattr(workers, "YOUNG", 0.0)  # now each that ends has lived long enough
    monkeypatch.setattr(workers, "LONG_PAUSE", 0.0)
    worker.look_after()
    worker.process.wait()
    worker.look_after()
    assert not trouble()
    worker.process.wait()


def test_what_cannot_even_be_started_is_trouble(monkeypatch):
    worker = Worker("cpu")
    monkeypatch.setattr(workers, "_workers", [worker])
    monkeypatch.setattr(workers, "PAUSE", 0.0)
    monkeypatch.setattr(workers.sys, "executable", "/no/such/python")
    looked_after(worker)
    assert trouble() == workers.TROUBLE


def test_one_device_that_trains_is_enough(monkeypatch):
    broken, sound = Worker("cuda:0"), Worker("cuda:1")
    broken.young_ends = PATIENCE
    monkeypatch.setattr(workers, "_workers", [broken, sound])
    assert not trouble()


def test_without_the_program_nice_a_worker_starts_all_the_same(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GENLIB_HOME", str(tmp_path / "home"))
    process = workers.start("cpu")
    time.sleep(0.5)
    assert process.poll() is None
    process.terminate()
    process.communicate()


def test_the_server_trains_where_its_operator_says(started, monkeypatch):
    monkeypatch.setenv("GENLIB_DEVICE", "cuda:7")
    monkeypatch.setattr(workers, "_workers", [])
    ending, count = threading.Event(), started(SLEEPS)
    thread = threading.Thread(target=workers.supervise, args=(ending,))
    thread.start()
    end = time.monotonic() + 30
    while not count and time.monotonic() < end:
        time.sleep(0.05)
    ending.set()
    thread.join(10)
    assert count == ["cuda:7"]


def study_page():
    from genlib.studies.code_map import CodeMap
    from tests.support.services import small_run
    from ui.runs.study_panel import study_panel

    study_panel(CodeMap(start=small_run(7)), "Measure", lambda _: None)


def test_a_page_says_so(monkeypatch, home):
    st.cache_resource.clear()
    page = AppTest.from_function(study_page, default_timeout=60).run()
    assert not page.warning
    worker = Worker("cpu")
    worker.young_ends = PATIENCE
    monkeypatch.setattr(workers, "_workers", [worker])
    assert page.run().warning[0].value == workers.TROUBLE
    st.cache_resource.clear()
