from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from genlib.config import TrainConfig
from genlib.data.dataset import load
from genlib.family import Batch, to_float
from genlib.models.sparse.config import SparseConfig
from genlib.models.sparse.model import PENALTIES, SparseAutoencoder
from genlib.rng import build, generator
from genlib.training.events import Finished
from genlib.training.loop import train

X = torch.rand(12, 1, 4, 4, generator=generator(0))
every_penalty = pytest.mark.parametrize("penalty", PENALTIES)


def autoencoder(shape=(1, 4, 4), **model) -> SparseAutoencoder:
    config = SparseConfig(**{"codings": 20, "hidden": 8} | model)
    return build(lambda: SparseAutoencoder(config, shape), 0)


def activations(count: int = 12, units: int = 20) -> torch.Tensor:
    return torch.rand(count, units, generator=generator(1))


def by_definition(name: str, a: np.ndarray, p: float) -> float:
    if name == "l1":
        return np.mean([sum(abs(value) for value in picture) for picture in a])
    means = a.mean(axis=0)
    return sum(entropy([p, 1 - p], [q, 1 - q]) for q in means)


@every_penalty
@pytest.mark.parametrize("target", [0.01, 0.1, 0.5])
def test_each_penalty_is_its_definition(penalty, target):
    a = activations()
    expected = by_definition(penalty, a.double().numpy(), target)
    assert float(PENALTIES[penalty](a, target)) == pytest.approx(expected, rel=1e-5)


@every_penalty
@pytest.mark.parametrize("weight", [0.0, 5e-3, 10.0])
def test_the_loss_is_the_error_and_the_weighted_penalty_of_its_own_activations(penalty, weight):
    family = autoencoder(penalty=penalty, weight=weight, target=0.2)
    ((player, losses),) = family.updates(Batch(X), generator(0))
    a = family.encode(X)
    expected = weight * by_definition(penalty, a.detach().double().numpy(), 0.2)
    assert player in family.players("")
    near_target = 1e-4  # the units begin there, and so small a cost is rounded in float32
    assert float(losses["penalty"].detach()) == pytest.approx(expected, rel=near_target)
    error = (X - family.reconstruct(X)).square().mean()
    assert float(losses["mse"].detach()) == pytest.approx(float(error.detach()), rel=1e-6)


def test_silence_costs_nothing_by_l1_and_the_target_nothing_by_kl():
    assert float(PENALTIES["l1"](torch.zeros(4, 3), 0.1)) == 0
    halves = torch.tensor([[0.0], [0.4]]).expand(2, 3)  # the mean is at the target, no value is
    assert float(PENALTIES["kl"](halves, 0.2)) == pytest.approx(0, abs=1e-6)
    assert float(PENALTIES["kl"](torch.zeros(4, 3), 0.1)) > 0


def test_l1_pulls_all_alike_and_kl_only_towards_the_target():
    a = activations().requires_grad_()
    (slope,) = torch.autograd.grad(PENALTIES["l1"](a, 0.1), a)
    torch.testing.assert_close(slope, torch.full_like(a, 1 / 12))
    (slope,) = torch.autograd.grad(PENALTIES["kl"](a, 0.5), a)
    side = (a.detach().mean(0) - 0.5).sign()
    assert torch.equal(slope.sign(), side.expand(12, -1))


def test_the_order_of_the_pictures_and_of_the_units_makes_no_difference():
    a = activations()
    for penalty in PENALTIES.values():
        torch.testing.assert_close(penalty(a.flip(0), 0.1), penalty(a, 0.1))
        torch.testing.assert_close(penalty(a.flip(1), 0.1), penalty(a, 0.1))


def test_activations_are_between_silence_and_one():
    a = autoencoder().encode(200 * X - 100)
    assert a.min() >= 0
    assert a.max() <= 1
    torch.testing.assert_close(
        autoencoder().encode(X).logit(), autoencoder().encoder[:-1](X.flatten(1))
    )


def test_the_mean_activation_is_over_pictures_and_units():
    family = autoencoder()
    figure = family.evaluate(X)["mean_activation"]
    torch.testing.assert_close(figure, family.encode(X).mean(0).mean())


def finished(**model) -> SparseAutoencoder:
    """Train 300 steps on the digits."""
    images = load("digits").train
    config = TrainConfig(optimizer="adam", learning_rate=0.01, batch_size=512, epochs=150, ema=0.9)
    family = autoencoder((1, 8, 8), codings=40, hidden=32, **model)
    *_, last = train(family, images, images, images[:3], config)
    assert isinstance(last, Finished)
    return last.family.requires_grad_(False)


@pytest.mark.parametrize("target", [0.05, 0.2])
def test_a_strong_kl_penalty_drives_every_unit_to_the_target(target):
    x = to_float(load("digits").train)
    family = finished(penalty="kl", weight=0.5, target=target)
    means = family.encode(x).mean(0)
    torch.testing.assert_close(means, torch.full((40,), target), rtol=0, atol=0.1 * target)
    assert float(PENALTIES["kl"](family.encode(x), target)) < 0.01 * 40 * target


def test_a_heavy_l1_penalty_silences_every_unit_and_leaves_the_mean_picture():
    x = to_float(load("digits").train)
    family = finished(penalty="l1", weight=0.5)
    assert family.encode(x).mean(0).max() < 0.01
    again = family.reconstruct(x)
    assert again.std(0).max() < 0.02
    torch.testing.assert_close(again.mean(0), x.mean(0), rtol=0, atol=0.05)


def test_the_books_network_has_as_many_weights_as_the_book_counts():
    family = SparseAutoencoder(SparseConfig(), (1, 28, 28))
    sizes = [784, 100, 300, 100, 784]
    assert [units for _, units in family.sizes()] == sizes
    count = sum(weight.numel() for weight in family.parameters())
    assert count == sum(a * b + b for a, b in pairwise(sizes))
