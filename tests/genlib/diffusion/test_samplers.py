"""Samplers take the steps of diffusers' schedulers, and go where exact denoisers lead."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
)
from torch import Tensor

from genlib.diffusion.parameterizations import PARAMETERIZATIONS
from genlib.diffusion.samplers import (
    SAMPLERS,
    Frame,
    Predictor,
    Sampler,
    ddim,
    dpm_solver,
    evaluations,
    inpainted,
    invert,
    noise,
    probability_flow,
    stepped,
)
from genlib.diffusion.schedules import Schedule, schedule
from genlib.rng import generator

Network = Callable[[Tensor, int], Tensor]
SIZE, COUNT = 6, 5
WEIGHTS = torch.randn(3, SIZE, SIZE, generator=generator(0)) / SIZE**0.5
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)
# The parameterization, by our name and by theirs, where its output is well conditioned: x̂_0
# follows from the noise only if something of x_0 is left.
MADE = [("linear", 1000, "noise"), ("cosine", 100, "velocity"), ("linear", 1000, "velocity")]
THEIRS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
SAYS = {"noise": "epsilon", "velocity": "v_prediction"}
on_each = pytest.mark.parametrize(("name", "last", "prediction"), MADE)
in_steps = pytest.mark.parametrize("steps", [1, 2, 5, 20])


# diffusers hands tensors to numpy as numpy no longer likes it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def network(x: Tensor, t: int) -> Tensor:
    """Return something smooth and not linear of x_t and the time: a small network."""
    first, second, third = WEIGHTS
    hidden = torch.tanh(x @ first + torch.sin(torch.arange(SIZE) + t / 300))
    return x @ third + hidden @ second


def seeing(output: Schedule, prediction: str, asked: Network = network) -> Predictor:
    """Return the x̂_0 that follows from a network's output."""
    parameterization = PARAMETERIZATIONS[prediction]

    def predict(x: Tensor, t: int, s: int) -> Tensor:
        return parameterization.x0_hat(x, asked(x, t), output.alphas[t], output.sigmas[t])

    return predict


def begun(seed: int = 1) -> Tensor:
    return torch.randn(COUNT, SIZE, generator=generator(seed))


def settings(name: str, last: int, prediction: str) -> dict[str, object]:
    """Return the settings of a scheduler of diffusers."""
    return {
        "num_train_timesteps": last,
        "beta_start": 1e-4,
        "beta_end": 0.02,
        "beta_schedule": THEIRS[name],
        "prediction_type": SAYS[prediction],
        "timestep_spacing": "trailing",
    }


def same(frames: list[Frame], times: list[int], path: list[Tensor]) -> None:
    """Assert that a path is one of diffusers."""
    assert [frame.time for frame in frames] == times
    for frame, x in zip(frames, path, strict=True):
        torch.testing.assert_close(frame.x, x, **TOLERANCE)


@on_each
@in_steps
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_takes_the_steps_of_diffusers(name, last, prediction, steps, eta):
    output, x, rng = schedule(name, last), begun(), generator(2)
    times = output.times(steps)
    frames = list(ddim(eta)(seeing(output, prediction), x, output, times, generator(2)))
    other = DDIMScheduler(**settings(name, last, prediction), clip_sample=False)
    other.set_timesteps(steps)
    path = [x]
    for t in times[:-1]:
        fresh = torch.randn(x.shape, generator=rng) if eta else None
        text = network(path[-1], t)
        path.append(other.step(text, t - 1, path[-1], eta, variance_noise=fresh).prev_sample)
    same(frames, times, path)


@pytest.mark.parametrize("name", ["linear, not scaled", "cosine"])
@pytest.mark.parametrize(("last", "steps"), [(20, 20), (20, 5), (100, 100)])
def test_ddim_with_all_the_noise_is_ddpm_as_diffusers_has_it(name, last, steps):
    output, x, rng = schedule(name, last), begun(), generator(3)
    times = output.times(steps)
    frames = list(ddim(1.0)(seeing(output, "velocity"), x, output, times, generator(3)))
    expected = settings("linear" if name != "cosine" else name, last, "velocity")
    other = DDPMScheduler(**expected, variance_type="fixed_small", clip_sample=False)
    other.set_timesteps(steps)
    path = [x]
    for t in times[:-1]:
        path.append(other.step(network(path[-1], t), t - 1, path[-1], rng).prev_sample)
    same(frames, times, path)


@on_each
@in_steps
def test_dpm_solver_takes_the_steps_of_diffusers(name, last, prediction, steps):
    output, x = schedule(name, last), begun()
    times = output.times(steps)
    frames = list(dpm_solver(seeing(output, prediction), x, output, times, generator(0)))
    other = DPMSolverMultistepScheduler(
        **settings(name, last, prediction),
        algorithm_type="dpmsolver++",
        solver_order=2,
        solver_type="midpoint",
        final_sigmas_type="zero",
    )
    other.set_timesteps(steps)
    path = [x]
    for t in times[:-1]:
        path.append(other.step(network(path[-1], t), t - 1, path[-1]).prev_sample)
    same(frames, times, path)


@pytest.mark.parametrize(
    ("order", "name", "last", "prediction", "start"),
    [
        (1, "linear", 1000, "noise", 1000),
        (1, "linear", 1000, "velocity", 1000),
        (1, "cosine", 100, "velocity", 80),
        (2, "linear", 1000, "noise", 800),
        (2, "linear", 1000, "velocity", 800),
        (2, "cosine", 100, "velocity", 80),
    ],
)
@in_steps
def test_euler_and_heun_take_the_steps_of_diffusers(order, name, last, prediction, start, steps):
    """Theirs go in x / α, which has no place for pure noise."""
    output, x = schedule(name, last), begun()
    times = output.times(steps, start)
    sampler = probability_flow(order)
    frames = list(sampler(seeing(output, prediction), x, output, times, generator(0)))
    kind = EulerDiscreteScheduler if order == 1 else HeunDiscreteScheduler
    other = kind(**settings(name, last, prediction))
    other.set_timesteps(timesteps=[t - 1 for t in times[:-1]])
    scaled, path = x / output.alphas[start], []
    for index, t in enumerate(other.timesteps):
        seen = other.scale_model_input(scaled, t)
        if order == 1 or index % 2 == 0:  # else it looks from where Euler's step would end
            path.append(seen)
        scaled = other.step(network(seen, int(t) + 1), t, scaled).prev_sample
    same(frames, times, [*path, scaled])


@in_steps
@pytest.mark.parametrize("last", [100, 1000])
def test_euler_on_the_straight_paths_takes_the_steps_of_diffusers(last, steps):
    output, x = schedule("flow", last), begun()
    times = output.times(steps)
    predict = seeing(output, "direction")
    frames = list(probability_flow(1)(predict, x, output, times, generator(0)))
    other = FlowMatchEulerDiscreteScheduler(num_train_timesteps=last)
    other.set_timesteps(sigmas=np.array(times[:-1]) / last)
    path = [x]
    for time, t in zip(times, other.timesteps, strict=False):
        path.append(other.step(network(path[-1], time), t, path[-1]).prev_sample)
    same(frames, times, path)


@pytest.mark.parametrize(
    ("name", "prediction"), [("cosine", "velocity"), ("linear", "noise"), ("flow", "direction")]
)
@in_steps
def test_ddim_without_noise_is_euler_on_the_probability_flow(name, prediction, steps):
    output, x = schedule(name, 1000), begun()
    given = seeing(output, prediction), x, output, output.times(steps), generator(0)
    for one, other in zip(ddim(0.0)(*given), probability_flow(1)(*given), strict=True):
        assert torch.equal(one.x, other.x), "they are one sampler, to the bit"


def test_euler_on_the_straight_paths_walks_the_velocity():
    output, x = schedule("flow", 10), begun()
    times = output.times(10)
    frames = probability_flow(1)(seeing(output, "direction"), x, output, times, generator(0))
    for frame, (t, s) in zip(frames, pairwise(times), strict=False):
        torch.testing.assert_close(frame.x, x)
        x = x - (t - s) / 10 * network(x, t)


MEAN, DEVIATION = 0.5, 0.6  # of the normal distribution that the exact denoiser knows


def exact(output: Schedule) -> Predictor:
    """Return E[x_0 | x_t] where x_0 is normal."""

    def predict(x: Tensor, t: int, s: int) -> Tensor:
        alpha, sigma = output.alphas[t], output.sigmas[t]
        share = alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2)
        return MEAN + share * (x - alpha * MEAN)

    return predict


def along(output: Schedule, z: Tensor, t: int) -> Tensor:
    """Return x_t on the probability flow through z, which stays at its rank among all."""
    spread = (output.alphas[t].square() * DEVIATION**2 + output.sigmas[t].square()).sqrt()
    return output.alphas[t] * MEAN + spread * z


def precise(name: str, last: int = 1024) -> Schedule:
    output = schedule(name, last)
    return Schedule(output.alphas.double(), output.sigmas.double(), output.straight)


RANKS = torch.linspace(-2, 2, 21, dtype=torch.float64)[:, None]


def miss(sampler: Sampler, output: Schedule, times: list[int], end: int) -> float:
    """Return how far a sampler is from the exact flow at a time of its path."""
    x = along(output, RANKS, times[0])
    frames = {
        frame.time: frame for frame in sampler(exact(output), x, output, times, generator(0))
    }
    return float((frames[end].x - along(output, RANKS, end)).square().mean().sqrt())


def falls(sampler: Sampler, output: Schedule, end: int, steps: list[int]) -> list[float]:
    """Return by how much the error falls at each doubling of the steps, from ¾ T."""
    start = output.last * 3 // 4
    errors = [miss(sampler, output, output.times(count, start), end) for count in steps]
    return [rough / fine for rough, fine in pairwise(errors)]


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid", "flow"])
@pytest.mark.parametrize(
    ("sampler", "order"), [("Euler", 1), ("DDIM", 1), ("Heun", 2), ("DPM-Solver++", 2)]
)
def test_with_twice_the_steps_the_error_is_a_half_or_a_quarter(name, sampler, order):
    for fall in falls(SAMPLERS[sampler], precise(name), 256, [48, 96, 192, 384]):
        assert fall == pytest.approx(2**order, rel=0.2)


@pytest.mark.parametrize(("sampler", "order"), [("Euler", 1), ("DDIM", 1), ("Heun", 2)])
def test_on_the_straight_paths_so_it_is_all_the_way_from_noise_to_data(sampler, order):
    output = precise("flow")
    errors = [
        miss(SAMPLERS[sampler], output, output.times(steps), 0) for steps in (32, 64, 128, 256)
    ]
    for rough, fine in pairwise(errors):
        assert rough / fine == pytest.approx(2**order, rel=0.2)


@pytest.mark.parametrize(
    ("name", "sampler", "least", "most"),
    [
        *(("sigmoid", second_order, 1.9, 2.3) for second_order in ("Heun", "DPM-Solver++")),
        *(("flow", "Heun", 3.9, 4.3), ("flow", "DPM-Solver++", 2.8, 3.6)),
        *(("cosine", "Heun", 2.0, 3.2), ("linear", "Heun", 2.3, 3.3)),
    ],
)
def test_second_order_is_kept_to_the_data_on_straight_paths_only(name, sampler, least, most):
    """The data are Gaussian, and the steps even in t: those near t = 0 are too wide."""
    output = precise(name)
    errors = [miss(SAMPLERS[sampler], output, output.times(steps), 0) for steps in (32, 64, 128)]
    for rough, fine in pairwise(errors):
        assert least < rough / fine < most


@pytest.mark.parametrize("name", ["linear", "cosine", "flow"])
def test_dpm_solver_needs_fewer_steps_than_ddim_from_noise_to_data(name):
    output = precise(name)
    for steps in (16, 32, 64, 128):
        times = output.times(steps)
        assert miss(dpm_solver, output, times, 0) < 0.5 * miss(ddim(0.0), output, times, 0)


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid", "flow"])
@pytest.mark.parametrize("steps", [8, 20, 64])
def test_heun_is_no_worse_than_euler_in_as_many_steps(name, steps):
    output = precise(name)
    times = output.times(steps)
    heun, euler = (miss(probability_flow(order), output, times, 0) for order in (2, 1))
    assert heun < euler


@every_sampler
@pytest.mark.parametrize(("name", "last"), [("linear", 10), ("cosine", 4000), ("flow", 1000)])
def test_one_step_goes_to_what_is_seen_in_pure_noise(name, last, sampler):
    """However little is left of the picture: α is 4e-9 at the end of the short one."""
    output, x = schedule(name, last), begun()
    *_, end = SAMPLERS[sampler](exact(output), x, output, [last, 0], generator(0))
    torch.testing.assert_close(end.x, exact(output)(x, last, 0), rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", ["linear", "cosine", "flow"])
@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_fresh_noise_keeps_the_distribution(name, eta):
    output, count = schedule(name, 250), 20_000
    x = along(output, torch.randn(count, 1, generator=generator(4)), 250)
    *_, end = ddim(eta)(exact(output), x, output, output.times(250), generator(5))
    error = DEVIATION / count**0.5
    assert float(end.x.mean()) == pytest.approx(MEAN, abs=5 * error)
    assert float(end.x.std()) == pytest.approx(DEVIATION, rel=0.03)


@every_sampler
@pytest.mark.parametrize("kind", ["cosine", "flow"])
@pytest.mark.parametrize(("steps", "start"), [(1, 100), (1, 1), (7, 100), (7, 40), (40, 40)])
def test_frames_go_from_noise_to_data(sampler, kind, steps, start):
    output, x = schedule(kind, 100), begun()
    times = output.times(steps, start)
    frames = list(SAMPLERS[sampler](exact(output), x, output, times, generator(0)))
    assert [frame.time for frame in frames] == times
    assert torch.equal(frames[0].x, x)
    assert torch.equal(frames[-1].x, frames[-1].x0_hat)
    for frame in frames[:-1]:
        assert torch.equal(frame.x0_hat, exact(output)(frame.x, frame.time, 0))
    torch.testing.assert_close(frames[-1].x, frames[-2].x0_hat, rtol=0, atol=1e-3)


@every_sampler
def test_a_trajectory_is_computed_only_as_far_as_it_is_read(sampler):
    output, x, calls = schedule("flow", 100), begun(), []

    def predict(x: Tensor, t: int, s: int) -> Tensor:
        calls.append((t, s))
        return exact(output)(x, t, s)

    trajectory = SAMPLERS[sampler](predict, x, output, output.times(4), generator(0))
    assert calls == []
    next(trajectory)
    assert calls == [(100, 75)]
    next(trajectory)
    assert [t for t, _ in calls] == ([100, 75, 75] if sampler == "Heun" else [100, 75])
    list(trajectory)
    heun = [(100, 75), (75, 75), (75, 50), (50, 50), (50, 25), (25, 25), (25, 0)]
    assert calls == (heun if sampler == "Heun" else [(100, 75), (75, 50), (50, 25), (25, 0)])


@pytest.mark.parametrize("steps", [1, 2, 3, 20])
@every_sampler
def test_evaluations_are_one_a_step_and_two_for_heun_between_the_ends(sampler, steps):
    for kind, first in (("flow", 0), ("cosine", 1)):  # σ/α has no end at T, unless it is straight
        output = schedule(kind, 100)
        again = max(0, steps - 1 - first) if sampler == "Heun" else 0
        assert evaluations(SAMPLERS[sampler], output, output.times(steps)) == steps + again


@pytest.mark.parametrize(("sampler", "drawn"), [("DDPM", True), ("DDIM", False)])
def test_only_a_sampler_with_noise_draws(sampler, drawn):
    output, x = schedule("cosine", 100), begun()
    ends = []
    for seed in (0, 0, 1):
        *_, end = SAMPLERS[sampler](exact(output), x, output, output.times(10), generator(seed))
        ends.append(end.x)
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2]) != drawn


@pytest.mark.parametrize("name", ["linear", "cosine", "flow"])
def test_what_is_inverted_and_sampled_again_comes_back_the_better_the_more_steps(name):
    output = precise(name)
    data, hidden, errors = along(output, RANKS, 0), along(output, RANKS, output.last), []
    for steps in (32, 64, 128, 256):
        times = output.times(steps)
        actual = invert(exact(output), data, output, times)
        *_, end = ddim(0.0)(exact(output), actual, output, times, generator(0))
        errors.append((float((end.x - data).abs().max()), float((actual - hidden).abs().max())))
    for rough, fine in pairwise(errors):
        assert rough[0] > 1.5 * fine[0]
        assert rough[1] > 1.5 * fine[1]
    assert max(errors[-1]) < 0.06


def test_inversion_takes_the_steps_of_ddim_backwards():
    """In x / α, where those steps are Euler's, with the noise seen in the x before."""
    output, x = schedule("linear", 1000), begun()
    times = output.times(10)
    actual = invert(seeing(output, "noise"), x, output, times)
    for s, t in pairwise(times[::-1]):
        (before, alpha), (after, wanted) = ((output.sigmas[u], output.alphas[u]) for u in (s, t))
        x = wanted * (x / alpha + (after / wanted - before / alpha) * network(x, t))
    torch.testing.assert_close(actual, x, **TOLERANCE)


@every_sampler
@pytest.mark.parametrize("kind", ["linear", "flow"])
def test_inpainting_fills_the_hole_alone(sampler, kind):
    output, x, x0 = schedule(kind, 100), begun(), begun(7)
    hole = (torch.arange(SIZE) < 2).float().expand(COUNT, SIZE)
    predict = inpainted(exact(output), x0, hole)
    frames = list(SAMPLERS[sampler](predict, x, output, output.times(20), generator(8)))
    around = hole == 0
    for frame in frames:
        exactly = {} if sampler in ("Euler", "Heun") else {"rtol": 0, "atol": 0}
        if frame.time == 0:
            torch.testing.assert_close(frame.x[around], x0[around], **exactly)
        assert torch.equal(frame.x0_hat[around], x0[around]) or frame.time == 0
    free = list(SAMPLERS[sampler](exact(output), x, output, output.times(20), generator(8)))
    torch.testing.assert_close(frames[-1].x[~around], free[-1].x[~around], **TOLERANCE)


@every_sampler
def test_around_the_hole_each_frame_is_the_data_at_its_noise(sampler):
    output, x0, count = schedule("cosine", 100), torch.tensor([[0.8]]), 10_000
    x = torch.randn(count, 1, generator=generator(9))
    predict = inpainted(exact(output), x0.expand(count, 1), torch.zeros(count, 1))
    for frame in SAMPLERS[sampler](predict, x, output, output.times(10), generator(10)):
        alpha, sigma = float(output.alphas[frame.time]), float(output.sigmas[frame.time])
        assert float(frame.x.mean()) == pytest.approx(0.8 * alpha, abs=0.04 * sigma + 1e-4)
        assert float(frame.x.std()) == pytest.approx(sigma, abs=0.04 * sigma + 1e-4)


@pytest.mark.parametrize("name", ["linear", "cosine", "flow"])
def test_data_and_noise_make_x_and_x_gives_the_noise_back(name):
    output, x0, eps = schedule(name, 50), begun(11), begun(12)
    for t in (1, 10, 49):
        x = stepped(output, x0, eps, t)
        torch.testing.assert_close(x, output.noised(x0, torch.full((COUNT,), t), eps))
        torch.testing.assert_close(noise(output, x, x0, t), eps, **TOLERANCE)
