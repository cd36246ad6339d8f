"""What the tests share."""

import functools
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from streamlit.components.v2 import manifest_scanner
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from genlib.data.dataset import load
from tests.support.machine import LACKING

torch.set_num_threads(1)  # tiny work: more threads only wait for each other
settings.register_profile("untimed", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("untimed")
# Every page under test would read the metadata of all packages that are installed: once will do.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)

FIRST = ("e2e", "pages")  # they take longest: of two processes, neither should end alone
VISITS = sorted(path.name for path in Path(__file__).parent.glob("e2e/test_*.py"))
BROWSERS = 2  # processes that drive one: each has a server and a worker beside it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first."""
    items.sort(key=lambda item: item.path.parent.name not in FIRST)


class Scheduling(LoadFileScheduling):
    """A file's tests run in one process; those with a browser in BROWSERS of the processes."""

    def _split_scope(self, nodeid: str) -> str:
        """Return what has to run in one process with a test."""
        path: str = super()._split_scope(nodeid)
        folder, _, name = path.rpartition("/")
        return f"browser {VISITS.index(name) % BROWSERS}" if folder.endswith("e2e") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Return the scheduler of the processes, where there are several."""
    return Scheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what to install for the tests that were skipped."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = {str(report.longrepr[2]) for report in reports if isinstance(report.longrepr, tuple)}
    lacked = sorted(reason.partition(LACKING)[2] for reason in reasons if LACKING in reason)
    if lacked:
        terminalreporter.write_line(f"Tests were skipped that need {' and '.join(lacked)}.")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty data folder, and no data set remembered from another one."""
    monkeypatch.setenv("GENLIB_HOME", str(tmp_path))
    load.cache_clear()
    yield tmp_path
    load.cache_clear()


@pytest.fixture(autouse=True)
def _main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring back the main module, which a page under test replaces by its own script."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _skip_without_gpu(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
