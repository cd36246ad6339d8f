"""Home is there before torch is: its pictures are read from the shipped runs alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from genlib.runs.spec import RunSpec
from genlib.runs.store import verified
from ui.home import gallery
from ui.home.gallery import SNAPSHOTS, ZOO
from ui.navigation import PLAN

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


def test_the_denoiser_s_card_shows_corrupted_pictures_above_restored_ones():
    spec = RunSpec.of_preset("denoising", PLAN["denoising"].preset or None)
    assert spec.model.level > 0
    files = verified(ZOO / spec.fingerprint, only=SNAPSHOTS)
    images = gallery._last_images(load(files[SNAPSHOTS]))
    corrupted, restored = np.split(images.astype(float), 2)
    assert np.abs(corrupted - restored).mean() > 20  # of 255 grey levels
