"""Dropout that draws from a generator of its own instead of the global one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Dropout(nn.Module):
    """While training, sets a share of all values to zero and scales the others up.

    Args:
        share: in [0, 1).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.rng: torch.Generator | None = None  # see `draw_from`

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return a tensor of the same shape."""
        if not self.training or not self.share:
            return x
        kept = torch.rand(x.shape, generator=self.rng, device=x.device) >= self.share
        return x * kept / (1 - self.share)


def draw_from(network: nn.Module, rng: torch.Generator) -> None:
    """Let all dropout of a network draw from a generator."""
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.rng = rng
