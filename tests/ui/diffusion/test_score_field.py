"""Noise in the plane: the exact score, the sphere between noises, and how both are drawn."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from genlib.data.dataset import load
from genlib.data.points import MODES, score
from genlib.diffusion.schedules import schedule
from genlib.latents import PARALLEL, interpolation, spherical_interpolation
from genlib.models.ddpm.config import DDPMConfig
from genlib.models.ddpm.model import DDPM
from genlib.plots import GENERATED, QUIET, REAL, arrows, paths
from genlib.plots.fields import HEAD
from genlib.rng import build, generator
from ui.diffusion.score_field import STEPS, WALKS, _shortened, bend, longer, walked

RNG = np.random.default_rng(0)
SCALES = [(1.0, 0.05), (0.95, 0.3), (0.7, 0.7), (0.3, 0.95), (0.05, 1.0), (0.9, 0.1)]
every_mixture = pytest.mark.parametrize("name", MODES)
at_each_scale = pytest.mark.parametrize(("alpha", "sigma"), SCALES)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def density(name: str, alpha: float, sigma: float) -> MixtureSameFamily:
    """Return the distribution of α x + σ ε, in double precision."""
    centres = alpha * MODES[name].centres.double()
    deviation = math.hypot(alpha * MODES[name].deviation, sigma)
    single = Independent(Normal(centres, torch.full_like(centres, deviation)), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(centres)).double()), single)


def slope(name: str, x: Tensor, alpha: float, sigma: float) -> Tensor:
    """Return the gradient of the log density, by autograd."""
    x = x.double().requires_grad_()
    (gradient,) = torch.autograd.grad(density(name, alpha, sigma).log_prob(x).sum(), x)
    return gradient


@every_mixture
@at_each_scale
def test_the_score_is_the_slope_of_the_log_density(name, alpha, sigma):
    data = load(name).test[:100].flatten(1)
    noised = alpha * data + sigma * normal(100, 2)
    for x in (noised.double(), 3 * normal(100, 2, seed=1).double()):
        expected = slope(name, x, alpha, sigma)
        actual = score(MODES[name], x, alpha, sigma)
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
        # half as many digits: what they lose, a steep softmax multiplies
        rough = score(MODES[name], x.float(), alpha, sigma)
        torch.testing.assert_close(rough.double(), actual, rtol=1e-4, atol=1e-4 / sigma)


@every_mixture
@at_each_scale
def test_where_noised_data_lie_the_score_times_sigma_is_the_noise_on_average(name, alpha, sigma):
    """Tweedie: the mean of ε at x_t is −σ ∇ ln p, so no other guess of it errs less."""
    data = load(name).test.flatten(1)
    eps = normal(*data.shape, seed=2)
    x = alpha * data + sigma * eps
    guess = -sigma * score(MODES[name], x, alpha, sigma)
    error = eps - guess
    assert float((error * guess).mean()) == pytest.approx(0, abs=0.03), "nothing is left to learn"
    for other in (0.9 * guess, 1.1 * guess, torch.zeros_like(eps)):
        assert error.square().mean() <= (eps - other).square().mean() + 1e-4


@every_mixture
def test_of_pure_noise_the_score_points_to_the_middle_as_far_as_it_is(name):
    x = 3 * normal(50, 2)
    torch.testing.assert_close(score(MODES[name], x, 0.0, 1.0), -x, rtol=1e-6, atol=0)


@every_mixture
@at_each_scale
def test_far_away_the_score_points_to_the_mean(name, alpha, sigma):
    angles = torch.linspace(0, 2 * math.pi, 33)
    away = torch.stack([angles.cos(), angles.sin()], 1)
    variance = (alpha * MODES[name].deviation) ** 2 + sigma**2
    spread = alpha * float(MODES[name].centres.norm(dim=1).max())
    far = 1000.0
    towards = MODES[name].centres.mean(0) - far * away
    actual = score(MODES[name], far * away, alpha, sigma)
    cosine = torch.cosine_similarity(actual, towards)
    assert cosine.min() > math.cos(2 * spread / far) - 1e-6
    length = actual.norm(dim=1) * variance
    assert (length - far).abs().max() <= spread + 0.01


@every_mixture
def test_at_a_mode_with_little_noise_around_the_score_points_back_to_it(name):
    modes, away = MODES[name], 0.02 * normal(len(MODES[name].centres), 2)
    actual = score(modes, modes.centres + away, 1.0, 0.01)
    expected = -away / (modes.deviation**2 + 0.01**2)
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-2)


@given(some.integers(2, 40), some.integers(0, 999), some.integers(2, 100))
def test_a_walk_on_the_sphere_begins_and_ends_exactly_where_it_is_told_to(steps, seed, size):
    first, last = normal(2, size, seed=seed)
    walk = spherical_interpolation(first, last, steps)
    assert walk.shape == (steps, size)
    assert torch.equal(walk[0], first)
    assert torch.equal(walk[-1], last)


def turned(angle: float, size: int = 16) -> tuple[Tensor, Tensor]:
    """Return two vectors of length 3 with so large an angle between them."""
    one, other = torch.linalg.qr(normal(size, 2, seed=3))[0].T
    return 3 * one, 3 * (math.cos(angle) * one + math.sin(angle) * other)


@pytest.mark.parametrize("angle", [0.1, 1.0, math.pi / 2, 2.0, 3.0])
@pytest.mark.parametrize("steps", [2, 3, 9])
def test_on_the_sphere_all_steps_turn_alike_and_all_noises_are_as_long(angle, steps):
    walk = spherical_interpolation(*turned(angle), steps)
    torch.testing.assert_close(walk.norm(dim=1), torch.full((steps,), 3.0), rtol=1e-4, atol=0)
    halves = (walk[1:] - walk[:-1]).norm(dim=1) / 6  # the sine of half an angle
    expected = torch.full((steps - 1,), angle / (steps - 1))
    torch.testing.assert_close(2 * halves.asin(), expected, rtol=1e-3, atol=1e-4)


def test_halfway_on_the_sphere_is_the_mean_made_as_long():
    first, last = turned(2.0)
    walk = spherical_interpolation(first, last, 3)
    mean = (first + last) / 2
    torch.testing.assert_close(walk[1], 3 * mean / mean.norm(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 1, 1), (1, 8, 8), (3, 4, 4)])
def test_pictures_of_noise_are_walked_between_as_one_vector(shape):
    first, last = normal(2, *shape, seed=4)
    walk = spherical_interpolation(first, last, 5)
    flat = spherical_interpolation(first.flatten(), last.flatten(), 5)
    assert walk.shape == (5, *shape)
    torch.testing.assert_close(walk.flatten(1), flat, rtol=0, atol=1e-6)


def test_amid_noises_the_sphere_keeps_their_length_and_the_line_loses_it():
    first, last = normal(2, 784, seed=5)
    length = float(first.norm() + last.norm()) / 2
    middle = float(spherical_interpolation(first, last, 3)[1].norm())
    assert middle == pytest.approx(length, rel=0.05)
    expected = length / math.sqrt(2)
    assert float(interpolation(first, last, 3)[1].norm()) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("times", [1.0, 2.5, -1.0, -0.5])
def test_between_vectors_of_one_direction_or_of_opposite_ones_is_a_line(times):
    first = normal(12, seed=6)
    actual = spherical_interpolation(first, times * first, 7)
    assert torch.equal(actual, interpolation(first, times * first, 7))


def test_nearly_one_direction_is_as_good_as_a_line():
    first, last = turned(PARALLEL / 10)
    actual = spherical_interpolation(first, last, 7)
    torch.testing.assert_close(actual, interpolation(first, last, 7), rtol=0, atol=1e-6)


def arc(angle: float, steps: int, radius: float = 1.0) -> Tensor:
    """Return one walk along an arc."""
    t = torch.linspace(0, angle, steps + 1)
    return radius * torch.stack([t.cos(), t.sin()], 1)[None]


def test_straight_walks_are_no_longer_than_the_lines_between_their_ends():
    ends = normal(2, 20, 2, seed=7)
    shares = torch.linspace(0, 1, 9).square()[:, None, None]  # whatever their pace
    walks = torch.lerp(ends[0], ends[1], shares).movedim(0, 1)
    assert longer(walks) == pytest.approx(0, abs=1e-5)


def test_a_half_circle_is_longer_than_its_diameter_by_half_of_pi():
    walks = torch.cat([arc(math.pi, 1000), arc(math.pi, 1000, 3.0)])
    assert longer(walks) == pytest.approx(math.pi / 2 - 1, abs=1e-4)


def test_a_walk_there_and_a_third_back_is_longer_by_all_that_it_went_back_and_again():
    walk = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [2.0, 0.0], [3.0, 0.0]]])
    assert longer(walk) == pytest.approx(2 / 3)


@given(
    some.lists(
        some.tuples(some.floats(-50, 50, width=32), some.floats(-50, 50, width=32)),
        min_size=1,
        max_size=9,
    ),
    some.floats(0.01, 1),
)
def test_arrows_keep_their_directions_and_none_is_too_long(values, long):
    vectors = torch.tensor(values)
    actual = _shortened(vectors, long)
    assert actual.isfinite().all()
    assert (actual.norm(dim=1) <= long * (1 + 1e-5)).all()
    across = vectors[:, 0] * actual[:, 1] - vectors[:, 1] * actual[:, 0]
    scale = vectors.norm(dim=1) * actual.norm(dim=1)
    assert (across.abs() <= 1e-5 * scale + 1e-12).all()
    assert ((vectors * actual).sum(1) >= 0).all()


def test_longer_arrows_stay_longer_short_ones_in_proportion_and_long_ones_all_alike():
    lengths = torch.tensor([0.0, 0.001, 0.002, 0.5, 1.0, 2.0, 100.0, 1e6])
    actual = _shortened(lengths[:, None] * torch.tensor([[0.6, -0.8]]), 0.3).norm(dim=1)
    torch.testing.assert_close(actual, 0.3 * lengths.tanh(), rtol=1e-4, atol=1e-7)
    assert (actual.diff() >= 0).all()
    assert float(actual[2] / actual[1]) == pytest.approx(2, rel=1e-4)
    torch.testing.assert_close(actual[-2:], torch.full((2,), 0.3))


@pytest.mark.parametrize("timesteps", [1, 7, 1000])
def test_paths_go_from_the_same_noise_to_where_the_model_leads_in_the_steps_there_are(timesteps):
    make = lambda: DDPM(DDPMConfig(width=8, timesteps=timesteps), (2, 1, 1))  # noqa: E731
    family = build(make, 0).eval().requires_grad_(requires_grad=False)
    walks = walked(family)
    assert walks.shape == (WALKS, min(STEPS, timesteps) + 1, 2)
    torch.testing.assert_close(walks[:, 0], normal(WALKS, 2))
    assert longer(walks) > -1e-6


def test_an_even_walk_on_a_line_does_not_bend_and_half_a_circle_does_by_half_its_width():
    share = torch.linspace(0, 1, 101)
    line = (share[:, None] * torch.tensor([3.0, -4.0]))[None]
    torch.testing.assert_close(bend(line), torch.zeros(101), rtol=0, atol=1e-6)
    angle = torch.pi * (1 - share)
    circle = torch.stack([angle.cos(), angle.sin()], 1)[None]
    assert float(bend(circle)[50]) == pytest.approx(0.5, abs=1e-5)
    assert float(bend(circle)[[0, -1]].abs().max()) < 1e-5
    uneven = line.clone()
    uneven[0, 50] = line[0, 25]  # on the line, but late
    assert float(bend(uneven)[50]) == pytest.approx(0.25, abs=1e-5)


def test_the_exact_denoiser_leads_noise_to_the_modes_of_its_mixture():
    """The score of `blobs`, walked along by Euler, ends where its points are."""
    output = schedule("cosine", 200)
    x = normal(500, 2, seed=8)
    times = output.times(100)
    for t, s in pairwise(times):
        alpha, sigma = float(output.alphas[t]), float(output.sigmas[t])
        eps = -sigma * score(MODES["blobs"], x, alpha, sigma)
        x = output.alphas[s] * (x - sigma * eps) / alpha + output.sigmas[s] * eps
    away = torch.cdist(x, MODES["blobs"].centres).min(1).values
    assert float(away.square().mean() / 2) == pytest.approx(0.2**2, rel=0.25)
    assert float((x[:, 0] > 0).float().mean()) == pytest.approx(0.5, abs=0.1)


def strokes(trace) -> list[np.ndarray]:
    """Return the strokes of a trace, as they lie between its gaps."""
    points = np.stack([trace.x, trace.y], 1).astype(float)
    gaps = np.isnan(points)
    assert (gaps[:, 0] == gaps[:, 1]).all()
    ends = np.flatnonzero(gaps[:, 0])
    assert ends[-1] == len(points) - 1, "the last is followed by a gap, too"
    begins = [0, *(ends[:-1] + 1)]
    return [points[begin:end] for begin, end in zip(begins, ends, strict=True)]


def is_square(figure, reach: float) -> None:
    """Assert that a unit is as long upwards as it is to the right, and what is shown."""
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.scaleratio == 1
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert tuple(axis.range) == (-reach, reach)
        assert axis.fixedrange, "nobody zooms by accident"


PLACES = RNG.normal(size=(6, 2))
FIELDS = {"exact": RNG.normal(size=(6, 2)), "learned": RNG.normal(size=(6, 2))}
POINTS = RNG.normal(size=(11, 2))


def test_arrows_go_from_their_places_as_far_as_they_are_told_to_over_the_points():
    figure = arrows(PLACES, FIELDS, POINTS, 2.5)
    dots, *drawn = figure.data
    np.testing.assert_array_equal(np.stack([dots.x, dots.y], 1), POINTS)
    assert dots.mode == "markers"
    assert [trace.name for trace in drawn] == list(FIELDS)
    assert [trace.line.color for trace in drawn] == [REAL, GENERATED]
    assert drawn[0].line.width > drawn[1].line.width, "the second is seen upon the first"
    for trace, field in zip(drawn, FIELDS.values(), strict=True):
        assert trace.mode == "lines"
        assert not trace.connectgaps
        for stroke, at, by in zip(strokes(trace), PLACES, field, strict=True):
            np.testing.assert_allclose(stroke[0], at)
            np.testing.assert_allclose(stroke[1], at + by)
            np.testing.assert_allclose(stroke[3], at + by)
    is_square(figure, 2.5)


def test_the_head_of_an_arrow_is_alike_on_both_sides_and_grows_with_it():
    figure = arrows(PLACES, FIELDS, POINTS, 2.5)
    for stroke, by in zip(strokes(figure.data[1]), FIELDS["exact"], strict=True):
        sides = stroke[[2, 4]] - stroke[1]
        np.testing.assert_allclose(np.hypot(*sides.T), HEAD * np.hypot(*by))
        along, across = sides @ by, sides @ [-by[1], by[0]]
        assert along[0] == pytest.approx(along[1])
        assert along[0] < 0, "back along the arrow"
        assert across[0] == pytest.approx(-across[1])


def test_an_arrow_of_no_length_is_a_dot_at_its_place():
    figure = arrows(PLACES, {"learned": np.zeros((6, 2))}, POINTS, 1.0)
    for stroke, at in zip(strokes(figure.data[1]), PLACES, strict=True):
        np.testing.assert_array_equal(stroke, np.tile(at, (5, 1)))


def test_paths_are_drawn_whole_from_noise_to_their_ends_over_the_data():
    walks = RNG.normal(size=(5, 7, 2))
    figure = paths(walks, POINTS, 3.0)
    data, drawn, ends = figure.data
    np.testing.assert_array_equal(np.stack([data.x, data.y], 1), POINTS)
    np.testing.assert_array_equal(np.stack([ends.x, ends.y], 1), walks[:, -1])
    np.testing.assert_array_equal(np.stack(strokes(drawn)), walks)
    assert (drawn.mode, ends.mode, data.mode) == ("lines", "markers", "markers")
    assert not drawn.connectgaps
    assert [trace.marker.color for trace in (data, ends)] == [REAL, GENERATED]
    assert drawn.line.color == QUIET
    is_square(figure, 3.0)
