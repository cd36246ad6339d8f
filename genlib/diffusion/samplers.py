r"""Ways back from noise to data: each asks the network what it sees, then takes a step.

What it sees is $\hat x_0$, the clean data in $x_t$; the noise that it sees is what is left,
$\hat\varepsilon = (x_t - \alpha_t \hat x_0) / \sigma_t$. From time $t$ to $s$:

- **DDIM** keeps both and mixes them anew, $x_s = \alpha_s \hat x_0 + \sigma_s \hat\varepsilon$.
  Nothing is drawn, so the same noise always ends at the same picture.
- **DDPM** puts a part $\eta = 1$ of fresh noise in the place of what it saw,
  $x_s = \alpha_s \hat x_0 + \sqrt{\sigma_s^2 - \tilde\sigma^2}\, \hat\varepsilon +
  \tilde\sigma\, \varepsilon$. That mends old errors, but wants many steps.
- **Euler** walks along the slope of the probability flow, $\mathrm d(x/\alpha) =
  \hat\varepsilon\, \mathrm d(\sigma/\alpha)$, as if it stayed the same; it is DDIM's step in
  other words, and its error falls like the width of a step.
- **Heun** looks again where Euler's step ends, and goes by the mean of both slopes: twice the
  looks, and an error that falls like the square.
- **DPM-Solver++** remembers what it saw a step ago, and goes by how that changed: the square, for
  one look a step.

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

Values = Float[Tensor, "batch *shape"]
Predictor = Callable[[Values, int], Values]  # (x_t, t) → x̂_0


class Frame(NamedTuple):
    """A moment of a path: x at a time, and the clean x that the model sees in it."""

    time: int
    x: Values
    clean: Values


Path = Iterator[Frame]
Sampler = Callable[[Predictor, Values, Schedule, list[int], torch.Generator], Path]


def ddim(eta: float) -> Sampler:
    """Return the sampler of Song et al. 2021 (arXiv:2010.02502), eq. 12.

    With η = 1 it is DDPM's (Ho et al. 2020, algorithm 2, with the smaller variance β̃), whatever
    the number of steps. With η = 0 it draws nothing, and its step is Euler's on the probability
    flow.
    """

    def sample(
        predict: Predictor, x: Values, schedule: Schedule, times: list[int], rng: torch.Generator
    ) -> Path:
        for t, s in pairwise(times):
            clean = predict(x, t)
            yield Frame(t, x, clean)
            eps = noise(schedule, x, clean, t)
            x = stepped(schedule, clean, eps, s)
            if eta and s:
                spread = eta * _drawn(schedule, t, s)
                kept = (schedule.sigmas[s].square() - spread.square()).clamp(min=0).sqrt()
                fresh = torch.randn(x.shape, generator=rng, device=x.device)
                x = schedule.alphas[s] * clean + kept * eps + spread * fresh
        yield Frame(0, x, x)

    return sample


def _drawn(schedule: Schedule, t: int, s: int) -> Float[Tensor, ""]:
    """Return the standard deviation of what DDPM draws anew on its way from t to s (eq. 16)."""
    kept = schedule.alphas[t] / schedule.alphas[s]
    left = (schedule.sigmas[t].square() - (kept * schedule.sigmas[s]).square()).clamp(min=0)
    spread: Tensor = schedule.sigmas[s] / schedule.sigmas[t] * left.sqrt()
    return spread


def dpm_solver(
    predict: Predictor, x: Values, schedule: Schedule, times: list[int], _: torch.Generator
) -> Path:
    """DPM-Solver++ (2M) of Lu et al. 2022 (arXiv:2211.01095), algorithm 2.

    A step is right to second order where x̂_0 changes smoothly in half the log signal-to-noise
    ratio; how it changes is told by the step before. The first and the last step take x̂_0 as
    constant.
    """
    half = schedule.log_snr / 2
    before: Values | None = None
    last = torch.tensor(0.0)
    for t, s in pairwise(times):
        clean = predict(x, t)
        yield Frame(t, x, clean)
        width, guess = half[s] - half[t], clean
        if before is not None and s:  # after an endless step the change counts for nothing
            guess = clean + width / (2 * last) * (clean - before)
        ratio = schedule.sigmas[s] / schedule.sigmas[t]
        x = ratio * x + (schedule.alphas[s] - ratio * schedule.alphas[t]) * guess
        before, last = clean, width
    yield Frame(0, x, x)


def probability_flow(order: Literal[1, 2]) -> Sampler:
    """Return Euler's method (order 1) or Heun's (order 2) on the probability flow.

    Karras et al. 2022 (arXiv:2206.00364), algorithm 1. Heun takes a second look at where Euler's
    step would end, and goes by the mean of both slopes. Its last step is Euler's, as there is no
    noise left to see at t = 0; so is its first, where σ/α, in which it walks, has no end.
    """

    def sample(
        predict: Predictor, x: Values, schedule: Schedule, times: list[int], _: torch.Generator
    ) -> Path:
        for t, s in pairwise(times):
            clean = predict(x, t)
            yield Frame(t, x, clean)
            slope = _slope(schedule, x, clean, t)
            ahead = stepped(schedule, clean, noise(schedule, x, clean, t), s)
            if order == 2 and s and (schedule.straight or t < schedule.last):
                beyond = _slope(schedule, ahead, predict(ahead, s), s)
                ahead = _moved(schedule, x, (slope + beyond) / 2, t, s)
            x = ahead
        yield Frame(0, x, x)

    return sample


def _slope(schedule: Schedule, x: Values, clean: Values, t: int) -> Values:
    """Return the slope of the flow: ε − x_0 in t/T where it is straight, else ε in σ/α."""
    eps = noise(schedule, x, clean, t)
    return eps - clean if schedule.straight else eps


def _moved(schedule: Schedule, x: Values, slope: Values, t: int, s: int) -> Values:
    """Return x at time s, gone from time t along a slope."""
    ratio = torch.tensor(1.0) if schedule.straight else schedule.alphas[s] / schedule.alphas[t]
    moved: Tensor = ratio * x + (schedule.sigmas[s] - ratio * schedule.sigmas[t]) * slope
    return moved


def invert(predict: Predictor, x: Values, schedule: Schedule, times: list[int]) -> Values:
    """Return the noise that leads to x: DDIM's steps (η = 0) backwards (Song et al., section 4.3).

    Args:
        predict: the model; as x at the next time is not known yet, it is asked about x itself.
        x: data.
        schedule: of the model.
        times: from T to 0, as a sampler takes them.
    """
    for t, s in zip(times[:0:-1], times[-2::-1], strict=True):
        eps = noise(schedule, x, predict(x, s), s)
        clean = (x - schedule.sigmas[t] * eps) / schedule.alphas[t]
        x = stepped(schedule, clean, eps, s)
    return x


def inpainted(predict: Predictor, known: Values, hole: Values) -> Predictor:
    """Return a predictor that sees through a hole alone: elsewhere it is told what is known.

    So a sampler keeps what is known at every time, at its noise (Lugmayr et al. 2022, eq. 8).

    Args:
        predict: the model.
        known: the clean values around the hole, scaled as the model sees them.
        hole: 1 where the model is to fill in, else 0.
    """

    def informed(x: Values, t: int) -> Values:
        return hole * predict(x, t) + (1 - hole) * known

    return informed


def noise(schedule: Schedule, x: Values, clean: Values, t: int) -> Values:
    """Return the noise that is left of x_t when the clean part is taken away."""
    eps: Tensor = (x - schedule.alphas[t] * clean) / schedule.sigmas[t]
    return eps


def stepped(schedule: Schedule, clean: Values, eps: Values, t: int) -> Values:
    """Return x at a time, of what is clean in it and its noise."""
    x: Tensor = schedule.alphas[t] * clean + schedule.sigmas[t] * eps
    return x
