"""README and docs: what can be true in them is."""

import re
import shlex
from pathlib import Path

import pytest

from genlib.cli import parsed

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
PICTURES = ROOT / "docs" / "pictures"


def blocks(path: Path, language: str) -> list[str]:
    """Return the code blocks of a document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def commands(path: Path) -> list[list[str]]:
    """Return the arguments of each `genlib` command of a document's shell blocks."""
    lines = [line for block in blocks(path, "bash") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [arguments for program, *arguments in filter(None, words) if program == "genlib"]


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 100


@every_document
def test_links_lead_somewhere(path: Path):
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), target


@every_document
def test_commands_are_understood(path: Path):
    for arguments in commands(path):
        assert parsed(arguments), arguments


def test_the_readme_shows_commands():
    assert commands(README)


def test_the_python_of_the_readme_runs(home: Path, capsys: pytest.CaptureFixture[str]):
    (block,) = blocks(README, "python")
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102
    assert names["pictures"].shape == (16, 1, 8, 8)
    assert names["z"].shape == (16, 2)
    assert names["same"].fingerprint == names["run"].fingerprint
    assert "'vae'" in capsys.readouterr().out


def test_every_folder_has_its_line_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for package in ("genlib", "ui"):
        for path in (ROOT / package).iterdir():
            if not path.name.startswith("_") and (path.is_dir() or path.suffix == ".py"):
                assert re.search(rf"\b{path.stem}\b", text), f"{package}/{path.name}"


def test_who_may_import_whom_is_written_as_it_is_checked():
    project = (ROOT / "pyproject.toml").read_text()
    layers = re.search(r'containers = \["genlib"\]\nlayers = \[\n(.*?)\]', project, re.DOTALL)
    assert layers
    (block,) = [
        each for each in blocks(ROOT / "docs" / "architecture.md", "") if "config" in each.split()
    ]
    assert block.split("\n")[:-1] == re.findall(r'"(.*?)"', layers[1])


def test_pictures_are_shown_and_small():
    pictures = [path for path in PICTURES.glob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in pictures) <= 1_500_000
    text = "".join(path.read_text() for path in DOCUMENTS)
    assert not [path.name for path in pictures if path.name not in text]
