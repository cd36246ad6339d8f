"""A hub of this machine, and a place to work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from genlib.tasks.workspace import Workspace
from tests.support.loopback_hub import Hub, aim, loopback
from tests.support.studied import workspace_of


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with loopback() as running:
        aim(monkeypatch, running, tmp_path / "hf")
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_of(tmp_path / "home")
