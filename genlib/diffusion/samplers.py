r"""Samplers: ways back from noise to data, each step by what the model sees in x_t.

What it sees is $\hat x_0$, the data in $x_t$; its noise is what is left,
$\hat\varepsilon = (x_t - \alpha_t \hat x_0) / \sigma_t$. From time $t$ to $s$:

- **DDIM** keeps both and mixes them anew, $x_s = \alpha_s \hat x_0 + \sigma_s \hat\varepsilon$.
  Nothing is drawn, so the same noise always ends at the same picture.
- **DDPM** puts a part $\eta = 1$ of fresh noise in the place of what it saw,
  $x_s = \alpha_s \hat x_0 + \sqrt{\sigma_s^2 - \tilde\sigma^2}\, \hat\varepsilon +
  \tilde\sigma\, \varepsilon$. That mends old errors, but wants many steps.
- **Euler** goes along the slope of the probability flow, $\mathrm d(x/\alpha) =
  \hat\varepsilon\, \mathrm d(\sigma/\alpha)$, as if it stayed the same. This is DDIM's step
  with $\eta = 0$, to the bit: two names, one sampler.
- **Heun** evaluates the network again where Euler's step ends, and goes by the mean of both
  slopes: twice the function evaluations (NFE).
- **DPM-Solver++** remembers the step before, and goes by how $\hat x_0$ changed: one evaluation
  a step.

With twice the steps, the error of Euler and DDIM is a half. Heun and DPM-Solver++ are of second
order, so theirs is a quarter, but only in the middle of the path. From noise to data it depends
on the schedule, because the steps are even in $t$ and not in the signal-to-noise ratio. On the
straight paths of flow matching Heun's error is a quarter. With the sigmoid schedule it is only a
half, for both: the steps that end near $t = 0$ are too wide for second order. Cosine and linear
lie between the two. (Computed for Gaussian data, whose exact score is known.)

A new sampler is a function and an entry in SAMPLERS.

**References.** J. Ho et al., *Denoising diffusion probabilistic models*, NeurIPS (2020). J. Song
et al., *Denoising diffusion implicit models*, ICLR (2021). T. Karras et al., *Elucidating the
design space of diffusion-based generative models*, NeurIPS (2022). C. Lu et al., *DPM-Solver++*
(2022).
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from genlib.diffusion.schedules import Schedule
from genlib.rng import generator

Values = Float[Tensor, "batch *shape"]
Predictor = Callable[[Values, int, int], Values]  # (x_t, t, the time s to go to) → x̂_0


class Frame(NamedTuple):
    """A moment of a trajectory: x at a time, and the x̂_0 that the model sees in it."""

    time: int
    x: Values
    x0_hat: Values


Trajectory = Iterator[Frame]
Sampler = Callable[[Predictor, Values, Schedule, list[int], torch.Generator], Trajectory]


def ddim(eta: float) -> Sampler:
    """Return the sampler of Song et al. 2021 (arXiv:2010.02502), eq. 12.

    With η = 1 it is DDPM's (Ho et al. 2020, algorithm 2, with the smaller variance β̃), whatever
    the number of steps. With η = 0 it draws nothing, and its step is Euler's on the probability
    flow.
    """

    def sample(
        predict: Predictor, x: Values, schedule: Schedule, times: list[int], rng: torch.Generator
    ) -> Trajectory:
        for t, s in pairwise(times):
            x0_hat = predict(x, t, s)
            yield Frame(t, x, x0_hat)
            eps_hat = noise(schedule, x, x0_hat, t)
            x = stepped(schedule, x0_hat, eps_hat, s)
            if eta and s:
                fresh_sigma = eta * _fresh_sigma(schedule, t, s)
                left = (schedule.sigmas[s].square() - fresh_sigma.square()).clamp(min=0).sqrt()
                eps = torch.randn(x.shape, generator=rng, device=x.device)
                x = schedule.alphas[s] * x0_hat + left * eps_hat + fresh_sigma * eps
        yield Frame(0, x, x)

    return sample


def _fresh_sigma(schedule: Schedule, t: int, s: int) -> Float[Tensor, ""]:
    """Return σ̃, the standard deviation of the noise that DDPM draws from t to s (eq. 16)."""
    ratio = schedule.alphas[t] / schedule.alphas[s]
    added = (schedule.sigmas[t].square() - (ratio * schedule.sigmas[s]).square()).clamp(min=0)
    sigma: Tensor = schedule.sigmas[s] / schedule.sigmas[t] * added.sqrt()
    return sigma


def dpm_solver(
    predict: Predictor, x: Values, schedule: Schedule, times: list[int], _: torch.Generator
) -> Trajectory:
    """DPM-Solver++ (2M) of Lu et al. 2022 (arXiv:2211.01095), algorithm 2.

    A step is right to second order where x̂_0 changes smoothly in half the log signal-to-noise
    ratio; how it changes follows from the step before. The first and the last step take x̂_0 as
    constant.
    """
    half = schedule.log_snr / 2
    before: Values | None = None
    last = torch.tensor(0.0)
    for t, s in pairwise(times):
        x0_hat = predict(x, t, s)
        yield Frame(t, x, x0_hat)
        width, ahead = half[s] - half[t], x0_hat
        if before is not None and s:  # after an endless step the change counts for nothing
            ahead = x0_hat + width / (2 * last) * (x0_hat - before)
        ratio = schedule.sigmas[s] / schedule.sigmas[t]
        x = ratio * x + (schedule.alphas[s] - ratio * schedule.alphas[t]) * ahead
        before, last = x0_hat, width
    yield Frame(0, x, x)


def probability_flow(order: Literal[1, 2]) -> Sampler:
    """Return Euler's method (order 1) or Heun's (order 2) on the probability flow.

    Karras et al. 2022 (arXiv:2206.00364), algorithm 1. Heun asks again where Euler's step would
    end, and goes by the mean of both slopes. Its last step is Euler's, as there is no noise left
    to see at t = 0; so is its first, where σ/α, along which it goes, has no end.
    """

    def sample(
        predict: Predictor, x: Values, schedule: Schedule, times: list[int], _: torch.Generator
    ) -> Trajectory:
        for t, s in pairwise(times):
            x0_hat = predict(x, t, s)
            yield Frame(t, x, x0_hat)
            slope = _slope(schedule, x, x0_hat, t)
            ahead = stepped(schedule, x0_hat, noise(schedule, x, x0_hat, t), s)
            if order == 2 and s and (schedule.straight or t < schedule.last):
                beyond = _slope(schedule, ahead, predict(ahead, s, s), s)
                ahead = _moved(schedule, x, (slope + beyond) / 2, t, s)
            x = ahead
        yield Frame(0, x, x)

    return sample


def _slope(schedule: Schedule, x: Values, x0_hat: Values, t: int) -> Values:
    """Return the slope of the flow: ε̂ − x̂_0 in t/T where it is straight, else ε̂ in σ/α."""
    eps_hat = noise(schedule, x, x0_hat, t)
    return eps_hat - x0_hat if schedule.straight else eps_hat


def _moved(schedule: Schedule, x: Values, slope: Values, t: int, s: int) -> Values:
    """Return x at time s, gone from time t along a slope."""
    ratio = torch.tensor(1.0) if schedule.straight else schedule.alphas[s] / schedule.alphas[t]
    moved: Tensor = ratio * x + (schedule.sigmas[s] - ratio * schedule.sigmas[t]) * slope
    return moved


def invert(predict: Predictor, x: Values, schedule: Schedule, times: list[int]) -> Values:
    """Return the noise that leads to x: DDIM's steps (η = 0) backwards (Song et al., section 4.3).

    Args:
        predict: the model; as x at the next time does not exist yet, it is asked about x itself.
        x: data.
        schedule: of the model.
        times: from T to 0, as a sampler takes them.
    """
    for t, s in zip(times[:0:-1], times[-2::-1], strict=True):
        eps_hat = noise(schedule, x, predict(x, s, t), s)
        x0_hat = (x - schedule.sigmas[t] * eps_hat) / schedule.alphas[t]
        x = stepped(schedule, x0_hat, eps_hat, s)
    return x


def inpainted(predict: Predictor, x0: Values, hole: Values) -> Predictor:
    """Return a predictor that fills a hole alone: around it, x̂_0 is the data x_0.

    So a sampler has x_0 around the hole at every time, at its noise (Lugmayr et al. 2022, eq. 8).

    Args:
        predict: the model.
        x0: the data, scaled as the model sees them.
        hole: 1 where the model is to fill in, else 0.
    """

    def informed(x: Values, t: int, s: int) -> Values:
        return hole * predict(x, t, s) + (1 - hole) * x0

    return informed


def evaluations(sampler: Sampler, schedule: Schedule, times: list[int]) -> int:
    """Return the number of function evaluations (NFE) of a sampler through those times."""
    calls: list[int] = []

    def counted(x: Values, t: int, s: int) -> Values:
        calls.append(t)
        return torch.zeros_like(x)

    for _ in sampler(counted, torch.zeros(1, 1), schedule, times, generator(0)):
        pass
    return len(calls)


def noise(schedule: Schedule, x: Values, x0_hat: Values, t: int) -> Values:
    """Return ε̂, the noise that is left of x_t when α_t x̂_0 is taken away."""
    eps_hat: Tensor = (x - schedule.alphas[t] * x0_hat) / schedule.sigmas[t]
    return eps_hat


def stepped(schedule: Schedule, x0_hat: Values, eps_hat: Values, t: int) -> Values:
    """Return x_t = α_t x̂_0 + σ_t ε̂."""
    x: Tensor = schedule.alphas[t] * x0_hat + schedule.sigmas[t] * eps_hat
    return x


SAMPLERS: dict[str, Sampler] = {  # by the name that is in links
    "DPM-Solver++": dpm_solver,
    "Heun": probability_flow(order=2),
    "DDIM": ddim(eta=0.0),
    "DDPM": ddim(eta=1.0),
    "Euler": probability_flow(order=1),
}
