"""The package as a stranger gets it: its wheel, its requirements, its versions."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import genlib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = re.compile(r"^[\w.-]+")


def requirements(name: str) -> set[str]:
    """Return the requirements of a file, without comments and references to other files."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-r")}


def test_requirements_say_the_same_as_the_package():
    extras = PROJECT["optional-dependencies"]
    assert requirements("requirements.txt") == {*PROJECT["dependencies"], *extras["app"]}
    assert requirements("requirements-dev.txt") == set(extras["dev"])


def imported(folder: Path) -> set[str]:
    """Return the first names of all modules that the files of a folder import."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names


def test_the_core_needs_what_genlib_imports_and_no_more():
    distributions = importlib.metadata.packages_distributions()
    foreign = imported(ROOT / "genlib") - sys.stdlib_module_names - {"genlib"}
    needed = {distributions[name][0].lower().replace("_", "-") for name in foreign}
    named = {NAME.match(line)[0].lower() for line in PROJECT["dependencies"]}
    by_name = {"diffusers", "psycopg"}  # genlib asks for them by a string
    assert named == needed | by_name


def test_versions_agree_wherever_they_are_written():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    released = re.search(
        r"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert released
    assert citation["version"] == released[1] == genlib.__version__
    assert str(citation["date-released"]) == released[2]
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["cff-version"] == "1.2.0"


def test_all_that_is_shipped_has_a_place_in_the_wheel():
    package = ROOT / "genlib"
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    matched = {path for each in patterns["package-data"]["genlib"] for path in package.glob(each)}
    tracked = subprocess.run(
        ["git", "ls-files", "genlib"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    data = {ROOT / path for path in tracked if not path.endswith(".py")}
    assert {path for path in data if path.exists()} <= matched


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy that has one shipped run only: to zip all takes long."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "genlib", folder / "genlib", ignore=shutil.ignore_patterns("zoo", "__pycache__")
    )
    bundle = min((ROOT / "genlib" / "zoo").iterdir())
    shutil.copytree(bundle, folder / "genlib" / "zoo" / bundle.name)
    for name in ("ui", "pages", "tests"):  # they must stay behind
        (folder / name).mkdir()
        shutil.copy(ROOT / "genlib" / "rng.py", folder / name / "__init__.py")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files, and nothing else of this project."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(folder), str(wheel)], check=True, timeout=120)
    return folder


def run(installed: Path, home: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, where genlib can only be the installed one."""
    environment = os.environ | {"PYTHONPATH": str(installed), "GENLIB_HOME": str(home)}
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_wheel_has_genlib_and_nothing_else(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    roots = {name.partition("/")[0] for name in names}
    assert roots == {"genlib", f"genlib-{genlib.__version__}.dist-info"}
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "genlib").rglob("*.py")}
    assert files | {"genlib/py.typed", "genlib/hub/pretrained.json"} <= set(names)
    bundle = min((ROOT / "genlib" / "zoo").iterdir())
    assert {f"genlib/zoo/{bundle.name}/{path.name}" for path in bundle.iterdir()} <= set(names)


def test_the_wheel_says_what_it_is(installed: Path):
    (about,) = importlib.metadata.distributions(name="genlib", path=[str(installed)])
    assert about.version == genlib.__version__
    assert about.metadata["License-Expression"] == "MIT"
    assert set(about.metadata.get_all("Provides-Extra")) == {"app", "dev"}
    assert not [line for line in about.requires if "streamlit" in line and "extra" not in line]
    (script,) = about.entry_points
    assert (script.name, script.value) == ("genlib", "genlib.__main__:main")


def test_the_installed_command_trains_outside_the_folder(installed: Path, tmp_path: Path):
    command = [str(installed / "bin" / "genlib"), "train", "stacked", "--epochs", "1"]
    done = run(installed, tmp_path, [*command, "--dataset", "digits", "--json"])
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["metrics"]["test_mse"] > 0
    assert (tmp_path / "runs" / last["fingerprint"] / "model.safetensors").exists()


def test_help_answers_without_torch(installed: Path, tmp_path: Path):
    without = "import sys; sys.modules['torch'] = None; from genlib.cli import main; main(['-h'])"
    done = run(installed, tmp_path, [sys.executable, "-c", without])
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout
