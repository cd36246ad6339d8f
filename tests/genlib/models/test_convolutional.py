import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from genlib.models.convolutional.config import ConvolutionalConfig
from genlib.models.convolutional.model import ConvolutionalAutoencoder
from genlib.rng import build, generator

BOOK = {"average": [160, 4640, 18496, 17310], "flatten": [160, 4640, 18496, 64 * 9 * 30 + 30]}
every_bottleneck = pytest.mark.parametrize("bottleneck", BOOK)
every_shape = pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8)], ids=str)
SIDES = {28: [28, 14, 7, 3], 32: [32, 16, 8, 4], 8: [8, 4, 2, 1]}


def autoencoder(shape=(1, 28, 28), **model) -> ConvolutionalAutoencoder:
    return build(lambda: ConvolutionalAutoencoder(ConvolutionalConfig(**model), shape), 0).eval()


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=generator(1))


@every_bottleneck
@every_shape
def test_each_map_has_half_the_side_of_the_one_before_and_then_twice(shape, bottleneck):
    down = SIDES[shape[1]]
    maps = autoencoder(shape, bottleneck=bottleneck).feature_maps(pictures(1, *shape))
    kinds = [shape[0], 16, 32, 64, 16, 32, 16, shape[0]]
    sides = [*down, *reversed(down)]
    assert [tuple(h.shape) for _, h in maps] == [
        (kind, side, side) for kind, side in zip(kinds, sides, strict=True)
    ]
    assert len({name for name, _ in maps}) == len(maps)


@every_bottleneck
@every_shape
def test_the_last_map_is_the_reconstruction_and_the_first_the_picture(shape, bottleneck):
    family, x = autoencoder(shape, bottleneck=bottleneck), pictures(1, *shape)
    (_, first), *_, (_, last) = family.feature_maps(x)
    torch.testing.assert_close(last, family.reconstruct(x)[0])
    assert torch.equal(first, x[0])


def test_the_first_map_is_the_picture_correlated_with_each_filter_rectified_and_pooled():
    family, x = autoencoder(), pictures(1, 1, 28, 28)
    weight, bias = (value.detach() for value in family.convolutions[0].parameters())
    patches = F.pad(x[0, 0], (1, 1, 1, 1)).unfold(0, 3, 1).unfold(1, 3, 1)
    answers = torch.einsum("hwab,kab->khw", patches, weight[:, 0]) + bias[:, None, None]
    blocks = answers.clamp(min=0).reshape(16, 14, 2, 14, 2)
    torch.testing.assert_close(family.feature_maps(x)[1][1], blocks.amax((2, 4)))


@every_bottleneck
@every_shape
def test_the_sizes_are_those_of_its_maps(shape, bottleneck):
    family = autoencoder(shape, bottleneck=bottleneck)
    maps = [h.numel() for _, h in family.feature_maps(pictures(1, *shape))]
    assert [values for _, values in family.sizes()] == [*maps[:4], 30, *maps[4:]]


@every_bottleneck
def test_the_books_network_has_as_many_weights_as_the_book_counts(bottleneck):
    counts = [weight.numel() for weight in autoencoder(bottleneck=bottleneck).parameters()]
    layers = [sum(pair) for pair in zip(counts[::2], counts[1::2], strict=True)]
    back = [30 * 144 + 144, 16 * 32 * 9 + 32, 32 * 16 * 9 + 16, 16 * 9 + 1]
    assert layers == [*BOOK[bottleneck], *back]
    assert bottleneck == "flatten" or sum(layers) == 54_479


@every_bottleneck
@settings(max_examples=25)
@given(st.integers(8, 40), st.integers(8, 40))
def test_a_picture_of_any_size_comes_back_in_its_size(bottleneck, height, width):
    family = autoencoder((1, height, width), bottleneck=bottleneck, filters=4, codings=2)
    x = pictures(2, 1, height, width)
    assert family.reconstruct(x).shape == x.shape


def feature_at(row: int, column: int) -> torch.Tensor:
    """Return a blank picture, 80 × 80, with a blot of 5 × 5 pixels."""
    x = torch.zeros(1, 1, 80, 80)
    x[..., row : row + 5, column : column + 5] = pictures(5, 5)
    return x


@pytest.mark.parametrize(("down", "right"), [(8, 0), (0, 8), (-8, 8), (16, -8)])
def test_the_average_cannot_tell_where_in_the_middle_a_feature_is(down, right):
    """Not nearer than 24 pixels to the border, which a blank picture's answers reveal."""
    family = autoencoder((1, 80, 80), bottleneck="average")
    here, there = feature_at(32, 40), feature_at(32 + down, 40 + right)
    blank = family.encode(torch.zeros_like(here))
    torch.testing.assert_close(family.encode(here), family.encode(there), rtol=0, atol=1e-7)
    assert (family.encode(here) - blank).abs().max() > 1e-4


def test_flattened_maps_tell_where_a_feature_is():
    family = autoencoder((1, 80, 80), bottleneck="flatten")
    here, there = feature_at(32, 40), feature_at(32, 48)
    assert (family.encode(here) - family.encode(there)).abs().max() > 1e-3


@pytest.mark.parametrize("shift", [1, 2, 4])
def test_pooling_makes_a_shift_off_its_grid_visible_even_to_the_average(shift):
    family = autoencoder((1, 80, 80), bottleneck="average")
    change = family.encode(feature_at(32, 40)) - family.encode(feature_at(32, 40 + shift))
    assert change.abs().max() > 1e-4


def test_the_average_of_two_features_far_apart_is_the_sum_of_what_each_adds():
    family = autoencoder((1, 80, 80), bottleneck="average")
    one, other = feature_at(24, 24), feature_at(48, 48)
    blank = family.encode(torch.zeros_like(one))
    both = family.encode(one + other) - blank
    apart = (family.encode(one) - blank) + (family.encode(other) - blank)
    torch.testing.assert_close(both, apart, rtol=0, atol=1e-7)


def test_the_error_of_more_than_a_thousand_pictures_is_the_mean_over_all():
    family, x = autoencoder((1, 8, 8), filters=4, codings=2), pictures(1_003, 1, 8, 8)
    with torch.no_grad():
        x[1_000:] *= 5  # the last, smaller part counts by its size
        expected = float((x - family.reconstruct(x)).square().mean())
        assert float(family.evaluate(x)["mse"]) == pytest.approx(expected, rel=1e-5)


def test_codings_are_asked_for_and_given():
    for bottleneck in BOOK:
        for codings in (1, 7, 128):
            family = autoencoder((3, 8, 8), bottleneck=bottleneck, codings=codings, filters=4)
            z = family.encode(pictures(2, 3, 8, 8))
            assert z.shape == (2, codings)
            assert math.prod(family.decode(z).shape) == 2 * 3 * 8 * 8
