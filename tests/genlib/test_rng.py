import pytest
import torch
from torch import nn

from genlib.rng import build, generator


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 3), nn.Conv2d(1, 2, 3), nn.LSTM(2, 2))


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before():
    first = build(make, 7)
    torch.rand(13)
    second = build(make, 7)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_another_seed_gives_other_weights():
    first, second = build(make, 0), build(make, 1)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert not torch.equal(one, other)


def test_building_leaves_the_global_generator_as_it_was():
    before = torch.get_rng_state()
    build(make, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_building_leaves_the_global_generator_as_it_was_when_it_fails():
    def fail() -> nn.Module:
        torch.rand(3)
        raise ArithmeticError

    before = torch.get_rng_state()
    with pytest.raises(ArithmeticError):
        build(fail, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_generators_are_apart_and_repeatable():
    one, same, other = generator(4), generator(4), generator(5)
    before = torch.get_rng_state()
    draws = [torch.rand(8, generator=rng) for rng in (one, same, other)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)
