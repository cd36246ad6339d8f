"""What the tests share."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from genlib.data import load

torch.set_num_threads(1)  # tiny work: more threads only wait for each other
settings.register_profile("untimed", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("untimed")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty data folder, and no data set remembered from another one."""
    monkeypatch.setenv("GENLIB_HOME", str(tmp_path))
    load.cache_clear()
    yield tmp_path
    load.cache_clear()


@pytest.fixture(autouse=True)
def _skip_without_gpu(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
