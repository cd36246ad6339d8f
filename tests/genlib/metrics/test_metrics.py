import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.transform import Rotation
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge
from torch.distributions import Normal

from genlib.data.dataset import load
from genlib.family import to_float
from genlib.headlines import psnr
from genlib.metrics import (
    denoising_error,
    frechet_distance,
    importance_bound,
    linear_denoiser,
    log_normal,
    pca_error,
    principal_angles,
    principal_axes,
)
from genlib.rng import generator


@pytest.mark.parametrize("codings", [1, 2, 10, 30, 63])
def test_pca_error_is_scikit_learns(codings):
    data = load("digits")
    train, test = to_float(data.train).flatten(1), to_float(data.test).flatten(1)
    pca = PCA(codings, svd_solver="full").fit(train.double().numpy())
    again = pca.inverse_transform(pca.transform(test.double().numpy()))
    expected = ((test.double().numpy() - again) ** 2).mean()
    assert pca_error(train, test, codings) == pytest.approx(expected, rel=1e-4)


def test_with_all_components_nothing_is_lost():
    x = torch.rand(50, 6, generator=generator(0))
    assert pca_error(x, x, 6) == pytest.approx(0, abs=1e-12)


def test_points_on_a_line_need_one_component():
    position = torch.rand(40, 1, generator=generator(1))
    line = torch.tensor([[1.0, 2.0, 3.0]]) + position * torch.tensor([[0.5, -1.0, 2.0]])
    assert pca_error(line, line, 1) == pytest.approx(0, abs=1e-11)


def test_more_components_never_lose_more_on_the_pictures_they_were_fitted_to():
    x = to_float(load("digits").train).flatten(1)
    errors = [pca_error(x, x, codings) for codings in range(1, 65, 7)]
    assert errors == sorted(errors, reverse=True)


MEAN = torch.tensor([0.3, 0.4, 0.5, 0.6, 0.7])
MIX = 0.1 * torch.randn(5, 5, generator=generator(2))


def points(count: int, seed: int) -> torch.Tensor:
    """Return points with mean MEAN and covariance MIX · MIXᵀ."""
    return MEAN + torch.randn(count, 5, generator=generator(seed)) @ MIX.T


def noisy(x: torch.Tensor, variance: torch.Tensor, seed: int) -> torch.Tensor:
    return x + variance.sqrt() * torch.randn(x.shape, generator=generator(seed))


VARIANCES = [torch.full((5,), 0.01), torch.full((5,), 0.25), torch.linspace(0.01, 0.3, 5)]
every_variance = pytest.mark.parametrize("variance", VARIANCES, ids=["small", "large", "mixed"])


@every_variance
def test_the_linear_denoiser_is_the_least_squares_fit_to_corrupted_samples(variance):
    x = points(200_000, 3)
    fit = LinearRegression().fit(noisy(x, variance, 4).double(), x.double())
    matrix, offset = linear_denoiser(x, variance)
    np.testing.assert_allclose(matrix.numpy(), fit.coef_, atol=0.01)
    np.testing.assert_allclose(offset.numpy(), fit.intercept_, atol=0.01)


@every_variance
def test_the_linear_denoiser_is_the_wiener_filter_of_the_exact_covariances(variance):
    covariance, noise = (MIX @ MIX.T).double(), variance.diag().double()
    exact = covariance @ torch.linalg.inv(covariance + noise)
    matrix, offset = linear_denoiser(points(200_000, 3), variance)
    torch.testing.assert_close(matrix.double(), exact, rtol=0, atol=0.01)
    torch.testing.assert_close(offset.double(), MEAN - exact @ MEAN.double(), rtol=0, atol=0.01)


@every_variance
def test_the_linear_denoiser_is_scikit_learns_ridge_regression_of_the_clean_on_themselves(
    variance,
):
    """Noise on the input is, on average, a ridge penalty: Bishop (1995)."""
    x, scale = points(300, 5).double().numpy(), variance.double().sqrt().numpy()
    ridge = Ridge(alpha=len(x)).fit(x / scale, x)
    matrix, offset = linear_denoiser(torch.from_numpy(x).float(), variance)
    np.testing.assert_allclose(matrix.numpy(), ridge.coef_ / scale, atol=1e-4)
    np.testing.assert_allclose(offset.numpy(), ridge.intercept_, atol=1e-4)


def test_without_noise_the_linear_denoiser_changes_nothing():
    matrix, offset = linear_denoiser(points(2_000, 6), torch.zeros(5))
    scale = float(torch.linalg.eigvalsh(MIX @ MIX.T)[0])  # the nudge is a millionth beside it
    torch.testing.assert_close(matrix, torch.eye(5), rtol=0, atol=2e-6 / scale)
    torch.testing.assert_close(offset, torch.zeros(5), rtol=0, atol=5e-6 / scale)


def test_in_endless_noise_the_best_guess_is_the_mean():
    x = points(2_000, 7)
    matrix, offset = linear_denoiser(x, torch.full((5,), 1e8))
    torch.testing.assert_close(matrix, torch.zeros(5, 5), rtol=0, atol=1e-6)
    torch.testing.assert_close(offset, x.mean(0), rtol=0, atol=1e-5)


def test_pixels_that_are_always_the_same_are_restored_exactly():
    x = torch.cat([points(500, 8), torch.full((500, 1), 0.25)], 1)
    matrix, offset = linear_denoiser(x, torch.full((6,), 0.1))
    again = noisy(x, torch.full((6,), 0.1), 9) @ matrix.T + offset
    torch.testing.assert_close(again[:, 5], x[:, 5], rtol=0, atol=1e-5)


@every_variance
def test_the_linear_denoiser_leaves_less_error_than_nothing_or_the_mean_or_its_neighbours(
    variance,
):
    x, rng = points(20_000, 10).clamp(0, 1), generator(11)
    corrupted, best = noisy(x, variance, 12), linear_denoiser(x, variance)
    least = denoising_error(best, corrupted, x)
    assert least < denoising_error((torch.eye(5), torch.zeros(5)), corrupted, x)
    assert least < denoising_error((torch.zeros(5, 5), x.mean(0)), corrupted, x)
    for _ in range(5):
        step = 0.1 * torch.randn(5, 5, generator=rng)
        other = best[0] + step, best[1] - step @ x.mean(0)
        assert least < denoising_error(other, corrupted, x)


def test_denoising_error_is_that_of_the_clipped_pictures():
    corrupted, clean = torch.tensor([[-1.0, 0.5, 2.0]]), torch.tensor([[0.0, 0.5, 0.5]])
    copy = torch.eye(3), torch.zeros(3)
    assert denoising_error(copy, corrupted, clean) == pytest.approx(0.25 / 3)
    shifted = torch.eye(3), torch.tensor([0.0, 0.25, 0.0])
    assert denoising_error(shifted, corrupted, clean) == pytest.approx((0.0625 + 0.25) / 3)
    turned = torch.tensor([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]]), torch.zeros(3)
    assert denoising_error(turned, corrupted, clean) == pytest.approx((0.25 + 0.25 + 0.25) / 3)


@pytest.mark.parametrize(("mse", "decibels"), [(1.0, 0), (0.1, 10), (0.01, 20), (0.5, 3.0103)])
def test_psnr_of_known_errors(mse, decibels):
    assert psnr(mse) == pytest.approx(decibels, abs=1e-4)
    assert psnr(mse / 2) - psnr(mse) == pytest.approx(3.0103, abs=1e-4)


def test_psnr_of_a_perfect_copy_is_a_number():
    assert psnr(0.0) == pytest.approx(120)


PLANE = np.random.default_rng(0).normal(size=(200, 3)) * [3, 2, 0]


@pytest.mark.parametrize("degrees", [0, 1e-3, 10, 45, 89, 90])
def test_a_plane_turned_about_a_line_in_it_has_that_angle_and_none(degrees):
    axis = principal_axes(PLANE, 2) @ [0.6, 0.8]
    turned = Rotation.from_rotvec(np.radians(degrees) * axis).apply(PLANE)
    angles = principal_angles(turned + np.array([5, -7, 9]), PLANE, 2)
    np.testing.assert_allclose(angles, [degrees, 0], atol=1e-5)


@pytest.mark.parametrize("degrees", [0, 30, 90, 150, 180, 300])
def test_a_plane_turned_within_itself_stays_the_same_plane(degrees):
    turned = Rotation.from_rotvec([0, 0, np.radians(degrees)]).apply(PLANE)
    np.testing.assert_allclose(principal_angles(turned, PLANE, 2), 0, atol=1e-5)


@pytest.mark.parametrize(("degrees", "angle"), [(0, 0), (20, 20), (90, 90), (120, 60), (180, 0)])
def test_the_angle_of_two_lines_is_the_smaller_one(degrees, angle):
    line = np.linspace(-1, 1, 9)[:, None] * [[1, 0, 0]]
    turned = Rotation.from_rotvec([0, np.radians(degrees), 0]).apply(line)
    np.testing.assert_allclose(principal_angles(turned, line, 1), [angle], atol=1e-5)


def test_in_four_dimensions_two_angles_are_found_the_largest_first():
    rng, (small, large) = np.random.default_rng(1), np.radians([12, 70])
    flat = rng.normal(size=(100, 2))
    first = flat @ np.eye(4)[:2]
    second = flat @ [
        [np.cos(small), 0, np.sin(small), 0],
        [0, np.cos(large), 0, np.sin(large)],
    ]
    np.testing.assert_allclose(principal_angles(first, second, 2), [70, 12], atol=1e-5)
    np.testing.assert_allclose(principal_angles(second, first, 2), [70, 12], atol=1e-5)


def test_principal_axes_are_scikit_learns_components():
    x = points(500, 13).numpy()
    axes = principal_axes(x, 3)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-5)
    components = PCA(3, svd_solver="full").fit(x.astype(np.float64)).components_
    np.testing.assert_allclose(np.abs(components @ axes), np.eye(3), atol=1e-4)


def log_weights(samples: int, seed: int, deviation: float = 1.0) -> torch.Tensor:
    """Return logarithms of weights whose expectation is 1: normal with mean -deviation**2 / 2."""
    drawn = torch.randn(samples, 4, generator=generator(seed))
    return deviation * drawn - deviation**2 / 2


def test_log_normal_is_torch_distributions():
    z = torch.linspace(-30, 30, 301)
    torch.testing.assert_close(log_normal(z), Normal(0.0, 1.0).log_prob(z))


def test_the_bound_of_one_draw_is_the_mean_and_that_of_all_is_the_log_of_the_mean_weight():
    weights = log_weights(50, 14)
    torch.testing.assert_close(importance_bound(weights, 1), weights.mean(0))
    torch.testing.assert_close(importance_bound(weights, 50), weights.exp().mean(0).log())
    torch.testing.assert_close(importance_bound(weights, 50), weights.logsumexp(0) - math.log(50))


@given(st.integers(0, 99), st.floats(0, 20))
def test_a_bound_of_larger_groups_of_the_same_draws_is_never_lower(seed, deviation):
    """By Jensen's inequality, where each group is made of whole smaller ones."""
    weights = log_weights(60, seed, deviation)
    bounds = [importance_bound(weights, count) for count in (1, 2, 4, 12, 60)]
    for lower, higher in pairwise(bounds):
        assert (higher >= lower - 1e-4).all()


def test_weights_that_are_all_alike_give_themselves_however_small_they_are():
    """Those of a picture's pixels: e to the power of minus a thousand is 0 in float32."""
    for count in (1, 3, 10):
        actual = importance_bound(torch.full((10, 2), -1000.0), count)
        torch.testing.assert_close(actual, torch.full((2,), -1000.0))


def test_draws_that_fill_no_group_are_not_used():
    weights = log_weights(10, 15)
    assert torch.equal(importance_bound(weights, 3), importance_bound(weights[:9], 3))
    assert torch.equal(importance_bound(weights, 6), importance_bound(weights[:6], 6))


def test_the_bound_rises_from_the_mean_to_the_logarithm_of_the_expected_weight():
    samples, deviation = 200_000, 1.0
    weights = log_weights(samples, 16, deviation)
    elbo, few, many = (importance_bound(weights, count) for count in (1, 10, samples))
    error = 5 / samples**0.5  # of the mean of the logarithms
    assert ((elbo + deviation**2 / 2).abs() < error).all()
    assert (elbo < few).all()
    assert (few < many).all()
    assert (many.abs() < error * (math.exp(deviation**2) - 1) ** 0.5).all()


def snapshots(x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    return x.double().numpy().mean(0), np.cov(x.double().numpy().T)


@pytest.mark.parametrize("count", [20, 500])
def test_the_frechet_distance_is_scipy_s_formula_of_the_sample_moments(count):
    real, output = points(count, 17), 1.5 * points(count, 18) - 0.2
    (mean, covariance), (other, others) = snapshots(real), snapshots(output)
    root = sqrtm(covariance @ others).real
    expected = ((mean - other) ** 2).sum() + np.trace(covariance + others - 2 * root)
    assert frechet_distance(real, output) == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(output, real) == pytest.approx(expected, rel=1e-4)


def test_the_frechet_distance_of_a_set_from_itself_is_zero_in_any_order():
    x = points(300, 19)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x.flip(0)) == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_of_a_shift_is_its_square_and_of_a_scale_that_of_the_deviations():
    x = points(300, 20)
    shift = torch.tensor([3.0, 0, -4, 0, 0])
    assert frechet_distance(x, x + shift) == pytest.approx(25, rel=1e-5)
    centred = x - x.mean(0)
    spread = float(centred.double().var(0).sum())
    assert frechet_distance(centred, 3 * centred) == pytest.approx((3 - 1) ** 2 * spread, rel=1e-4)
