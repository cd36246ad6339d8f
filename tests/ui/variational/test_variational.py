"""What the variational lesson measures is right in cases that are known by hand."""

import pytest
import torch

from genlib.rng import generator
from genlib.studies.mixture_prior import PriorQuality
from ui.variational.mixture_prior import gain
from ui.variational.posterior import distance
from ui.variational.traversal import change


def test_a_row_of_one_picture_does_not_change_and_one_of_black_and_white_does_by_a_half():
    same = torch.rand(1, 1, 4, 4, generator=generator(0)).expand(9, -1, -1, -1)
    assert change(same) == pytest.approx(0, abs=1e-6)
    flicker = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    assert change(flicker) == pytest.approx(0.5)


def test_the_distance_of_pictures_is_the_root_of_their_mean_squared_error():
    x = torch.rand(1, 1, 5, 5, generator=generator(1))
    draws = x + 0.3 * torch.tensor([1.0, -1.0])[:, None, None, None]
    assert distance(draws, x) == pytest.approx(0.3)
    assert distance(x, x) == 0


@pytest.mark.parametrize(("mixture", "text"), [(3.0, "50% smaller"), (9.0, "50% larger")])
def test_a_mixture_that_is_worse_than_the_prior_is_said_to_be(mixture: float, text: str):
    assert text in gain(PriorQuality(floor=0.02, prior=6.0, mixture=mixture))
