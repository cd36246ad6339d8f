"""What a student takes home repeats the run."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load, load_file

from genlib.config import TrainConfig
from genlib.device import fixed_threads
from genlib.export.notebook import notebook, script
from genlib.export.take_home import (
    GIF_BYTES,
    take_home,
    training_gif,
    zipped,
)
from genlib.models.stacked.config import StackedConfig
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings

HOUSE = Path(__file__).resolve().parents[3]
SPEC = RunSpec(
    family="stacked",
    dataset="digits",
    model=StackedConfig(codings=5, hidden=16),
    train=TrainConfig(epochs=2, batch_size=64),
)


@pytest.fixture(scope="module")
def run() -> Run:
    with fixed_threads():
        *_, last = perform(SPEC, torch.device("cpu"))
    assert isinstance(last, Run)
    return last


@pytest.mark.slow
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


def test_the_notebook_holds_the_script_and_before_it_what_brings_genlib_along(tmp_path: Path):
    document = json.loads(notebook(SPEC))
    first, second = ["".join(cell["source"]) for cell in document["cells"]]
    assert document["nbformat"] == 4
    assert {cell["cell_type"] for cell in document["cells"]} == {"code"}
    assert second == script(SPEC)
    installing = "subprocess.run("
    assert installing in first
    bare = first.replace(installing, "print(")  # nothing is downloaded here
    where = "import genlib; print(genlib.__file__)"
    (tmp_path / "first.py").write_text(f"{bare.replace('check=True', '')}\n{where}")
    command = [sys.executable, "-I", "first.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    asked, place = done.stdout.splitlines()
    assert "'pip', 'install'" in asked
    assert Path(tmp_path, place).resolve() == tmp_path / "genlib-source/genlib/__init__.py"
    own = {path.relative_to(HOUSE) for path in HOUSE.glob("genlib/**/*.py")}
    brought = tmp_path / "genlib-source"
    assert {path.relative_to(brought) for path in brought.rglob("*.py")} == own
    assert all((brought / path).read_bytes() == (HOUSE / path).read_bytes() for path in own)


@pytest.mark.slow
def test_the_notebook_trains_the_very_same_weights_where_genlib_is_not_installed(
    run: Run, tmp_path: Path
):
    cells = ["".join(cell["source"]) for cell in json.loads(notebook(SPEC))["cells"]]
    first = cells[0].replace("subprocess.run(", "print(").replace("check=True", "")
    (tmp_path / "run.py").write_text("\n".join([first, *cells[1:]]))
    subprocess.run(
        [sys.executable, "-I", "run.py"],
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path)},
        check=True,
        timeout=200,
    )
    weights = load_file(tmp_path / "model.safetensors")
    for name, value in run.family.state_dict().items():
        assert torch.equal(weights[name], value)


def test_the_folder_says_what_the_run_is_and_holds_all_of_it(run: Run):
    files = take_home(run)
    assert {name: files[name] for name in run.to_files()} == run.to_files()
    assert json.loads(files["config.json"])["spec"] == SPEC.model_dump(mode="json")
    assert Run.from_files(files).spec == SPEC
    _, front, text = files["README.md"].decode().split("---\n", 2)
    assert front.startswith("license: mit\n")
    assert f"tags: [genlib, stacked, {SPEC.dataset}, safetensors]" in front
    assert SPEC.fingerprint in text
    for name, value in run.provenance.metrics.items():
        assert f"| {name} | {value:.6g} |" in text
    document = text.partition("```json\n")[2].partition("```")[0]
    assert RunSpec.model_validate(json.loads(document)) == SPEC
    assert load(files["pictures.safetensors"])["x"].shape[1:] == run.family.shape


def test_the_zip_is_the_folder(run: Run):
    with zipfile.ZipFile(io.BytesIO(zipped(run))) as archive:
        assert archive.testzip() is None
        actual = {Path(name).name: archive.read(name) for name in archive.namelist()}
        folders = {Path(name).parent for name in archive.namelist()}
    assert actual == take_home(run)
    assert folders == {Path(f"stacked-{SPEC.fingerprint[:8]}")}


def test_the_plain_script_of_the_folder_makes_what_the_run_makes(run: Run, tmp_path: Path):
    for name, content in take_home(run).items():
        (tmp_path / name).write_bytes(content)
    subprocess.run([sys.executable, "plain.py"], cwd=tmp_path, check=True, timeout=120)
    x = load_file(tmp_path / "pictures.safetensors")["x"]
    output = load_file(tmp_path / "made.safetensors")["made"]
    with torch.no_grad():
        wanted = run.family.preview(x, torch.Generator().manual_seed(0))
    assert torch.allclose(output, wanted, atol=1e-6)


def test_the_gif_has_a_frame_for_each_moment(run: Run):
    with Image.open(io.BytesIO(training_gif(run))) as gif:
        assert gif.n_frames == len(run.snapshots)


def test_the_gif_of_a_hundred_pictures_is_a_grid_that_can_be_sent():
    spec = RunSpec.of_preset("gan")
    content = training_gif(Run.from_files(open_store(Settings()).read_run(spec.fingerprint)))
    assert len(content) <= GIF_BYTES
    with Image.open(io.BytesIO(content)) as gif:
        width, height = gif.size
        assert 280 <= height <= width <= 1000
