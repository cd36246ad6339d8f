"""A family, a study and a sampler are added as new files and one entry each, and are there."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOYS = ROOT / "tests" / "support" / "extension"
SEEN = "tests/support/extension/seen.py"
CONTRACT = "tests/genlib/models/test_families.py"  # that every family keeps
NEW = {  # a family is three files, a study is one
    "config.py": "genlib/models/toy/config.py",
    "model.py": "genlib/models/toy/model.py",
    "page.py": "pages/toy.py",
    "study.py": "genlib/studies/toy_study.py",
}
ENTRIES = {  # where, before which line, and what
    "genlib/models/__init__.py": [
        ("\nFAMILIES", "from genlib.models.toy import config as toy\n"),
        ('    "vae":', '    "toy": toy.FAMILY,\n'),
    ],
    "ui/navigation.py": [
        (
            '    "vae":',
            '    "toy": Entry("Toys", "Toy", "toys", "The least that an autoencoder can say."),\n',
        )
    ],
    "genlib/studies/__init__.py": [
        (
            '    "code_map":',
            '    "toy_study": StudyEntry("genlib.studies.toy_study", "ToyStudy"),\n',
        )
    ],
    "genlib/diffusion/samplers.py": [
        ("\nSAMPLERS:", "\n" + (TOYS / "sampler.py").read_text() + "\n"),
        ('    "Euler":', '    "Restart": restart,\n'),
    ],
}


def extended(folder: Path) -> None:
    """Copy the source into a folder, and add the toys there."""
    for room in ("genlib", "ui", "pages", "tests/support"):
        skipped = shutil.ignore_patterns("__pycache__", "zoo")
        shutil.copytree(ROOT / room, folder / room, ignore=skipped)
    (folder / "genlib" / "zoo").symlink_to(ROOT / "genlib" / "zoo")
    for name in ("pyproject.toml", "tests/conftest.py", CONTRACT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name, place in NEW.items():
        (folder / place).parent.mkdir(exist_ok=True)
        shutil.copy(TOYS / name, folder / place)
    for place, entries in ENTRIES.items():
        source = (folder / place).read_text()
        for line, entry in entries:
            assert source.count(line) == 1, (place, line)
            source = source.replace(line, entry + line)
        (folder / place).write_text(source)


def test_what_is_added_by_an_entry_is_seen_everywhere(tmp_path: Path):
    extended(tmp_path)
    # Every family but a toy comes with a run of its first preset.
    chosen = "seen or (toy and not shipped)"
    command = [sys.executable, "-m", "pytest", SEEN, CONTRACT, "-k", chosen]
    command += ["--override-ini", "addopts=--import-mode=importlib"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
