r"""How much of a picture is left at each time, from t = 0 (data) to t = T (noise).

$$x_t = \alpha_t x + \sigma_t \varepsilon, \qquad \varepsilon \sim \mathcal N(0, I)$$

The first three keep the variance, $\alpha_t^2 + \sigma_t^2 = 1$, and are given by their steps,
$\bar\alpha_t = \alpha_t^2 = \prod_s (1 - \beta_s)$; flow matching goes straight from one to the
other, $\alpha_t = 1 - t/T$, $\sigma_t = t/T$.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

ScheduleName = Literal["linear", "cosine", "sigmoid", "linear, not scaled", "flow"]
STEEPEST = 0.999  # the largest β of a step
LEFT = 0.05  # α_T above which x_T is not noise
Times = Int64[Tensor, "batch"]
Values = Float[Tensor, "batch *shape"]


class ScheduleError(ValueError):
    """A time or a number of steps that there is not; the message is for the student."""


class Schedule(NamedTuple):
    """Tables of T + 1 values: at the times 0 … T.

    Attributes:
        alphas: how much of the picture is left.
        sigmas: the standard deviation of the noise.
        straight: whether the two change evenly, so that a path from noise to data is straight.
    """

    alphas: Float[Tensor, "times"]
    sigmas: Float[Tensor, "times"]
    straight: bool

    @property
    def last(self) -> int:
        """T, the time at which all should be noise."""
        return len(self.alphas) - 1

    @property
    def betas(self) -> Float[Tensor, "steps"]:
        """β_t = 1 − α_t² / α_{t−1}² of each step: the share of the variance that it replaces."""
        alpha_bar = self.alphas.square()
        return 1 - alpha_bar[1:] / alpha_bar[:-1]

    @property
    def log_snr(self) -> Float[Tensor, "times"]:
        """ln(α_t² / σ_t²), the signal-to-noise ratio; infinite where one of them is zero."""
        return 2 * (self.alphas.log() - self.sigmas.log())

    def at(self, t: Times, rank: int) -> tuple[Tensor, Tensor]:
        """Return α_t and σ_t of each of a batch, with ones as dimensions up to that rank."""
        shape = -1, *[1] * (rank - 1)
        return self.alphas[t].view(shape), self.sigmas[t].view(shape)

    def noised(self, x: Values, t: Times, eps: Values) -> Values:
        """Return x_t = α_t x + σ_t ε (Ho et al. 2020, eq. 4), each of a batch at its own time."""
        alpha, sigma = self.at(t, x.ndim)
        return alpha * x + sigma * eps

    def times(self, steps: int, start: int | None = None) -> list[int]:
        """Return the times of a path in so many even steps, from `start` (T by default) to 0.

        Raises:
            ScheduleError: the start is not in 1 … T, or there are fewer times than steps.
        """
        first = self.last if start is None else start
        if not 1 <= first <= self.last:
            raise ScheduleError(f"Start at a time from 1 to {self.last}.")
        if not 1 <= steps <= first:
            raise ScheduleError(
                f"From time {first} there are at most {first} steps: take from 1 to {first}."
            )
        return [round(first * (steps - step) / steps) for step in range(steps + 1)]

    def complaint(self) -> str:
        """Return what is wrong with the end of the schedule, in one sentence; empty if nothing."""
        left = float(self.alphas[-1])
        if left <= LEFT:
            return ""
        return (
            f"At t = T, x_T is still {left:.2f} times the picture plus noise ({left**2:.0%} of "
            "its power): sampling from pure noise starts where the model has never been. Take "
            "more steps or cosine."
        )


def schedule(name: ScheduleName, last: int) -> Schedule:
    """Return the schedule of that name with the times 0 … last.

    Raises:
        ScheduleError: there is no step.
    """
    if last < 1:
        raise ScheduleError("A schedule has at least one step.")
    time = torch.linspace(0, 1, last + 1, dtype=torch.float64)
    if name == "flow":
        return Schedule((1 - time).float(), time.float(), straight=True)
    alpha_bar = torch.cat([torch.ones(1), (1 - BETAS[name](time)).cumprod(0)])
    return Schedule(alpha_bar.sqrt().float(), (1 - alpha_bar).sqrt().float(), straight=False)


def _linear(time: Float[Tensor, "times"]) -> Float[Tensor, "steps"]:
    """β from 1e-4 to 0.02 in a thousand steps (Ho et al. 2020), scaled to as many as there are."""
    scale = 1000 / (len(time) - 1)
    betas = torch.linspace(1e-4 * scale, 0.02 * scale, len(time) - 1, dtype=torch.float64)
    return betas.clamp(max=STEEPEST)


def _unscaled(time: Float[Tensor, "times"]) -> Float[Tensor, "steps"]:
    """β from 1e-4 to 0.02, however few the steps: with fewer than a thousand it ends too soon."""
    return torch.linspace(1e-4, 0.02, len(time) - 1, dtype=torch.float64)


def _cosine(time: Float[Tensor, "times"]) -> Float[Tensor, "steps"]:
    """Nichol and Dhariwal 2021, eq. 17."""
    return _from_alpha_bar((torch.pi / 2 * (time + 0.008) / 1.008).cos().square())


def _sigmoid(time: Float[Tensor, "times"]) -> Float[Tensor, "steps"]:
    """Chen 2023 (arXiv:2301.10972), algorithm 1, from −3 to 3 at temperature 1."""
    return _from_alpha_bar(
        torch.sigmoid(3 - 6 * time) - torch.sigmoid(torch.tensor(-3.0)).double()
    )


def _from_alpha_bar(alpha_bar: Float[Tensor, "times"]) -> Float[Tensor, "steps"]:
    return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=STEEPEST)


BETAS: dict[ScheduleName, Callable[[Float[Tensor, "times"]], Float[Tensor, "steps"]]] = {
    "linear": _linear,
    "cosine": _cosine,
    "sigmoid": _sigmoid,
    "linear, not scaled": _unscaled,
}
