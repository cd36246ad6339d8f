"""A run's plain script does what the run does, with torch and safetensors and nothing else."""

import ast
import functools
import importlib
import inspect
import re
import runpy
import subprocess
import sys
import textwrap
import threading
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import genlib
from genlib.config import TrainConfig
from genlib.data import DATASETS
from genlib.entry import FamilyEntry
from genlib.export.plain_script import plain_script
from genlib.export.source import read, source_of
from genlib.models import FAMILIES
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.spec import RunSpec

PRESETS = [(name, preset) for name in FAMILIES for preset in FAMILIES[name].presets]
PICTURES = [pair for pair in PRESETS if DATASETS[RunSpec.of_preset(*pair).dataset].shape[1] > 1]
every_preset = pytest.mark.parametrize(("name", "preset"), PRESETS)
COUNT = 4
MISSING = ("genlib", "pydantic", "jaxtyping", "numpy", "torchvision", "sklearn", "plotly")
DRIVER = f"""
import importlib, os, runpy, sys
from pathlib import Path

for name in {MISSING}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{{name}} can be imported")

for folder in map(Path, sys.argv[1:]):
    sys.argv = [str(folder / "plain.py")]
    runpy.run_path(sys.argv[0], run_name="__main__")
    if (folder / "use.py").exists():
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        sys.modules.pop("plain", None)
        runpy.run_path("use.py")
        sys.path.remove(str(folder))
"""
LATER_CONFIG = '''
"""A family of later.

$$x$$
"""

from typing import Literal

from genlib.config import Config

Kind = Literal["it's", "other"]


class LaterConfig(Config):
    kind: Kind = "it's"
    unread: int = 3
'''
LATER = '''
"""Its networks."""

import math as m
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlib.family import Family, Pictures
from genlib.later_config import LaterConfig
from genlib.later_parts import FIRST, Residual as Inner, hash, noise


class Marked(ABC):
    """Nothing is left of it."""

    @abstractmethod
    def mark(self) -> None:
        """Return nothing."""


class _Named(nn.Module):
    def forward(self, x: Pictures) -> Pictures:
        return x * 2

    def unused(self) -> int:
        return FORGOTTEN

    def extra_repr(self) -> str:
        return "torch asks for it"


class Residual(nn.Module):
    """Another of that name."""

    def forward(self, x: Pictures) -> Pictures:
        """Return x and a bit."""
        return x + 0.25


FORGOTTEN, SECOND = 1, 0.5


def scaled(
    x: Pictures, *, by: float = SECOND, the_first_of_the_many_others: str = "it", second: int = 2,
    the_last_of_the_many_others: tuple[str, ...] = ("wraps", "it is so long"),
) -> Pictures:
    """Return x, scaled; `noise` is local here, whatever it is elsewhere."""
    noise: Float[Tensor, ""] = torch.tensor(by)
    return (lambda Inner: Inner * noise)(x)


class Later(Family, Marked):
    """A family."""

    def __init__(self, config: LaterConfig, shape: tuple[int, int, int]) -> None:
        super().__init__(config, shape)
        self.layers = nn.Sequential(Residual(), Inner(), _Named())
        self.bias = nn.Parameter(torch.zeros(shape))
        self.kind: str = config.kind

    def mark(self) -> None:
        """Return nothing."""

    def preview(self, x: Pictures, rng: torch.Generator) -> Pictures:
        """Return pictures."""
        if self.kind != "it's":
            raise ValueError(self.kind)
        return noise(scaled(self.layers(x)), rng) * m.pi * FIRST * hash(2) + self.bias

    players = updates = evaluate = sizes = preview
'''
PARTS = '''
"""What it shares."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

FIRST = 2  # of all


@dataclass(frozen=True)
class Pair:
    """Two numbers."""

    one: int
    two: Tensor

    def both(self) -> Tensor:
        """Return their sum."""
        return self.one + self.two


class Residual(nn.Module):
    """The inner one."""

    def forward(self, x: Tensor) -> Tensor:
        """Return their sum."""
        return Pair(1, x).both()


def hash(number: int) -> int:
    """Return what hides a built-in name, but here alone."""
    return number


def noise(x: Tensor, rng: torch.Generator) -> Tensor:
    """Return x with noise; what is made has a shape, and so each Residual."""
    return x + torch.randn(x.shape, generator=rng)
'''


def a_spec(name: str, preset: str) -> RunSpec:
    """Return a preset's run: the default's own, any other one on small pictures."""
    spec = RunSpec.of_preset(name, preset)
    small = preset != next(iter(FAMILIES[name].presets)) and DATASETS[spec.dataset].shape[1] > 1
    return RunSpec.of_preset(name, preset, "digits") if small else spec


def written(spec: RunSpec, folder: Path) -> torch.Tensor:
    """Write a run with weights that are no accident, its script, and return what it previews."""
    family, rng = spec.build().eval(), generator(7)
    for value in family.state_dict().values():
        if value.is_floating_point():
            value += 0.1 * torch.rand(value.shape, generator=rng)
    x = torch.rand(COUNT, *family.shape, generator=rng)
    folder.mkdir()
    save_file(family.state_dict(), folder / "model.safetensors")
    save_file({"x": x}, folder / "pictures.safetensors")
    (folder / "plain.py").write_text(plain_script(spec))
    with torch.no_grad():
        return family.preview(x, generator(0))


def needed(name: str, seen: set[str]) -> set[str]:
    """Return a package and all that it cannot do without."""
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:  # needed on another system
        return seen
    seen |= {name}
    for requirement in requirements:
        other = re.match(r"[\w.-]+", requirement)[0]
        if "extra ==" not in requirement and other not in seen:
            needed(other, seen)
    return seen


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """An interpreter that has torch, safetensors and what those need, and nothing else."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    for name in needed("torch", set()) | needed("safetensors", set()):
        parts = distribution(name)
        for top in {file.parts[0] for file in parts.files if not file.parts[0].startswith("..")}:
            if not (packages / top).exists() and not top.endswith((".pth", ".dist-info")):
                (packages / top).symlink_to(parts.locate_file(top))
    return home / "bin" / "python"


def run(python: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-I", "-W", "ignore:Failed to initialize NumPy", *map(str, arguments)],
        cwd=cwd,
        env={"OMP_NUM_THREADS": "1", "PATH": "", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def ran(bare, tmp_path_factory):
    """The folder of each preset after its script ran, and what the family itself previews."""
    home = tmp_path_factory.mktemp("runs")
    output = {}
    for index, (name, preset) in enumerate(PRESETS):
        folder = home / str(index)
        output[name, preset] = folder, written(a_spec(name, preset), folder)
        messages = ast.get_docstring(ast.parse((folder / "plain.py").read_text()))
        lines = messages.partition("To go on from there:\n\n")[2].partition("\n\n")[0]
        if preset == next(iter(FAMILIES[name].presets)):
            (folder / "use.py").write_text(textwrap.dedent(lines))
    (home / "driver.py").write_text(DRIVER)
    done = run(bare, home / "driver.py", *(folder for folder, _ in output.values()), cwd=home)
    assert done.returncode == 0, done.stderr
    return output


@every_preset
def test_it_previews_the_very_same_bits(ran, name, preset):
    folder, expected = ran[name, preset]
    output = load_file(folder / "made.safetensors")["made"]
    assert expected.isfinite().all()
    assert len(expected.unique()) > 8
    assert torch.equal(output, expected)


@pytest.mark.parametrize(("name", "preset"), PICTURES)
def test_what_it_makes_of_pictures_can_be_looked_at(ran, name, preset):
    folder, output = ran[name, preset]
    rows = torch.cat([load_file(folder / "pictures.safetensors")["x"], output])
    levels = (rows.clamp(0, 1) * 255).round().to(torch.uint8)
    expected = picture_grid(levels.unflatten(0, (-1, COUNT)).numpy(), 3)
    with Image.open(folder / "made.png") as image:
        image.verify()  # its checksums
    with Image.open(folder / "made.png") as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        seen = np.asarray(image)
    height, width = (rows.shape[2] + 2) * len(rows) // COUNT * 3, (rows.shape[3] + 2) * COUNT * 3
    assert seen.shape == (height, width, 3)
    np.testing.assert_array_equal(seen[: height - 6, : width - 6], expected)


def test_points_are_no_picture(ran):
    for pair in set(PRESETS) - set(PICTURES):
        assert not (ran[pair][0] / "made.png").exists()


def test_script_and_weights_as_they_are_downloaded_into_one_folder_run_as_they_are(bare, tmp_path):
    spec = RunSpec.of_preset("stacked", "two codings", "digits")
    name = f"stacked_{spec.fingerprint[:8]}"
    expected = written(spec, tmp_path / "folder")
    folder = tmp_path / "folder"
    (folder / "model.safetensors").rename(folder / f"{name}.safetensors")
    (folder / "plain.py").unlink()
    (folder / f"{name}.py").write_text(plain_script(spec, name, name))
    done = run(bare, f"{name}.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert torch.equal(load_file(folder / "made.safetensors")["made"], expected)
    docstring = ast.get_docstring(ast.parse((folder / f"{name}.py").read_text()))
    lines = docstring.partition("To go on from there:\n\n")[2].partition("\n\n")[0]
    use = f"import sys\nsys.path.insert(0, '.')\n{textwrap.dedent(lines)}\nprint(x.shape)"
    (folder / "use.py").write_text(use)
    done = run(bare, "use.py", cwd=folder)
    assert done.stdout == f"torch.Size([{COUNT}, 1, 8, 8])\n", done.stderr


def test_without_examples_it_takes_random_ones_and_says_so(bare, ran, tmp_path):
    folder, _ = ran["stacked", "textbook"]
    (tmp_path / "plain.py").write_text((folder / "plain.py").read_text())
    other = tmp_path / "elsewhere"
    other.mkdir()
    save_file(load_file(folder / "model.safetensors"), other / "weights.safetensors")
    done = run(bare, "plain.py", other / "weights.safetensors", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no pictures.safetensors" in done.stdout
    assert load_file(other / "made.safetensors")["made"].shape == (10, 1, 8, 8)
    assert "reconstruction" in done.stdout


@every_preset
def test_nothing_in_it_is_unused_or_for_training(name, preset):
    source = plain_script(RunSpec.of_preset(name, preset))
    tree = ast.parse(source)
    assert "jaxtyping" not in source
    assert "pydantic" not in source
    defined = {}
    for place, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = place
        elif isinstance(node, ast.Import | ast.ImportFrom):
            package = getattr(node, "module", None) or node.names[0].name
            root = package.partition(".")[0]
            assert root in {"torch", "safetensors"} | sys.stdlib_module_names, package
            assert root not in {"abc", "pickle"}
            defined |= {each.asname or each.name: place for each in node.names}
        elif isinstance(node, ast.Assign):
            names = [each for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)]
            defined |= {each.id: place for each in names}
    used = [
        {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} for node in tree.body
    ]
    for word, place in defined.items():
        assert any(word in names for index, names in enumerate(used) if index != place), word
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert not functions & {"updates", "evaluate", "players", "paces", "effort", "stages", "sizes"}


def test_it_is_tidy(ran):
    """As ruff has it: no undefined and no unused names, imports sorted, lines short, formatted."""
    scripts = [str(folder / "plain.py") for folder, _ in ran.values()]
    rules = "--select=E,W,F,I,C4,PIE,S301,S102,S307", "--ignore=E731"
    for command in (["check", *rules], ["format", "--check"]):
        line = ["ruff", *command, "--isolated", "--no-cache", "--line-length=99"]
        done = subprocess.run(
            [sys.executable, "-m", *line, *scripts], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@every_preset
def test_it_says_what_it_is(name, preset):
    spec = RunSpec.of_preset(name, preset)
    messages = ast.get_docstring(ast.parse(plain_script(spec)))
    for word in (name, spec.fingerprint, DATASETS[spec.dataset].title, "safetensors", "genlib"):
        assert word in messages
    assert ("model.sample(" in messages) == hasattr(FAMILIES[name].load(), "sample")
    assert ("model.encode(" in messages) == hasattr(FAMILIES[name].load(), "encode")
    assert "**References.**" in messages


@pytest.mark.parametrize("change", ["missing", "extra"])
def test_weights_that_do_not_fit_are_refused(ran, tmp_path, change):
    folder, _ = ran["vae", "fast"]
    script = runpy.run_path(str(folder / "plain.py"), run_name="plain")
    weights = load_file(folder / "model.safetensors")
    if change == "missing":
        del weights["mean.weight"]
    else:
        weights["another"] = torch.zeros(1)
    save_file(weights, tmp_path / "model.safetensors")
    model = script["VariationalAutoencoder"](script["CONFIG"], script["SHAPE"])
    with pytest.raises(RuntimeError, match=r"mean\.weight|another"):
        script["loaded"](model, tmp_path / "model.safetensors")


def test_the_config_holds_what_the_model_reads_and_no_more(ran):
    folder, _ = ran["vae", "fast"]
    config = runpy.run_path(str(folder / "plain.py"), run_name="plain")["CONFIG"]
    model = a_spec("vae", "fast").model
    assert vars(config) == model.model_dump(exclude={"beta", "scaling"})


@pytest.fixture
def later(tmp_path, monkeypatch):
    """Add a family's source to genlib, with changes, and return the specification of a run."""
    monkeypatch.setattr(genlib, "__path__", [*genlib.__path__, str(tmp_path)])

    def add(*changes: tuple[str, str]) -> RunSpec:
        source = functools.reduce(lambda text, change: text.replace(*change), changes, LATER)
        for name, text in {"config": LATER_CONFIG, "model": source, "parts": PARTS}.items():
            (tmp_path / f"later_{name}.py").write_text(text)
        config_type = importlib.import_module("genlib.later_config").LaterConfig
        entry = FamilyEntry(
            config_type=config_type,
            class_name="Later",
            presets={},
            abilities=frozenset(),
            headline=lambda metrics: "",
            knobs=("learning_rate", "batch_size", "epochs"),
        )
        monkeypatch.setitem(FAMILIES, "later", entry)
        model = config_type()
        return RunSpec(family="later", dataset="digits", model=model, train=TrainConfig())

    yield add
    read.cache_clear()
    for name in ("genlib.later_config", "genlib.later_model", "genlib.later_parts"):
        sys.modules.pop(name, None)


def test_a_family_of_later_needs_nothing_more(later, tmp_path):
    """Two classes of one name, aliases, a hidden built-in, names that are local here or there."""
    folder = tmp_path / "run"
    expected = written(later(), folder)
    script = runpy.run_path(str(folder / "plain.py"), run_name="plain")
    model = script["loaded"](
        script["Later"](script["CONFIG"], script["SHAPE"]), folder / "model.safetensors"
    )
    x = load_file(folder / "pictures.safetensors")["x"]
    assert torch.equal(model.preview(x, generator(0)), expected)
    assert vars(script["CONFIG"]) == {"kind": "it's"}
    assert type(model.layers[0]) is script["Residual"]
    assert type(model.layers[1]) is script["later_parts_Residual"]
    assert "torch asks for it" in repr(model)
    assert not {"Marked", "LaterConfig", "hash"} & set(script)
    source = (folder / "plain.py").read_text()
    assert "def unused" not in source
    assert "    ..." not in source
    assert "import math as m\n" in source
    line = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F"]
    assert subprocess.run([*line, folder / "plain.py"]).returncode == 0


@pytest.mark.parametrize(
    ("start", "used", "sentence"),
    [
        ("import numpy as n", "n.pi", "cannot import numpy"),
        ("from genlib import objectives", "objectives.math.pi", "imports objectives as a whole"),
    ],
)
def test_it_refuses_what_a_plain_script_cannot_have(later, start, used, sentence):
    spec = later(("import math as m", f"import math as m\n{start}"), ("m.pi", used))
    with pytest.raises(ImportError, match=sentence):
        plain_script(spec)


def test_source_is_read_once_however_many_ask_at_the_same_time(monkeypatch):
    asked, busy, barrier = list[object](), threading.Lock(), threading.Barrier(8)

    def slow(part: object) -> str:
        assert busy.acquire(blocking=False), "two threads read source at once"
        asked.append(part)
        time.sleep(0.05)
        busy.release()
        return "source"

    monkeypatch.setattr(inspect, "getsource", slow)
    parts = [type(f"Part{index}", (), {}) for index in range(3)]

    def ask() -> list[str]:
        barrier.wait()
        return [source_of(part) for part in parts]

    with ThreadPoolExecutor(8) as pool:
        answers = [each.result() for each in [pool.submit(ask) for _ in range(8)]]
    assert answers == [["source"] * 3] * 8
    assert sorted(map(str, asked)) == sorted(map(str, parts))
