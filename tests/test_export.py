"""What a student takes home repeats the run."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from genlib.config import TrainConfig
from genlib.export import notebook, script, training_gif
from genlib.models.stacked import StackedConfig
from genlib.runs import Run, RunSpec, perform

HOUSE = Path(__file__).resolve().parent.parent
SPEC = RunSpec(
    family="stacked",
    dataset="digits",
    model=StackedConfig(codings=5, hidden=16),
    train=TrainConfig(epochs=2, batch_size=64),
)


@pytest.fixture(scope="module")
def run() -> Run:
    *_, last = perform(SPEC, torch.device("cpu"))
    assert isinstance(last, Run)
    return last


def test_the_script_gives_the_very_same_weights(run: Run, tmp_path: Path):
    (tmp_path / "take_home.py").write_text(script(SPEC))
    subprocess.run(
        [sys.executable, "take_home.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(HOUSE), "PATH": "", "HOME": str(tmp_path)},
        check=True,
        timeout=120,
    )
    weights = load_file(tmp_path / "model.safetensors")
    for name, value in run.family.state_dict().items():
        assert torch.equal(weights[name], value)


def test_the_notebook_holds_the_script():
    document = json.loads(notebook(SPEC))
    (cell,) = document["cells"]
    assert document["nbformat"] == 4
    assert cell["cell_type"] == "code"
    assert "".join(cell["source"]) == script(SPEC)


def test_the_gif_has_a_frame_for_each_moment(run: Run):
    with Image.open(io.BytesIO(training_gif(run))) as gif:
        assert gif.n_frames == len(run.moments)
