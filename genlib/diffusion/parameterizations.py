"""What a network may be asked to say of data in noise, x_t = α x + σ ε."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from genlib.family import Pictures


class Parameterization(NamedTuple):
    """What a network is asked to say of x_t = α x + σ ε, and the clean x that follows from it.

    Attributes:
        target: (x, ε, α, σ) → what it should say.
        clean: (x_t, what it says, α, σ) → x.
    """

    target: Callable[[Pictures, Pictures, Tensor, Tensor], Pictures]
    clean: Callable[[Pictures, Pictures, Tensor, Tensor], Pictures]


PREDICTIONS: dict[str, Parameterization] = {
    "noise": Parameterization(
        lambda x, eps, alpha, sigma: eps,
        lambda x_t, said, alpha, sigma: (x_t - sigma * said) / alpha,
    ),
    "picture": Parameterization(
        lambda x, eps, alpha, sigma: x,
        lambda x_t, said, alpha, sigma: said,
    ),
    "velocity": Parameterization(
        lambda x, eps, alpha, sigma: alpha * eps - sigma * x,
        lambda x_t, said, alpha, sigma: (alpha * x_t - sigma * said) / (alpha**2 + sigma**2),
    ),
    "direction": Parameterization(
        lambda x, eps, alpha, sigma: eps - x,
        lambda x_t, said, alpha, sigma: (x_t - sigma * said) / (alpha + sigma),
    ),
}
