"""What `benchmarks.gpu` measures of processes: two at once, one killed, one short of memory."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.card import Card, Figures
from benchmarks.judging import clock
from genlib.jobs import Jobs
from genlib.jobs.attempt import Attempt, explained
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.settings import Settings

SECONDS = 8.0  # that processes train side by side
PATIENCE = 60.0  # seconds for a run to be finished after its worker was killed
FEW = 3 * 2**30  # bytes that a process may have which is to run short of them


def workers(card: Card) -> Figures:
    """Return the steps a second of one training process on the card, and of two at once."""
    figures = {}
    for count in (1, 2):
        command = [sys.executable, "-m", "benchmarks.gpu_jobs", *(["--dry"] if card.dry else [])]
        children = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        lines = [child.communicate(timeout=120)[0].splitlines()[-1] for child in children]
        figures[f"{count} at once: steps a second"] = [json.loads(line) for line in lines]
    return figures


def train_for_a_while(card: Card) -> float:
    """Return the steps a second of a training that begins when its neighbours do."""
    run = card.training(card.spec("ddpm/fast", epochs=1000))
    for _ in range(8):
        run.advance()
    clock(card.device)
    time.sleep(4 - time.time() % 4)
    began, steps, limit = clock(card.device), 0, 0.5 if card.dry else SECONDS
    while clock(card.device) - began < limit:
        for _ in range(2 if card.dry else 20):
            run.advance()
            steps += 1
    return round(steps / (clock(card.device) - began), 1)


def kill(card: Card) -> Figures:
    """Kill a worker in the middle of a run; return how long the next one takes to finish it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), database_url="", runs=None)
        spec, jobs = card.spec("stacked", epochs=100), Jobs(settings)
        jobs.submit(spec)
        worker = _worker(card, folder)
        try:
            reached = _until(lambda: _step(jobs, spec) > 0)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            worker = _worker(card, folder)
            began = time.perf_counter()
            store = Store(Path(folder))
            finished = _until(lambda: store.has_run(spec.fingerprint))
            seconds = round(time.perf_counter() - began, 1)
        finally:
            worker.terminate()
            worker.wait()
        return {"began": reached, "finished": finished, "seconds after the kill": seconds}


def _worker(card: Card, home: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "genlib", "worker", "--device", str(card.device)]
    return subprocess.Popen(command, env={**_environment(), "GENLIB_HOME": home})


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("GENLIB_")}


def _step(jobs: Jobs, spec: RunSpec) -> int:
    progress = jobs.progress(spec.fingerprint)
    return 0 if progress is None else progress.step


def _until(condition: Any) -> bool:
    """Return whether something comes true in time."""
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        if condition():
            return True
        time.sleep(0.2)
    return False


def out_of_memory(card: Card) -> Figures:
    """Return what a student reads where the card is full, and how the next job goes."""
    if card.dry:
        return {"not run": "there is no card"}
    total = torch.cuda.get_device_properties(card.device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, FEW / total), card.device)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for batch in (512, 1024, 2048, 4096):
            spec = card.spec("flow/fast", batch_size=batch, epochs=1, pictures=4 * batch)
            large = spec.model.model_copy(update={"width": 128, "depth": 2})
            figures[f"batches of {batch}"] = _sentence(
                store, spec.model_copy(update={"model": large}), card
            )
            figures[f"MiB after {batch}"] = round(torch.cuda.memory_allocated() / 2**20)
        figures["a small job afterwards"] = _sentence(store, card.spec("stacked", epochs=1), card)
    return figures


def _sentence(store: Store, spec: RunSpec, card: Card) -> str:
    attempt = Attempt(store, card.device, spec)
    return explained(attempt, threading.Event(), lambda _: None) or "trained"


if __name__ == "__main__":
    print(json.dumps(train_for_a_while(Card(dry="--dry" in sys.argv))))
