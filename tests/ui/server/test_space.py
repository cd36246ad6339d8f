"""A Space: where its runs are kept, and how its pages live inside another site's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config

from tests.support.requests import Inside, request
from tests.support.services import ROOT
from ui.server.space import framed, settle

HOST = "student-genlib.hf.space"
NOWHERE = "/proc/nowhere"  # nobody can make it
OPTIONS = ("server.corsAllowedOrigins", "server.xsrfCookieSameSite")


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is no Space; afterwards Streamlit's options are as they were."""
    before = {name: config.get_option(name) for name in OPTIONS}
    environment = dict(os.environ)
    for name in ("SPACE_HOST", "GENLIB_RUNS", "GENLIB_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield
    os.environ.clear()
    os.environ.update(environment)
    for name, value in before.items():
        config.set_option(name, value)


def folders() -> tuple[str | None, str | None]:
    return os.environ.get("GENLIB_RUNS"), os.environ.get("GENLIB_HOME")


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        (b"x=1; SameSite=None; Secure", b"x=1; SameSite=None; Secure; Partitioned"),
        (b"x=1; SameSite=Lax", b"x=1; SameSite=Lax"),
    ],
)
def test_a_cookie_for_frames_is_kept_apart_for_each_site(cookie: bytes, sent: bytes) -> None:
    assert request(framed(Inside(cookie)), "/vae")[1][b"set-cookie"] == sent


def test_without_a_bucket_or_a_host_nothing_changes() -> None:
    settle()
    assert folders() == (None, None)
    assert [config.get_option(name) for name in OPTIONS] == [[], "lax"]


def test_a_bucket_that_holds_is_used_and_the_trial_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, home = tmp_path / "bucket", str(tmp_path / "home")
    monkeypatch.setenv("GENLIB_RUNS", str(bucket / "runs"))
    monkeypatch.setenv("GENLIB_HOME", home)
    settle()
    assert folders() == (str(bucket / "runs"), home)
    assert list(bucket.rglob("*")) == [bucket / "runs"]


def test_a_bucket_that_keeps_nothing_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLIB_RUNS", f"{NOWHERE}/runs")
    monkeypatch.setenv("GENLIB_HOME", f"{NOWHERE}/their own")
    settle()
    assert folders() == (None, f"{NOWHERE}/their own")  # what the operator sets stays


HOMELESS = """
import os
from ui.server.space import settle
settle()
print(os.environ.get("GENLIB_RUNS"), os.environ["GENLIB_HOME"])
"""


def test_a_user_without_a_home_keeps_runs_in_the_temporary_folder(tmp_path: Path) -> None:
    """In a process of its own, as the home is looked up when the settings are imported."""
    own = {"HOME": NOWHERE, "GENLIB_RUNS": f"{NOWHERE}/runs", "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", HOMELESS],
        cwd=ROOT,
        env=os.environ | own,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout == f"None {tmp_path}/genlib-{os.getuid()}\n"


def test_a_space_may_have_a_domain_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_HOST", f"{HOST},genlib.example")
    settle()
    origins, same_site = (config.get_option(name) for name in OPTIONS)
    assert origins == [f"https://{HOST}", "https://genlib.example"]
    assert same_site == "none"
