"""Losses that several families share, as means over pictures and pixels."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from genlib.config import Reconstruction
from genlib.family import Pictures

Values = Float[Tensor, "*shape"]


def squared_error(logits: Values, x: Values) -> Float[Tensor, ""]:
    """Mean squared error of the output itself: (1/n) Σ (x − x̂)²."""
    return F.mse_loss(logits.float(), x)


def cross_entropy(logits: Values, x: Values) -> Float[Tensor, ""]:
    """Binary cross-entropy of the output through a sigmoid, each grey level a probability.

    It is not zero for a perfect reconstruction: its floor is the mean entropy of the pixels,
    see `entropy_floor`.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), x)


def entropy_floor(x: Values) -> Float[Tensor, ""]:
    """Return the least cross-entropy of any reconstruction: −mean(x ln x + (1 − x) ln(1 − x))."""
    entropy: Tensor = torch.special.entr(x) + torch.special.entr(1 - x)
    return entropy.mean()


def excess_cross_entropy(logits: Values, x: Values) -> Float[Tensor, ""]:
    """Return the cross-entropy above its floor: the KL divergence of x̂'s pixels from x's."""
    return cross_entropy(logits, x) - entropy_floor(x)


def error_in_parts(
    model: Callable[[Pictures], Pictures], x: Pictures, target: Pictures
) -> Float[Tensor, ""]:
    """Return the mean squared error of model(x) to the target, a thousand pictures at a time."""
    pairs = zip(x.split(1000), target.split(1000), strict=True)
    errors = [F.mse_loss(model(part), goal) * len(goal) for part, goal in pairs]
    return torch.stack(errors).sum() / len(target)


def bernoulli_kl(p: float, q: Values) -> Values:
    """Return KL(p ‖ q) = p ln(p/q) + (1 − p) ln((1 − p)/(1 − q)), element by element.

    It is that of two Bernoulli distributions with the means p and q.

    Args:
        p: in (0, 1).
        q: in [0, 1]; taken as at least a millionth away from either end.
    """
    q = q.clamp(1e-6, 1 - 1e-6)
    return p * (math.log(p) - q.log()) + (1 - p) * (math.log(1 - p) - (1 - q).log())


def gaussian_kl(mean: Values, log_variance: Values) -> Values:
    """Return KL(N(μ, e^γ) ‖ N(0, 1)) = −½ (1 + γ − e^γ − μ²) in nats, element by element.

    Kingma and Welling 2014, appendix B.
    """
    return -0.5 * (1 + log_variance - log_variance.exp() - mean.square())


RECONSTRUCTIONS: dict[Reconstruction, Callable[[Values, Values], Float[Tensor, ""]]] = {
    "mse": squared_error,
    "bce": excess_cross_entropy,
}
