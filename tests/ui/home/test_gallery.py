"""Home is there before torch is: its pictures are read from the shipped runs alone."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys

sys.modules["torch"] = None  # whoever imports it fails
from genlib.models import FAMILIES
from ui.home.gallery import shipped_picture
from ui.navigation import PLAN

pictures = [shipped_picture(family, PLAN[family].preset) for family in FAMILIES]
assert all(picture is not None and picture.startswith(b"\\x89PNG") for picture in pictures)
"""


def test_the_card_of_each_family_has_a_picture_without_torch():
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
