"""What is said of samples in the plane is counted at the number of steps that is named."""

import pytest
import torch

from genlib.data.points import MODES
from genlib.metrics import count_modes
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from tests.support.studied import trained
from ui import cache
from ui.diffusion.plane_quality import SAMPLES, high_quality, sentence


@pytest.mark.parametrize("family", ["ddpm", "flow"])
def test_the_shares_are_those_of_the_shipped_run_at_each_number_of_steps(family: str):
    run = cache.finished(RunSpec.of_preset(family, "in the plane"))
    shares = high_quality(run)
    noise = generator(0)
    points = run.family.reverse(torch.randn(SAMPLES, 2, 1, 1, generator=noise), steps=20)
    counts = count_modes(points.flatten(1), *MODES["ring"])
    assert shares[20] == pytest.approx(counts.high_quality)
    assert shares[20] > shares[8], "the preview's steps are too few"
    assert "20 steps" in sentence(shares)


def test_where_more_steps_are_worse_it_says_so_and_else_not():
    assert "50 steps are the best here" in sentence({8: 0.5, 20: 0.9, 50: 0.97, 200: 0.9})
    assert "the best here" not in sentence({8: 0.5, 20: 0.9, 200: 0.97})


def test_of_pictures_there_are_no_modes_to_count():
    assert high_quality(trained("ddpm", 1, timesteps=3, width=8)) == {}
