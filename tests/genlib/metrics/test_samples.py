"""Figures of merit of samples: known sets get the figures that are known of them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats
from scipy.spatial.distance import cdist

from genlib.data.points import MODES, plane
from genlib.metrics import (
    bootstrap_interval,
    class_shares,
    count_modes,
    effective_modes,
    energy_distance,
    kernel_distance,
    manifold,
    nearest,
    radii,
    support_interval,
    support_size,
    two_sample_test,
    vendi_of_features,
    vendi_score,
)
from genlib.rng import generator


def normal(count: int, seed: int, features: int = 3, shift: float = 0.0) -> torch.Tensor:
    return shift + torch.randn(count, features, generator=generator(seed))


@pytest.mark.parametrize(("first", "second"), [(10, 10), (40, 70), (300, 5)])
def test_energy_distance_on_a_line_is_scipys(first, second):
    x, y = normal(first, 0, 1), 2 * normal(second, 1, 1, 0.3)
    expected = stats.energy_distance(x.flatten(), y.flatten())
    assert float(energy_distance(x, y)) == pytest.approx(expected, rel=1e-4)


def test_energy_distance_by_its_definition():
    x, y = normal(60, 2).double(), normal(45, 3, shift=0.5).double()
    mean = [float(cdist(*pair).mean()) for pair in ((x, y), (x, x), (y, y))]
    expected = math.sqrt(2 * mean[0] - mean[1] - mean[2])
    assert float(energy_distance(x, y)) == pytest.approx(expected)
    assert float(energy_distance(y, x)) == pytest.approx(expected)


def test_equal_sets_have_no_energy_distance_whatever_their_order():
    x = normal(200, 4).double()
    shuffled = x[torch.randperm(200, generator=generator(5))]
    assert float(energy_distance(x, x)) == 0
    assert float(energy_distance(x, shuffled)) == pytest.approx(0, abs=1e-6)


def test_energy_distance_grows_with_the_shift_and_is_that_of_two_points_in_the_end():
    x = normal(200, 6)
    far = [float(energy_distance(x, x + shift)) for shift in (0.0, 0.1, 0.5, 1.0, 5.0, 50.0)]
    assert far == sorted(far)
    assert far[1] > 0
    point, other = torch.zeros(3, 2), torch.tensor([[3.0, 4.0]]).repeat(5, 1)
    assert float(energy_distance(point, other)) == pytest.approx(math.sqrt(2 * 5))


def test_p_values_of_one_distribution_are_even():
    rng = generator(7)
    actual = [
        two_sample_test(
            torch.randn(15, 2, generator=rng), torch.randn(10, 2, generator=rng), rng, rounds=199
        )
        for _ in range(400)
    ]
    assert stats.kstest(actual, "uniform").pvalue > 0.01
    assert 1 / 200 <= min(actual) <= max(actual) <= 1


def test_p_values_of_two_distributions_are_as_small_as_they_can_be():
    x = normal(100, 8)
    assert two_sample_test(x, normal(80, 9, shift=2.0), generator(0)) == pytest.approx(1 / 1000)
    assert two_sample_test(x, 3 * normal(80, 10), generator(0)) == pytest.approx(1 / 1000)


def test_no_split_is_nearer_than_a_set_is_to_itself():
    x = normal(30, 11)
    assert two_sample_test(x, x, generator(0), rounds=99) == 1


def by_the_definitions(real: torch.Tensor, fake: torch.Tensor, k: int) -> list[np.ndarray]:
    """Return precision, recall, density and coverage as they are defined, ball by ball."""
    x, y = real.double().numpy(), fake.double().numpy()
    reach_x = [np.sort(np.delete(cdist([p], x)[0], i))[k - 1] for i, p in enumerate(x)]
    reach_y = [np.sort(np.delete(cdist([p], y)[0], i))[k - 1] for i, p in enumerate(y)]
    far = cdist(x, y)
    in_real = np.array([[far[i, j] < reach_x[i] for j in range(len(y))] for i in range(len(x))])
    in_fake = np.array([[far[i, j] < reach_y[j] for j in range(len(y))] for i in range(len(x))])
    return [in_real.any(0), in_fake.any(1), in_real.sum(0) / k, in_real.any(1)]


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("reals", "fakes"), [(20, 20), (150, 90), (60, 200)])
def test_manifold_is_by_the_definitions(reals, fakes, k):
    real, fake = normal(reals, 12, 4), 0.8 * normal(fakes, 13, 4, 0.4)
    for actual, expected in zip(
        manifold(real, fake, k), by_the_definitions(real, fake, k), strict=True
    ):
        np.testing.assert_allclose(actual.numpy(), expected, atol=1e-6)


def test_manifold_is_the_same_where_distances_are_held_in_parts():
    real, fake = normal(1_203, 14, 2), normal(700, 15, 2, 0.3)
    expected = by_the_definitions(real, fake, 5)
    for actual, wanted in zip(manifold(real, fake), expected, strict=True):
        assert np.abs(actual.numpy() - wanted).mean() < 1e-3  # of floats, a tie may fall otherwise


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_manifold_sees_through_modes_that_are_narrow_beside_their_distance(name):
    real, fake = (plane(name, 1_000, seed).points.flatten(1) for seed in (0, 1))
    expected = by_the_definitions(real, fake, 5)
    for actual, wanted in zip(manifold(real, fake), expected, strict=True):
        assert float(actual.mean()) == pytest.approx(wanted.mean(), abs=2e-3)


def test_two_sets_of_one_distribution_have_the_figures_that_were_published():
    """Naeem et al. 2020, the README of prdc: 10,000 of N(0, I) each in 1000 dimensions."""
    actual = manifold(normal(10_000, 16, 1_000), normal(10_000, 17, 1_000))
    precision, recall, density, coverage = (float(each.mean()) for each in actual)
    expected = [0.477, 0.470, 0.974]
    assert [precision, recall, coverage] == pytest.approx(expected, abs=0.02)
    assert density == pytest.approx(1.056, abs=0.2)  # a few hubs decide it: it is 1 on average


def test_density_is_one_on_average_and_coverage_what_counting_says():
    """Naeem et al. 2020, lemmas 1 and 2: so for every distribution."""
    size, k, games = 50, 5, 100
    both = [manifold(normal(size, 2 * seed), normal(size, 2 * seed + 1)) for seed in range(games)]
    density = np.array([float(each.density.mean()) for each in both])
    coverage = np.array([float(each.coverage.mean()) for each in both])
    missed = math.prod((size - 1 - i) / (2 * size - 1 - i) for i in range(k))
    noise = 4 / math.sqrt(games)
    assert density.mean() == pytest.approx(1, abs=noise * density.std())
    assert coverage.mean() == pytest.approx(1 - missed, abs=noise * coverage.std())


def test_equal_sets_are_precise_and_whole_and_distant_ones_neither():
    x = normal(200, 18)
    for each in manifold(x, x):
        assert float(each.mean()) == pytest.approx(1, abs=0.1)
    for each in manifold(x, x + 100):
        assert float(each.mean()) == 0


def test_a_collapsed_set_is_precise_but_not_whole():
    x = normal(400, 19, 2)
    actual = manifold(x, 0.01 * normal(400, 20, 2))
    assert float(actual.precision.mean()) == 1
    assert float(actual.recall.mean()) < 0.1
    assert float(actual.coverage.mean()) < 0.2


def test_radii_and_nearest_are_scipys_distances():
    x, other = normal(1_100, 21), normal(300, 22)
    within = np.sort(cdist(x, x), axis=1)
    for k in (1, 5):
        np.testing.assert_allclose(radii(x, k).numpy(), within[:, k], atol=2e-3)
    far, index = nearest(x, other)
    np.testing.assert_allclose(far.numpy(), cdist(x, other).min(1), atol=2e-3)
    assert np.array_equal(index.numpy(), cdist(x, other).argmin(1))


def test_the_vendi_score_has_the_values_of_its_authors_examples():
    """The README of vertaix/Vendi-Score."""
    numbers = torch.tensor([0.0, 0.0, 10.0, 10.0, 20.0, 20.0])
    similarity = (-(numbers[:, None] - numbers).abs()).exp()
    assert vendi_score(similarity) == pytest.approx(2.9999, abs=1e-4)  # cut off, not rounded
    given_ = torch.tensor([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert vendi_score(given_) == pytest.approx(2.1573, abs=5e-5)


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_the_vendi_score_is_the_count_of_what_differs_and_one_for_copies(count):
    assert vendi_score(torch.eye(count)) == pytest.approx(count)
    assert vendi_score(torch.ones(count, count)) == pytest.approx(1, abs=1e-6)
    assert vendi_score(3 * torch.eye(count)) == pytest.approx(count)


@pytest.mark.parametrize(("count", "features"), [(30, 5), (5, 30), (12, 12)])
def test_the_vendi_score_of_features_is_that_of_their_cosines(count, features):
    x = normal(count, 23, features)
    length = x.norm(dim=1)
    cosines = x @ x.T / (length[:, None] * length)
    assert vendi_of_features(x) == pytest.approx(vendi_score(cosines), rel=1e-5)
    assert vendi_of_features(5 * x) == pytest.approx(vendi_of_features(x))
    assert 1 <= vendi_of_features(x) <= min(count, features)
    assert vendi_of_features(torch.cat([x, x])) == pytest.approx(vendi_of_features(x))


@given(some.integers(1, 50))
def test_equally_frequent_classes_are_worth_their_number_and_a_single_one_is_worth_one(count):
    assert effective_modes(torch.full((count,), 0.3)) == pytest.approx(count, rel=1e-5)
    single = torch.zeros(count)
    single[count // 2] = 7
    assert effective_modes(single) == pytest.approx(1)


@given(some.lists(some.integers(0, 1000), min_size=2, max_size=20).filter(any))
def test_effective_modes_is_the_exponential_of_scipys_entropy(counts):
    actual = effective_modes(torch.tensor(counts).float())
    assert actual == pytest.approx(math.exp(stats.entropy(counts)), rel=1e-4)
    assert actual <= np.count_nonzero(counts) * (1 + 1e-5)


@pytest.mark.parametrize("size", [50, 300])
def test_from_the_pairs_among_few_samples_follows_how_many_different_ones_there_are(size):
    different, rng = normal(size, 24, 8), generator(25)
    count, pairs = 60, 0
    for _ in range(100):
        drawn = different[torch.randint(size, (count,), generator=rng)]
        estimate, actual = support_size(drawn, 0.01)
        assert estimate == (
            pytest.approx(count * (count - 1) / 2 / actual) if actual else math.inf
        )
        pairs += actual
    assert count * (count - 1) / 2 * 100 / pairs == pytest.approx(size, rel=0.06)


def test_samples_that_all_differ_speak_of_endlessly_many():
    assert support_size(10 * torch.eye(40), 1.0) == (math.inf, 0)


@pytest.mark.parametrize(("count", "scale"), [(10, 1.0), (60, 1.0), (60, 100.0)])
def test_exact_copies_are_alike_however_small_the_distance_allowed(count, scale):
    different = scale * normal(count, 26, 64)
    twice = torch.cat([different, different])
    assert support_size(twice, 0.0) == (pytest.approx(2 * count - 1), count)


def test_the_interval_of_the_support_holds_the_size_that_was_drawn_from():
    size, count, held = 2000, 300, 0
    for seed in range(100):
        drawn = torch.randint(size, (count, 1), generator=generator(seed)).double()
        low, high = support_interval(count, support_size(drawn, 0.0)[1])
        held += low <= size <= high
    assert held >= 90
    low, high = support_interval(500, 3)  # Garwood's interval of 3 is 0.619 to 8.767
    assert (low, high) == pytest.approx((124_750 / 8.767, 124_750 / 0.6187), rel=1e-3)
    low, high = support_interval(500, 0)
    assert (low, high) == (pytest.approx(124_750 / 3.689, rel=1e-3), math.inf)


@pytest.mark.parametrize("name", MODES)
def test_samples_of_the_mixture_itself_meet_all_its_modes(name):
    modes, count = MODES[name], 20_000
    actual = count_modes(plane(name, count, 5).points.flatten(1), *modes)
    within = 1 - math.exp(-9 / 2)  # of a round normal distribution within three deviations
    assert actual.captured == len(modes.centres)
    assert actual.high_quality == pytest.approx(within, abs=4 * math.sqrt(within / 90 / count))
    assert actual.reverse_kl == pytest.approx(0, abs=5 * len(modes.centres) / (2 * count))
    assert within == pytest.approx(0.989, abs=5e-4)


def test_a_single_mode_is_ln_8_away_from_even():
    centres, deviation = MODES["ring"]
    actual = count_modes(centres[3] + deviation * normal(500, 27, 2), centres, deviation)
    assert actual.captured == 1
    assert actual.reverse_kl == pytest.approx(math.log(8), rel=1e-5)
    two = torch.cat([centres[:1].repeat(3, 1), centres[4:5].repeat(3, 1)])
    assert count_modes(two, centres, deviation).reverse_kl == pytest.approx(math.log(4), rel=1e-5)


def test_what_lies_beside_a_mode_does_not_capture_it():
    centres, deviation = MODES["ring"]
    out, inside = (centres * (1 + times * deviation) for times in (3.1, 2.9))
    assert count_modes(out, centres, deviation)[:2] == (0, 0.0)
    assert count_modes(inside, centres, deviation)[:2] == (8, 1.0)
    half = count_modes(torch.cat([out[:4], inside[4:]]), centres, deviation)
    assert half[:2] == (4, 0.5)
    assert half.reverse_kl == pytest.approx(0, abs=1e-6)


def unbiased(x: np.ndarray, y: np.ndarray) -> float:
    """Return the squared discrepancy under (x·y/d + 1)³, each pair of different samples once."""
    kernel = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3  # noqa: E731
    inside = [k[~np.eye(len(k), dtype=bool)].mean() for k in (kernel(x, x), kernel(y, y))]
    return sum(inside) - 2 * kernel(x, y).mean()


@pytest.mark.parametrize(("first", "second"), [(20, 20), (70, 50)])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_kernel_distance_is_the_unbiased_discrepancy_of_as_many_of_both(first, second, shift):
    x, y = normal(first, 28, 6), normal(second, 29, 6, shift)
    size = min(first, second)
    expected = unbiased(x[:size].double().numpy(), y[:size].double().numpy())
    assert kernel_distance(x, y) == pytest.approx(expected, abs=1e-6)


def test_kernel_distance_is_zero_on_average_where_nothing_differs():
    actual = [
        kernel_distance(normal(20, 2 * seed), normal(20, 2 * seed + 1)) for seed in range(99)
    ]
    assert abs(np.mean(actual)) < 4 * np.std(actual) / math.sqrt(len(actual))
    assert min(actual) < 0 < max(actual)


def test_kernel_distance_leaves_the_global_generator_as_it_was():
    before = torch.get_rng_state()
    kernel_distance(normal(30, 30), normal(30, 31))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says():
    rng, covered, games = generator(32), 0, 300
    for _ in range(games):
        x, y = torch.randn(60, generator=rng) + 2, torch.randn(90, generator=rng)
        low, high = bootstrap_interval(
            lambda i, j, x=x, y=y: float(x[i].mean() - y[j].mean()), (60, 90), rng
        )
        covered += low <= 2 <= high
    assert covered / games == pytest.approx(0.95, abs=0.04)


def test_the_interval_is_as_wide_as_the_normal_distribution_says():
    x = normal(400, 33, 1)[:, 0]
    low, high = bootstrap_interval(lambda i, _: float(x[i].mean()), (400, 1), generator(0), 2_000)
    half = 1.96 * float(x.std()) / 20
    assert (high - low) / 2 == pytest.approx(half, rel=0.08)
    assert (high + low) / 2 == pytest.approx(float(x.mean()), abs=half / 10)


def test_the_interval_takes_the_bias_of_resampling_off():
    """Drawing twice leaves out about 1/e of a set: percentiles would never reach its size."""
    low, high = bootstrap_interval(lambda i, _: float(len(i.unique())), (200, 1), generator(1))
    assert low < 200 < high
    assert (low + high) / 2 == pytest.approx(200, abs=1)


def test_what_does_not_vary_has_an_interval_of_no_width():
    assert bootstrap_interval(lambda *_: 3.5, (10, 10), generator(2)) == (3.5, 3.5)


@given(some.lists(some.integers(0, 9), max_size=60))
def test_class_shares_are_numpys_counts_over_all(labels):
    actual = class_shares(torch.tensor(labels, dtype=torch.long), 10)
    counts = np.bincount(np.array(labels, dtype=int), minlength=10)
    np.testing.assert_allclose(actual.numpy(), counts / max(1, len(labels)), rtol=1e-6)
    assert len(actual) == 10
