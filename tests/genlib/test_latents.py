"""Walks go where they say, and begin and end exactly where they are told to."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from genlib.latents import interpolation, semantic_grid, traversal
from genlib.models.vae.config import VAEConfig
from genlib.models.vae.model import VariationalAutoencoder
from genlib.rng import build, generator

CODINGS = 4


def codings(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, CODINGS, generator=generator(seed))


def test_a_traversal_moves_one_coding_in_each_row_and_no_other():
    (z,), values = codings(1), torch.linspace(-3, 3, 5)
    walk = traversal(z, [2, 0], values)
    assert walk.shape == (2, 5, CODINGS)
    for row, moved in enumerate((2, 0)):
        assert torch.equal(walk[row, :, moved], values)
        for still in set(range(CODINGS)) - {moved}:
            assert (walk[row, :, still] == z[still]).all()


def test_a_traversal_leaves_the_picture_that_it_begins_with_as_it_was():
    (z,) = codings(1)
    before = z.clone()
    traversal(z, list(range(CODINGS)), torch.zeros(2)).zero_()
    assert torch.equal(z, before)


@given(st.integers(2, 40), st.integers(0, 99))
def test_an_interpolation_begins_and_ends_exactly_where_it_is_told_to(steps, seed):
    first, last = 100 * codings(2, seed)
    walk = interpolation(first, last, steps)
    assert walk.shape == (steps, CODINGS)
    assert torch.equal(walk[0], first)
    assert torch.equal(walk[-1], last)


@pytest.mark.parametrize("steps", [2, 3, 9])
def test_the_steps_of_an_interpolation_are_all_alike(steps):
    first, last = codings(2)
    actual = interpolation(first, last, steps)
    expected = np.linspace(first.numpy(), last.numpy(), steps)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-6)


def test_pictures_are_mixed_as_codings_are():
    first, last = torch.rand(2, 1, 5, 6, generator=generator(1))
    walk = interpolation(first[None], last[None], 3)
    assert walk.shape == (3, 1, 1, 5, 6)
    torch.testing.assert_close(walk[1, 0], (first + last) / 2)


def test_the_ends_of_a_walk_decode_to_the_pictures_of_its_ends():
    config = VAEConfig(codings=CODINGS, hidden=16)
    family = build(lambda: VariationalAutoencoder(config, (1, 8, 8)), 0).eval()
    ends = codings(2)
    decoded = family.decode(interpolation(*ends, 7))
    for place, end in ((0, ends[0]), (-1, ends[1])):
        # a batch of another size is summed in another order
        torch.testing.assert_close(decoded[place], family.decode(end[None])[0])


SIZES = [(1, 1), (1, 4), (2, 2), (3, 4), (5, 2)]


def gridded(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return codings in rows, and their semantic grid in rows."""
    z = codings(rows * columns, 2)
    grid = semantic_grid(z, rows, columns)
    assert grid.shape == ((2 * rows - 1) * (2 * columns - 1), CODINGS)
    return z.view(rows, columns, -1), grid.view(2 * rows - 1, 2 * columns - 1, -1)


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_the_given_codings_stand_at_every_other_place(rows, columns):
    z, grid = gridded(rows, columns)
    torch.testing.assert_close(grid[::2, ::2], z, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_between_two_codings_is_their_mean_and_amid_four_is_theirs(rows, columns):
    z, grid = gridded(rows, columns)
    beside = (z[:, 1:] + z[:, :-1]) / 2
    below = (z[1:] + z[:-1]) / 2
    amid = (beside[1:] + beside[:-1]) / 2
    torch.testing.assert_close(grid[::2, 1::2], beside, rtol=0, atol=1e-6)
    torch.testing.assert_close(grid[1::2, ::2], below, rtol=0, atol=1e-6)
    torch.testing.assert_close(grid[1::2, 1::2], amid, rtol=0, atol=1e-6)


def test_a_semantic_grid_is_scipy_s_bilinear_interpolation():
    z, grid = gridded(3, 4)
    reference = RegularGridInterpolator((range(3), range(4)), z.double().numpy())
    places = np.stack(np.meshgrid(np.arange(5) / 2, np.arange(7) / 2, indexing="ij"), -1)
    np.testing.assert_allclose(grid.numpy(), reference(places), atol=1e-6)
