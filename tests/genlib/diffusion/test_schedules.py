"""Schedules are those of the papers and of diffusers, and say where they do not reach noise."""

import re
from itertools import pairwise

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from genlib.diffusion.schedules import BETAS, STEEPEST, ScheduleError, schedule
from genlib.rng import generator

KEEPING = tuple(BETAS)  # the variance
NAMES = (*KEEPING, "flow")
SCALED = ("linear", "cosine", "sigmoid", "flow")  # to any number of steps
every_name = pytest.mark.parametrize("name", NAMES)
keeping_the_variance = pytest.mark.parametrize("name", KEEPING)
of_lengths = pytest.mark.parametrize("last", [10, 200, 1000])


def theirs(beta_schedule: str, last: int, **settings: float) -> Tensor:
    """Return ᾱ at the times 1 … T as diffusers has it: there, time 0 is our time 1."""
    settings |= {"num_train_timesteps": last, "beta_schedule": beta_schedule}
    return DDPMScheduler(**settings).alphas_cumprod


def test_the_linear_schedule_is_that_of_diffusers():
    for name in ("linear", "linear, not scaled"):
        actual = schedule(name, 1000).alphas[1:].square()
        torch.testing.assert_close(actual, theirs("linear", 1000), rtol=1e-4, atol=0)


@of_lengths
def test_the_unscaled_schedule_is_what_diffusers_makes_of_few_steps(last):
    actual = schedule("linear, not scaled", last).alphas[1:].square()
    torch.testing.assert_close(actual, theirs("linear", last), rtol=1e-4, atol=0)


@pytest.mark.parametrize("last", [50, 200, 4000])
def test_the_scaled_schedule_is_that_of_diffusers_with_scaled_betas(last):
    betas = {"beta_start": 0.1 / last, "beta_end": 20 / last}
    actual = schedule("linear", last).alphas[1:].square()
    torch.testing.assert_close(actual, theirs("linear", last, **betas), rtol=2e-4, atol=0)


@of_lengths
def test_the_cosine_schedule_is_that_of_diffusers(last):
    actual = schedule("cosine", last).alphas[1:].square()
    torch.testing.assert_close(actual, theirs("squaredcos_cap_v2", last), rtol=2e-4, atol=0)


@of_lengths
def test_the_sigmoid_schedule_is_the_papers(last):
    """Jabri et al. 2022, algorithm 2, up to the step that would be steeper than all others."""
    time = torch.arange(last + 1, dtype=torch.float64) / last
    start, end = (torch.tensor(value).double().sigmoid() for value in (-3.0, 3.0))
    expected = (end - (6 * time - 3).sigmoid()) / (end - start)
    actual = schedule("sigmoid", last).alphas.double().square()
    torch.testing.assert_close(actual[:-1], expected[:-1], rtol=1e-5, atol=0)
    assert float(actual[-1]) == pytest.approx((1 - STEEPEST) * float(actual[-2]), rel=1e-5)


@every_name
@pytest.mark.parametrize("last", [1, 10, 1000])
def test_a_schedule_starts_at_data_and_has_all_its_times(name, last):
    output = schedule(name, last)
    assert output.last == last
    assert len(output.alphas) == len(output.sigmas) == last + 1
    assert (float(output.alphas[0]), float(output.sigmas[0])) == (1, 0)
    assert output.alphas.dtype == output.sigmas.dtype == torch.float32
    assert output.straight == (name == "flow")


@keeping_the_variance
@pytest.mark.parametrize("last", [1, 50, 1000, 4000])
def test_the_variance_is_kept(name, last):
    output = schedule(name, last)
    variance = output.alphas.double().square() + output.sigmas.double().square()
    torch.testing.assert_close(variance, torch.ones_like(variance), rtol=0, atol=2e-7)


@pytest.mark.parametrize("last", [1, 50, 1000])
def test_flow_goes_straight_from_data_to_noise(last):
    output = schedule("flow", last)
    torch.testing.assert_close(output.alphas + output.sigmas, torch.ones(last + 1))
    torch.testing.assert_close(output.sigmas * last, torch.arange(last + 1.0), rtol=1e-6, atol=0)


@every_name
@pytest.mark.parametrize("last", [50, 200, 1000])
def test_the_steps_replace_a_share_of_the_variance_and_multiply_up_to_what_is_left(name, last):
    output = schedule(name, last)
    whole = 1 if name == "flow" else 0  # its last step leaves nothing at all
    assert len(output.betas) == last
    assert ((output.betas > 0) & (output.betas < 1))[: last - whole].all()
    assert (output.betas[last - whole :] == 1).all()
    actual = (1 - output.betas.double()).cumprod(0).sqrt()
    torch.testing.assert_close(actual, output.alphas[1:].double(), rtol=1e-3, atol=1e-7)


@every_name
@pytest.mark.parametrize("last", [1, 10, 50, 1000, 4000])
def test_the_signal_to_noise_ratio_falls_at_every_step(name, last):
    output = schedule(name, last)
    assert (output.log_snr.diff() < 0).all()
    assert float(output.log_snr[0]) == float("inf")
    inner = slice(1, last)
    ratio = output.alphas[inner].double().square() / output.sigmas[inner].double().square()
    torch.testing.assert_close(output.log_snr[inner].double(), ratio.log(), rtol=1e-5, atol=1e-5)


@keeping_the_variance
def test_the_marginal_of_x_t_is_the_closed_form(name):
    """Twenty small steps, one after the other, and one look at the tables."""
    output, rng, count, start = schedule(name, 20), generator(0), 40_000, 1.7
    x = torch.full((count,), start)
    for t, beta in enumerate(output.betas, 1):
        x = (1 - beta).sqrt() * x + beta.sqrt() * torch.randn(count, generator=rng)
        sigma = float(output.sigmas[t])
        error = sigma / count**0.5  # of the mean; that of the deviation is smaller
        assert float(x.mean()) == pytest.approx(float(output.alphas[t]) * start, abs=5 * error)
        assert float(x.std()) == pytest.approx(sigma, abs=5 * error)


@every_name
def test_each_of_a_batch_is_noised_at_its_own_time(name):
    output = schedule(name, 30)
    x, eps = torch.randn(2, 6, 3, 4, 4, generator=generator(1))
    t = torch.tensor([0, 30, 1, 7, 7, 29])
    actual = output.noised(x, t, eps)
    for index, time in enumerate(t.tolist()):
        expected = output.alphas[time] * x[index] + output.sigmas[time] * eps[index]
        torch.testing.assert_close(actual[index], expected)
    assert torch.equal(actual[0], x[0])
    if name == "flow":
        assert torch.equal(actual[1], eps[1])


def test_diffusers_adds_the_same_noise():
    output = schedule("linear", 1000)
    x, eps = torch.randn(2, 5, 1, 4, 4, generator=generator(2))
    t = torch.tensor([1, 10, 400, 999, 1000])
    expected = DDPMScheduler(num_train_timesteps=1000).add_noise(x, eps, t - 1)
    torch.testing.assert_close(output.noised(x, t, eps), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_scales_of_a_batch_have_ones_up_to_the_rank(rank):
    output, t = schedule("cosine", 10), torch.tensor([3, 1, 10])
    alpha, sigma = output.at(t, rank)
    assert alpha.shape == sigma.shape == (3, *[1] * (rank - 1))
    assert torch.equal(alpha.flatten(), output.alphas[t])
    assert torch.equal(sigma.flatten(), output.sigmas[t])


@pytest.mark.parametrize("last", [10, 50, 200])
def test_a_schedule_that_ends_before_noise_complains_and_says_how_much_is_left(last):
    output = schedule("linear, not scaled", last)
    actual = re.search(r"still (\S+) times .*\((\d+)% of its power", output.complaint())
    assert actual is not None
    power = float(theirs("linear", last)[-1])
    assert float(actual[1]) == pytest.approx(power**0.5, abs=0.005)
    assert int(actual[2]) == pytest.approx(100 * power, abs=0.5)
    assert output.complaint().endswith(".")


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("last", [50, 1000, 4000])
def test_a_schedule_that_ends_in_noise_does_not_complain(name, last):
    assert schedule(name, last).complaint() == ""


def test_a_thousand_steps_need_no_scaling():
    assert schedule("linear, not scaled", 1000).complaint() == ""


@every_name
def test_one_step_is_enough_for_a_schedule(name):
    output = schedule(name, 1)
    assert output.times(1) == [1, 0]
    assert output.alphas.isfinite().all()
    assert 0 <= float(output.alphas[1]) < 1
    assert 0 < float(output.sigmas[1]) <= 1


@every_name
@pytest.mark.parametrize("last", [0, -1])
def test_a_schedule_without_a_step_is_refused_in_a_sentence(name, last):
    with pytest.raises(ScheduleError) as caught:
        schedule(name, last)
    assert str(caught.value).endswith(".")


PATHS = [
    (last, steps, start)
    for last in (1, 7, 50, 1000)
    for start in {1, last // 10, last // 2, last - 1, last}
    for steps in (1, 2, 3, 7, 20, 49, 333, 999)
    if steps <= start
]


@pytest.mark.parametrize(("last", "steps", "start"), PATHS)
def test_a_path_goes_from_its_start_down_to_data(last, steps, start):
    times = schedule("cosine", last).times(steps, start)
    assert (times[0], times[-1]) == (start, 0)
    assert len(times) == steps + 1
    gaps = [before - after for before, after in pairwise(times)]
    assert min(gaps) > 0
    assert max(gaps) - min(gaps) <= 1  # even, but for the rounding


def test_a_path_starts_at_the_end_unless_told_otherwise():
    output = schedule("flow", 60)
    assert output.times(7) == output.times(7, 60)
    assert output.times(60) == list(range(60, -1, -1))


@pytest.mark.parametrize(
    ("steps", "start"),
    [(101, None), (0, None), (-1, None), (31, 30), (0, 30), (1, 0), (5, -3), (5, 101), (1, 101)],
)
def test_a_path_that_there_is_not_is_refused_in_a_sentence(steps, start):
    with pytest.raises(ScheduleError) as caught:
        schedule("cosine", 100).times(steps, start)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("last", "steps"), [*((100, each) for each in (1, 2, 5, 20, 50, 100)), (1000, 30), (1000, 64)]
)
def test_the_times_are_the_trailing_ones_of_diffusers(last, steps):
    other = DDIMScheduler(num_train_timesteps=last, timestep_spacing="trailing")
    other.set_timesteps(steps)
    assert schedule("linear", last).times(steps)[:-1] == [int(t) + 1 for t in other.timesteps]
