from itertools import pairwise

import pytest
import torch

from genlib.data.catalogue import DEBIAN
from genlib.data.dataset import load
from genlib.family import Batch, to_float
from genlib.headlines import psnr
from genlib.metrics import denoising_error, linear_denoiser
from genlib.models import FAMILIES
from genlib.models.denoising.config import DenoisingConfig
from genlib.models.denoising.model import CORRUPTIONS, DenoisingAutoencoder
from genlib.rng import build, generator

here = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist"
)
every_corruption = pytest.mark.parametrize("corruption", CORRUPTIONS)
every_network = pytest.mark.parametrize("network", ["dense", "convolutional"])
MANY = 200_000


def autoencoder(shape=(1, 8, 8), **model) -> DenoisingAutoencoder:
    config = DenoisingConfig(**{"codings": 4, "hidden": 8} | model)
    return build(lambda: DenoisingAutoencoder(config, shape), 0).requires_grad_(False)


def pictures(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(*shape, generator=generator(seed))


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_gaussian_noise_has_mean_zero_and_the_levels_deviation(level):
    x = pictures(1, 1, 1, 5).expand(MANY, -1, -1, -1)
    noise = autoencoder((1, 1, 5), corruption="gaussian").corrupt(x, generator(0), level) - x
    assert noise.mean(0).abs().max() < 5 * level / MANY**0.5
    torch.testing.assert_close(noise.std(0), torch.full((1, 1, 5), level), rtol=0.01, atol=0)
    shares = torch.cov(noise.flatten(1).T) / level**2
    torch.testing.assert_close(shares, torch.eye(5), rtol=0, atol=0.02)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_dropout_zeroes_a_share_of_the_pixels_and_keeps_their_mean(level):
    x = 0.2 + pictures(1, 1, 1, 5).expand(MANY, -1, -1, -1)
    corrupted = autoencoder((1, 1, 5), corruption="dropout").corrupt(x, generator(0), level)
    dropped = corrupted == 0
    deviation = (level * (1 - level) / MANY) ** 0.5
    assert (dropped.float().mean(0) - level).abs().max() < 5 * deviation
    torch.testing.assert_close(corrupted[~dropped], (x / (1 - level))[~dropped])
    torch.testing.assert_close(corrupted.mean(0), x[0], rtol=5 * deviation / (1 - level), atol=0)
    correlations = torch.corrcoef(dropped.flatten(1).float().T)
    torch.testing.assert_close(correlations, torch.eye(5), rtol=0, atol=0.02)


@every_corruption
@pytest.mark.parametrize("level", [0.0, 0.3, 0.9])
def test_noise_variance_is_that_of_the_noise(corruption, level):
    family, x = autoencoder((1, 1, 5), corruption=corruption), pictures(MANY, 1, 1, 5) ** 2
    noise = (family.corrupt(x, generator(0), level) - x).flatten(1)
    expected = family.noise_variance(x.flatten(1), level)
    torch.testing.assert_close(noise.var(0), expected, rtol=0.03, atol=0)


@every_corruption
def test_at_level_zero_nothing_is_corrupted(corruption):
    x = pictures(6, 1, 8, 8)
    assert torch.equal(autoencoder(corruption=corruption).corrupt(x, generator(0), 0.0), x)


@every_corruption
def test_the_generator_decides_the_noise_and_the_global_one_is_not_used(corruption):
    family, x, before = (
        autoencoder(corruption=corruption),
        pictures(6, 1, 8, 8),
        torch.get_rng_state(),
    )
    one, same, other = (family.corrupt(x, generator(seed), 0.4) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    rng = generator(3)
    assert torch.equal(family.corrupt(x, rng, 0.4), one)
    assert not torch.equal(family.corrupt(x, rng, 0.4), one)
    assert torch.equal(torch.get_rng_state(), before)


@every_corruption
@every_network
def test_the_loss_is_the_error_to_the_clean_pictures_at_the_training_level(corruption, network):
    family, x = (
        autoencoder(corruption=corruption, network=network, level=0.3),
        pictures(6, 1, 8, 8),
    )
    ((player, losses),) = family.updates(Batch(x), generator(5))
    restored = family.denoise(CORRUPTIONS[corruption](x, generator(5), 0.3))
    assert player in family.players("")
    torch.testing.assert_close(losses["mse"], (restored - x).square().mean())
    assert family.level == 0.3


@every_network
def test_the_figures_are_of_clipped_pictures_and_always_the_same_noise(network):
    family, x = autoencoder(network=network, corruption="gaussian"), pictures(1_003, 1, 8, 8)
    x[1_000:] = x[1_000:].round()  # the last, smaller part counts by its size
    figures = family.evaluate(x)
    noisy = family.corrupt(x, generator(0), 0.5)
    for name, given in {"mse": noisy, "clean_mse": x}.items():
        expected = (family.denoise(given).clamp(0, 1) - x).square().mean()
        torch.testing.assert_close(figures[name], expected)
    assert family.evaluate(x) == figures


def test_the_preview_is_what_came_in_and_then_what_comes_out():
    family, x = autoencoder(), pictures(6, 1, 8, 8)
    shown = family.preview(x, generator(2))
    corrupted = family.corrupt(x, generator(2), 0.5)
    assert len(FAMILIES["denoising"].shows) == 2
    assert torch.equal(shown[:6], corrupted)
    torch.testing.assert_close(shown[6:], family.denoise(corrupted))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (2, 6, 10)], ids=str)
@every_network
def test_a_picture_comes_back_in_its_size(network, shape):
    x = pictures(2, *shape)
    assert autoencoder(shape, network=network).denoise(x).shape == x.shape


def test_the_convolutional_network_predicts_what_to_change():
    family, x = autoencoder(network="convolutional"), pictures(2, 1, 8, 8)
    for weight in family.net.after[-1].parameters():
        weight.zero_()
    assert torch.equal(family.denoise(x), x)


def test_the_books_network_has_as_many_weights_as_the_book_counts():
    family = DenoisingAutoencoder(DenoisingConfig(), (1, 28, 28))
    sizes = [784, 100, 30, 100, 784]
    assert [units for _, units in family.sizes()] == sizes
    count = sum(weight.numel() for weight in family.parameters())
    assert count == sum(a * b + b for a, b in pairwise(sizes))


@every_corruption
@pytest.mark.parametrize("level", [0.1, 0.5])
def test_the_linear_denoiser_of_its_noise_beats_doing_nothing(corruption, level):
    data, family = load("digits"), autoencoder(corruption=corruption)
    train, test = to_float(data.train).flatten(1), to_float(data.test)
    best = linear_denoiser(train, family.noise_variance(train, level))
    noisy, test = family.corrupt(test, generator(0), level).flatten(1), test.flatten(1)
    nothing = torch.eye(64), torch.zeros(64)
    assert denoising_error(best, noisy, test) < 0.9 * denoising_error(nothing, noisy, test)


@pytest.fixture(scope="module")
def fashion() -> tuple[torch.Tensor, torch.Tensor]:
    data = load("fashion_mnist")
    return to_float(data.train).flatten(1), to_float(data.test[:2_000])


@here
@pytest.mark.parametrize(
    ("sigma", "decibels"), [(0.1, 24.2), (0.2, 20.8), (0.3, 19.2), (0.5, 17.4), (1.0, 15.4)]
)
def test_what_the_linear_denoiser_reaches_on_fashion_mnist(fashion, sigma, decibels):
    train, test = fashion
    family = autoencoder((1, 28, 28), corruption="gaussian")
    best = linear_denoiser(train, family.noise_variance(train, sigma))
    noisy = family.corrupt(test, generator(0), sigma).flatten(1)
    assert psnr(denoising_error(best, noisy, test.flatten(1))) == pytest.approx(decibels, abs=0.3)
