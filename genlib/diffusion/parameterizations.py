"""Parameterizations: what a network predicts of data in noise, x_t = α x_0 + σ ε."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from genlib.family import Pictures


class Parameterization(NamedTuple):
    """What a network predicts of x_t = α x_0 + σ ε, and the x̂_0 that follows from it.

    Attributes:
        target: (x_0, ε, α, σ) → what it is trained to predict.
        x0_hat: (x_t, its output, α, σ) → x̂_0.
    """

    target: Callable[[Pictures, Pictures, Tensor, Tensor], Pictures]
    x0_hat: Callable[[Pictures, Pictures, Tensor, Tensor], Pictures]


PARAMETERIZATIONS: dict[str, Parameterization] = {
    "noise": Parameterization(
        lambda x, eps, alpha, sigma: eps,
        lambda x_t, output, alpha, sigma: (x_t - sigma * output) / alpha,
    ),
    "picture": Parameterization(
        lambda x, eps, alpha, sigma: x,
        lambda x_t, output, alpha, sigma: output,
    ),
    "velocity": Parameterization(
        lambda x, eps, alpha, sigma: alpha * eps - sigma * x,
        lambda x_t, output, alpha, sigma: (alpha * x_t - sigma * output) / (alpha**2 + sigma**2),
    ),
    "direction": Parameterization(
        lambda x, eps, alpha, sigma: eps - x,
        lambda x_t, output, alpha, sigma: (x_t - sigma * output) / (alpha + sigma),
    ),
}
