"""The server's life: it settles in, warms up torch, keeps workers running, logs errors."""

import asyncio
import gc
import importlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import numpy  # noqa: F401 (imported before the port opens: two sessions must not race to)
import pandas  # noqa: F401 (the same)
import streamlit as st
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

import genlib.plots  # noqa: F401 (the same, for plotly)
from genlib.runs.store import write_bundle
from genlib.settings import Settings
from ui.navigation import PLAN

log = logging.getLogger(__name__)

HOUSE = Path(__file__).resolve().parents[2]
HEAD_START = 4.0  # seconds that the first visitors have the machine for themselves
warm = threading.Event()  # set once torch and the first lesson's pictures are loaded


def settle() -> None:
    """Adapt to the place where the server runs, before anything asks for a setting.

    On a Space, pages are shown inside another site's: their sockets come from the Space's own
    address, and the cookie that guards uploads is sent from there. Finished runs are kept at
    GENLIB_RUNS only where a bucket is mounted that can be written; else, and all that is not
    finished, on the container's own disk, in whichever folder its user may write.
    """
    if hosts := os.environ.get("SPACE_HOST"):  # with the Space's own domain after a comma
        origins = [f"https://{host.strip()}" for host in hosts.split(",")]
        config.set_option("server.corsAllowedOrigins", origins)
        config.set_option("server.xsrfCookieSameSite", "none")
    if runs := os.environ.get("GENLIB_RUNS"):
        if not keeps(Path(runs)):
            del os.environ["GENLIB_RUNS"]
        if "GENLIB_HOME" not in os.environ and not keeps(Settings().home):
            os.environ["GENLIB_HOME"] = f"{tempfile.gettempdir()}/genlib-{os.getuid()}"
        log.warning("runs are kept in %s", Settings().runs or Settings().home)


def keeps(folder: Path) -> bool:
    """Return whether runs can be kept in a folder, by keeping something there as they are."""
    probe = folder / f"probe-{uuid.uuid4().hex}"
    try:
        write_bundle(probe, {"probe": b"it holds"})
    except OSError:
        return False
    finally:
        shutil.rmtree(probe, ignore_errors=True)
    return True


def framed(app: ASGIApp) -> ASGIApp:
    """Middleware for a page inside another site's, as Hugging Face shows a Space.

    Such a page begins at / whichever lesson its link means, and gets only the query: so from
    /?page=vae&vae.beta=4 it is sent on to /vae?vae.beta=4. Its cookie is kept apart for each site
    around it: any other is refused by browsers that refuse cookies of third parties.
    """
    lessons = PLAN.keys() - {"home"}

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def kept_apart(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", [])
                message["headers"] = [(name, _kept_apart(value)) for name, value in headers]
            await send(message)

        if scope["type"] == "http" and scope["path"] == "/":
            asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if (lesson := dict(asked).get("page")) in lessons:
                knobs = urlencode([(name, value) for name, value in asked if name != "page"])
                await RedirectResponse(f"/{lesson}?{knobs}")(scope, receive, send)
                return
        await app(scope, receive, kept_apart)

    return served


def _kept_apart(value: bytes) -> bytes:
    """Return a header's value; a cookie for frames is kept apart for each site around them."""
    return value + b"; Partitioned" if value.endswith(b"; SameSite=None; Secure") else value


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


def report_error(error: Exception) -> bool:
    """Say one sentence on the page, under a number by which the log has the traceback."""
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    st.error(
        f"Something went wrong here (error {number}). Reload the page; "
        "if it comes back, open the lesson from the menu to start from its defaults.",
        icon=":material/error:",
    )
    return True
