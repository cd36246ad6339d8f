"""The real server on a port of its own, and what a visitor's browser shows of it."""

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserType, FrameLocator, Locator, Page, expect
from playwright.sync_api import Error as BrowserError

from genlib.jobs import Jobs
from genlib.runs.store import Store, open_store
from genlib.settings import Settings
from tests.support import machine

HOUSE = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]  # of Chromium
PATIENCE = 300.0  # seconds: a busy machine is slow
PAGE = 1000 * PATIENCE  # the same in milliseconds
MAIN_PICTURE = "Test pictures, and under each: reconstruction"


def until(subject: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return what `what` returns once that is true; a rerun may replace what it reads."""
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() > end
        try:
            if got := subject():
                return got
        except BrowserError:
            if late:
                raise
        assert not late, f"not within {seconds} s"
        time.sleep(0.1)


class Site:
    """`streamlit run app.py` with a home folder; `prefix` is a command to run it under."""

    def __init__(self, home: Path, prefix: tuple[str, ...] = ()) -> None:
        self.home, self.prefix = home, prefix
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = home.parent / f"server-{self.port}.log"
        self.settings = Settings(home=home)
        self.jobs = Jobs(self.settings)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def store(self) -> Store:
        """The store of the home folder."""
        return open_store(self.settings)

    def start(self) -> None:
        """Start the server; return once its worker is ready."""
        command = [*self.prefix, sys.executable, "-m", "streamlit", "run", "app.py"]
        command += ["--server.port", str(self.port), "--server.address", "127.0.0.1"]
        ready = self._ready()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=HOUSE,
                env=os.environ | {"GENLIB_HOME": str(self.home)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(lambda: self._ready() > ready)
        if not self.prefix:
            until(self._healthy)

    def kill(self) -> None:
        """Kill the server as a power cut would, and nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server, and wait for the worker to end with it."""
        assert self.process is not None
        if self.process.poll() is None:
            workers = self.workers()
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
            until(lambda: not any(_runs(pid) for pid in workers))

    def workers(self) -> list[int]:
        """Return the processes that the server started."""
        assert self.process is not None
        actual = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = stat.read_text().rpartition(")")[2].split()[1]
            except OSError:  # it ended meanwhile
                continue
            if int(parent) == self.process.pid:
                actual.append(int(stat.parent.name))
        return actual

    def kill_worker(self) -> int:
        """Kill the process that trains, and return which it was."""
        (worker,) = self.workers()
        os.kill(worker, signal.SIGKILL)
        return worker

    def url(self, page: str = "", **knobs: object) -> str:
        """Return a page's address, a lesson's with its knobs."""
        query = {f"{page}.{name}": value for name, value in knobs.items()}
        return f"http://127.0.0.1:{self.port}/{page}" + (f"?{urlencode(query)}" if query else "")

    def asked_for(self) -> set[str]:
        """Return the fingerprints of all runs that anybody ever asked for."""
        return {item.workflow_id for item in self.jobs.client.list_workflows(load_input=False)}

    def finished(self, start: str) -> bool:
        """Return whether the run whose fingerprint starts so was trained here, and is whole."""
        own = [path.name for path in (self.home / "runs").glob(f"{start}*")]
        return len(own) == 1 and self.store.read_run(own[0]) is not None

    def _healthy(self) -> bool:
        try:
            with urlopen(self.url("_stcore/health"), timeout=5) as answer:  # noqa: S310
                return answer.status == 200
        except (URLError, OSError):
            return False

    def _ready(self) -> int:
        return self.log.read_text().count("worker ready") if self.log.exists() else 0


def _runs(pid: int) -> bool:
    """Return whether a process runs: one that nobody asked for its exit status does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Run a server until the block ends."""
    try:
        site.start()
        yield site
    finally:
        site.stop()


@contextmanager
def launched(kind: BrowserType, *flags: str) -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    browser = kind.launch(executable_path=machine.chromium(kind), args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


def badge(page: Page, name: str) -> None:
    """Wait for the badge over the picture to say that."""
    expect(page.locator(".stMarkdownBadge").first).to_contain_text(name)


def button(page: Page, name: str | re.Pattern[str]) -> Locator:
    """Return the button of that name that can be pressed: Streamlit also draws it for a menu."""
    return page.get_by_role("button", name=name).locator("visible=true").last


def shared_link(page: Page | FrameLocator) -> Locator:
    """Open what the button Share hides, and return the field with the link."""
    field = page.get_by_label("Link", exact=True)
    if not field.count():
        page.get_by_role("button", name="Share").click()
    expect(field).to_be_visible()
    return field


def train(page: Page) -> None:
    """Press Train, and wait until the page says that it trains."""
    button(page, re.compile("Train, about")).click()
    badge(page, "training")


def step(page: Page) -> int:
    """Return the step that the training has got to, once there is one."""
    bar = page.get_by_test_id("stProgress")
    expect(bar).to_contain_text(re.compile(r"Step [1-9]"))
    actual = re.search(r"Step ([\d,]+) of", bar.inner_text())
    assert actual
    return int(actual[1].replace(",", ""))


def main_picture(page: Page, name: str = MAIN_PICTURE) -> Locator:
    """Return the main picture of a lesson: a canvas."""
    return page.get_by_role("img", name=name)


def picture(page: Page, name: str = MAIN_PICTURE) -> bytes:
    """Return the bytes of the main picture as a PNG, once it is drawn."""
    shown = main_picture(page, name)
    expect(shown).to_be_visible(timeout=PAGE)
    address: str = shown.evaluate("e => e.toDataURL()")
    return base64.b64decode(address.partition(",")[2])


def run_name(page: Page) -> str:
    """Return the start of the fingerprint that the page shows."""
    caption = page.get_by_text(re.compile("Run [0-9a-f]{12}:"))
    expect(caption).to_be_visible(timeout=PAGE)
    actual = re.search("Run ([0-9a-f]{12}):", caption.inner_text())
    assert actual
    return actual[1]


def requests(page: Page) -> list[str]:
    """Return the addresses that the page asks for from now on; letters come when first drawn."""
    sent: list[str] = []
    page.on("websocket", lambda socket: sent.append(socket.url))
    page.on(
        "request",
        lambda request: sent.append(request.url) if request.resource_type != "font" else None,
    )
    return sent


def no_traceback(page: Page) -> None:
    """Check that nothing on the page looks like a program's failure."""
    text = page.locator("body").inner_text()
    assert not re.search(r"Traceback|Error:|Exception|error [0-9a-f]{8}", text)
