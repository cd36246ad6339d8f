"""The server's life: it warms up torch, and keeps a worker running on each device."""

import asyncio
import gc
import importlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy  # noqa: F401 (imported before the port opens: two sessions must not race to)
import pandas  # noqa: F401 (the same)
import streamlit as st

import genlib.plots  # noqa: F401 (the same, for plotly)

log = logging.getLogger(__name__)

HOUSE = Path(__file__).resolve().parents[2]
HEAD_START = 4.0  # seconds that the first visitors have the machine for themselves
warm = threading.Event()  # set once torch and the first lesson's pictures are loaded


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Start what runs beside the pages, and end it with the server."""
    ending = threading.Event()
    threads = [
        threading.Thread(target=target, args=(ending,), daemon=True)
        for target in (_warm_up, _supervise)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        await asyncio.to_thread(threads[1].join, 5)


def _warm_up(ending: threading.Event) -> None:
    """Import what takes seconds while the first page is drawn already; diffusers last."""
    try:
        cache = importlib.import_module("ui.cache")
        cache.warm_up()
    except Exception:
        log.exception("error while warming up")
    gc.freeze()  # what is loaded now stays: no collection need look at it again
    warm.set()
    if not ending.wait(3 * HEAD_START):
        importlib.import_module("genlib.hub.pretrained").of_diffusers("AutoencoderTiny")


def _supervise(ending: threading.Event) -> None:
    """Keep one worker process running on each device until the server ends."""
    warm.wait()
    ending.wait(HEAD_START)
    names = [str(device) for device in importlib.import_module("genlib.device").available()]
    workers: dict[str, subprocess.Popen[bytes]] = {}
    born: dict[str, float] = {}
    while not ending.wait(0.2):
        for name in names:
            running = name in workers and workers[name].poll() is None
            if not running and time.monotonic() - born.get(name, -9.0) > 1.0:
                workers[name] = _start_worker(name)
                born[name] = time.monotonic()
    for worker in workers.values():
        worker.terminate()
        worker.wait()


def _start_worker(device: str) -> subprocess.Popen[bytes]:
    """Start a worker; it ends when this process does, as its standard input then closes."""
    command = ["nice", "-n", "10", sys.executable, "-m", "genlib", "worker"]  # pages come first
    command += ["--device", device, "--with_parent", "True"]
    patient = {"OMP_WAIT_POLICY": "PASSIVE"}  # threads that wait for a busy core sleep, not spin
    return subprocess.Popen(  # noqa: S603
        command, cwd=HOUSE, stdin=subprocess.PIPE, env=os.environ | patient
    )
