"""Layers that draw while they train, from a generator of their own instead of the global one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Drawing(nn.Module):
    """A layer that draws while it trains; `draw_from` says from which generator."""

    def __init__(self) -> None:
        super().__init__()
        self.rng: torch.Generator | None = None


class Dropout(Drawing):
    """While training, sets a share of all values to zero and scales the others up.

    Args:
        share: in [0, 1).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return a tensor of the same shape."""
        if not self.training or not self.share:
            return x
        mask = torch.rand(x.shape, generator=self.rng, device=x.device) >= self.share
        return x * mask / (1 - self.share)


def draw_from(network: nn.Module, rng: torch.Generator) -> None:
    """Let all layers of a network that draw do so from a generator."""
    for layer in network.modules():
        if isinstance(layer, Drawing):
            layer.rng = rng
