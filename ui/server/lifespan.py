"""The server's life: it warms up torch, and keeps a worker running on each device."""

import asyncio
import gc
import importlib
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy  # noqa: F401 (imported before the port opens: two sessions must not race to)
import pandas  # noqa: F401 (the same)
import streamlit as st

import genlib.plots  # noqa: F401 (the same, for plotly)
from ui.server import workers

log = logging.getLogger(__name__)

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
    """Keep workers running once the first visitors had the machine for themselves."""
    warm.wait()
    ending.wait(HEAD_START)
    workers.supervise(ending)
