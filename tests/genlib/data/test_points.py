"""Points in the plane are drawn from what their data set says, and from nothing else."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import chisquare, kstest, norm

from genlib.data import CELLS, DATASETS
from genlib.data.dataset import load
from genlib.data.points import MODES, drawn, moons, plane, spiral
from genlib.rng import generator

NAMES = ["ring", "grid", "blobs", "moons", "spiral"]
PAINTED = "drawn-" + "8" + "0" * 62 + "1"  # the first cell of the top row, the last of the bottom
every_mixture = pytest.mark.parametrize("name", MODES)


def of(name: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points as rows, and their labels."""
    output = plane(name, count, seed)
    assert output.points.shape == (count, 2, 1, 1)
    return output.points.flatten(1).double().numpy(), output.labels.numpy()


def cells_of(*painted: tuple[int, int]) -> str:
    """Return a drawing with the given (row from above, column) painted."""
    rows = [["0"] * CELLS for _ in range(CELLS)]
    for row, column in painted:
        rows[row][column] = "1"
    return "".join(f"{int(''.join(row), 2):04x}" for row in rows)


def test_the_ring_has_eight_modes_on_the_unit_circle_evenly_spaced():
    centres = MODES["ring"].centres.double()
    angles = torch.atan2(centres[:, 1], centres[:, 0]) % (2 * math.pi)
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(8).double())
    steps = angles.sort().values.diff()
    torch.testing.assert_close(steps, torch.full((7,), math.pi / 4).double(), rtol=0, atol=1e-6)
    assert MODES["ring"].deviation == 0.01


def test_the_grid_has_all_pairs_of_five_places_two_apart():
    line = (-4, -2, 0, 2, 4)
    expected = {(x, y) for x in line for y in line}
    assert {tuple(map(int, centre)) for centre in MODES["grid"].centres.tolist()} == expected
    assert len(MODES["grid"].centres) == 25
    assert MODES["grid"].deviation == 0.05


@every_mixture
def test_the_modes_of_a_mixture_are_equally_frequent(name):
    _, labels = of(name, 20_000, 0)
    assert chisquare(np.bincount(labels)).pvalue > 0.001
    assert len(np.bincount(labels)) == len(MODES[name].centres)


@every_mixture
def test_around_its_mode_a_point_is_normal_alike_in_both_directions(name):
    points, labels = of(name, 20_000, 1)
    noise = (points - MODES[name].centres.double().numpy()[labels]) / MODES[name].deviation
    for axis in noise.T:
        assert kstest(axis, norm.cdf).pvalue > 0.001
    assert np.corrcoef(noise.T)[0, 1] == pytest.approx(0, abs=0.03)
    for mode in range(len(MODES[name].centres)):
        mean = noise[labels == mode].mean(0)
        assert np.abs(mean).max() < 5 / math.sqrt((labels == mode).sum())


@every_mixture
def test_a_point_lies_nearest_to_the_mode_of_its_label(name):
    points, labels = of(name, 5_000, 2)
    centres = MODES[name].centres.double().numpy()
    nearest = np.linalg.norm(points[:, None] - centres[None], axis=2).argmin(1)
    assert (nearest == labels).mean() == 1


def test_moons_are_half_circles_that_open_towards_each_other():
    output = moons(20_000, generator(3))
    points, labels = output.points.flatten(1), output.labels
    centres = torch.tensor([[-0.5, -0.25], [0.5, 0.25]])  # of the upper and of the lower one
    away = points - centres[labels]
    assert (away.norm(dim=1) - 1).abs().max() < 6 * 0.05
    assert float((away.norm(dim=1) - 1).std()) == pytest.approx(0.05, rel=0.05)
    assert away[labels == 0, 1].min() > -6 * 0.05
    assert away[labels == 1, 1].max() < 6 * 0.05
    assert float(labels.float().mean()) == pytest.approx(0.5, abs=0.02)
    torch.testing.assert_close(points.mean(0), torch.zeros(2), rtol=0, atol=0.02)


def test_turning_the_moons_by_half_a_turn_swaps_them():
    output = moons(20_000, generator(4))
    upper, lower = (output.points.flatten(1)[output.labels == label] for label in (0, 1))
    for axis in (0, 1):
        assert kstest(upper[:, axis].numpy(), -lower[:, axis].numpy()).pvalue > 0.001


def test_a_spiral_lies_in_the_unit_disc_and_its_radius_grows_with_its_angle():
    output = spiral(20_000, generator(5))
    points, labels = output.points.flatten(1), output.labels
    radius = points.norm(dim=1)
    assert radius.max() < 1 + 6 * 0.02
    turn = 3 * math.pi * radius + math.pi * labels
    exact = radius[:, None] * torch.stack([turn.cos(), turn.sin()], 1)
    # noise of 0.02 along the radius turns the place by 3π · 0.02 radians besides
    assert (points - exact).norm(dim=1).max() < 6 * 0.02 * (1 + 3 * math.pi)
    assert (points - exact).norm(dim=1).mean() < 0.02 * (1 + 3 * math.pi)


def test_the_arms_of_a_spiral_are_each_others_half_turn_and_even_along_their_length():
    output = spiral(20_000, generator(6))
    points, labels = output.points.flatten(1), output.labels
    first, second = (points[labels == label] for label in (0, 1))
    for axis in (0, 1):
        assert kstest(first[:, axis].numpy(), -second[:, axis].numpy()).pvalue > 0.001
    # of a long turn the length grows as the square of the radius
    assert kstest((points.norm(dim=1) ** 2).numpy(), "uniform").statistic < 0.02


@given(some.sets(some.tuples(some.integers(0, 15), some.integers(0, 15)), min_size=1, max_size=9))
def test_points_lie_in_painted_cells_only(painted):
    output = drawn(cells_of(*painted), 500, generator(7))
    x, y = ((output.points.flatten(1) + 1) * CELLS / 2).double().T
    actual = {(15 - int(row), int(column)) for row, column in zip(y, x, strict=True)}
    assert actual <= painted
    assert len(actual) == len(painted)  # 500 draws miss one of nine with probability 1e-25
    assert (output.labels == 0).all()


def test_points_are_spread_evenly_over_the_painted_cells_and_within_each():
    painted = [(0, 0), (3, 9), (8, 8), (15, 4), (15, 15)]
    output = drawn(cells_of(*painted), 20_000, generator(8))
    x, y = ((output.points.flatten(1) + 1) * CELLS / 2).double().numpy().T
    _, counts = np.unique(np.floor(y) * CELLS + np.floor(x), return_counts=True)
    assert len(counts) == len(painted)
    assert chisquare(counts).pvalue > 0.001
    for place in (x % 1, y % 1):
        assert kstest(place, "uniform").pvalue > 0.001


def test_the_first_digit_of_a_drawing_is_its_upper_left_corner():
    corner = torch.tensor([-1.0, 1.0])
    points = drawn("8" + "0" * 63, 200, generator(9)).points.flatten(1)
    assert (points - corner).abs().max() <= 2 / CELLS
    points = drawn("0" * 63 + "1", 200, generator(9)).points.flatten(1)
    assert (points + corner).abs().max() <= 2 / CELLS


def test_the_top_row_is_above_and_the_second_digit_goes_to_the_right():
    top = drawn("f" * 4 + "0" * 60, 2_000, generator(10)).points.flatten(1)
    assert top[:, 1].min() >= 1 - 2 / CELLS
    assert top[:, 0].max() - top[:, 0].min() > 1.9
    column = drawn("0800" * 16, 2_000, generator(10)).points.flatten(1)  # the fifth from the left
    assert column[:, 0].min() >= -1 + 4 * 2 / CELLS
    assert column[:, 0].max() <= -1 + 5 * 2 / CELLS
    assert column[:, 1].max() - column[:, 1].min() > 1.9


def test_an_empty_drawing_is_painted_all_over():
    nothing, all_over = (drawn(digit * 64, 20_000, generator(11)) for digit in "0f")
    assert torch.equal(nothing.points, all_over.points)
    for axis in nothing.points.flatten(1).T:
        assert kstest(axis.numpy(), "uniform", args=(-1, 2)).pvalue > 0.001


@pytest.mark.parametrize("name", [*NAMES, PAINTED])
def test_the_same_seed_gives_the_same_points_and_another_one_others(name):
    first, again, other = plane(name, 50, 3), plane(name, 50, 3), plane(name, 50, 4)
    assert torch.equal(first.points, again.points)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.points, other.points)


@pytest.mark.parametrize("name", ["ring", PAINTED])
def test_a_plane_data_set_has_20_000_points_to_train_with_and_others_to_test(name):
    data = load(name)
    assert data.train.shape == (20_000, 2, 1, 1)
    assert data.validation.shape == (1_000, 2, 1, 1)
    assert data.test.shape == (10_000, 2, 1, 1)
    assert data.shape == DATASETS[name].shape == (2, 1, 1)
    assert len(data.train) == DATASETS[name].pictures
    assert len(data.train_labels) == 20_000
    assert int(data.train_labels.max()) == len(DATASETS[name].classes) - 1
    assert not torch.equal(data.test[:1_000], data.validation)
    assert not torch.equal(data.test, data.train[:10_000])
    assert len(data.showcase()) == 1_024


def test_every_drawing_is_known_by_its_name():
    assert DATASETS[PAINTED].title == "Your own drawing"
    assert DATASETS[PAINTED].kind == "plane"
    assert DATASETS["drawn-" + "0" * 64] == DATASETS[PAINTED]
    assert PAINTED not in list(DATASETS)


@pytest.mark.parametrize(
    "name",
    [
        "drawn-",
        "drawn-" + "f" * 63,
        "drawn-" + "f" * 65,
        "drawn-" + "g" * 64,
        "drawn-" + "F" * 64,
        "drawn-" + "f" * 64 + "\n",
        "other-" + "f" * 64,
        "nothing",
    ],
)
def test_there_is_nothing_under_a_wrong_name(name):
    with pytest.raises(KeyError):
        DATASETS[name]
    with pytest.raises(KeyError):
        load(name)
