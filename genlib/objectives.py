"""Losses that several families share, as means over pictures and pixels."""

from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Reconstruction = Literal["mse", "bce"]
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
    return F.binary_cross_entropy(x, x)


RECONSTRUCTIONS: dict[Reconstruction, Callable[[Values, Values], Float[Tensor, ""]]] = {
    "mse": squared_error,
    "bce": cross_entropy,
}
