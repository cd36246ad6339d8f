"""What the sparse lesson measures of activations and penalties, against hand-made cases."""

import math

import pytest
import torch

from ui.autoencoders import sparsity


def kl(p: float, q: float) -> float:
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


@pytest.mark.parametrize("target", [0.01, 0.05, 0.1, 0.3, 0.5])
def test_kl_costs_less_than_the_absolute_difference_up_to_there_and_more_beyond(target: float):
    q = sparsity.overtaken(target)
    assert target < q < 1
    for share in (0.02, 0.5, 0.98):
        below, above = target + share * (q - target), q + share * (1 - q)
        assert kl(target, below) < below - target
        assert kl(target, above) > above - target


@pytest.mark.parametrize("target", [0.01, 0.1, 0.5])
def test_kl_is_steeper_than_the_squared_difference_and_than_the_absolute_one_far_away(target):
    q = torch.linspace(0.002, 0.998, 499, dtype=torch.float64)
    slope = ((q - target) / (q * (1 - q))).abs()
    assert (slope >= 2 * 2 * (q - target).abs() - 1e-12).all()
    far = (q > target**0.5) | (q < 1 - (1 - target) ** 0.5)
    assert torch.equal(slope > 1, far)


def test_sparsity_counts_the_units_that_a_picture_uses_and_those_that_any_does():
    values = torch.tensor([[0.9, 0.0, 0.0, 0.01], [0.2, 0.3, 0.0, 0.0]])
    measured = sparsity.sparsity(values)
    assert measured.units == 4
    assert measured.live == 2
    assert measured.used == pytest.approx(1.5)
    assert measured.silent == pytest.approx(5 / 8)


def test_a_unit_for_one_class_has_all_of_it_and_one_for_all_has_the_same_of_each():
    labels = torch.tensor([0, 0, 0, 1, 2])  # classes of different sizes
    own = torch.tensor([0.0, 0.0, 0.0, 0.8, 0.0])
    everywhere, dead = torch.full((5,), 0.4), torch.full((5,), 0.001)
    shares = sparsity.class_shares(torch.stack([own, everywhere, dead], 1), labels, 3)
    torch.testing.assert_close(shares[0], torch.tensor([0.0, 1.0, 0.0]))
    torch.testing.assert_close(shares[1], torch.full((3,), 1 / 3))
    assert not shares[2].any()
