"""Other systems than Linux: a worker that lacks what macOS and Windows lack trains all the same.

They are played here: `tests/support/systems` takes from a Python what such a system refuses.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from tests.support.services import (
    acting_as,
    assert_same_weights,
    place,
    small_run,
    uninterrupted,
    worker,
)

SYSTEMS = ("macos", "windows")


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_worker_trains_there_to_the_same_bits(system: str, tmp_path: Path) -> None:
    spec = small_run(0, epochs=2)
    with place(tmp_path) as here, worker(here.settings, system=system):
        here.jobs.submit(spec)
        here.reaches(spec, "trained")
        assert_same_weights(here.weights(spec), uninterrupted(spec))


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_lock_there_lets_nobody_else_in_until_it_is_given_back(
    system: str, tmp_path: Path
) -> None:
    code = (
        "import pathlib, sys\n"
        "from genlib.jobs.worker import _locked\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "one, two = path.open('w'), path.open('w')\n"
        "print(_locked(one), _locked(two), one.close(), _locked(two))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    done = subprocess.run(command, env=acting_as(system), capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False", "None", "True"], done.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_of_a_model_has_sixty_four_bits_which_an_apple_gpu_lacks(family: str) -> None:
    model = RunSpec.of_preset(family).build()
    wide = [
        name
        for name, value in [*model.named_parameters(), *model.named_buffers()]
        if value.dtype == torch.float64
    ]
    assert not wide
