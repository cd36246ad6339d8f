"""Telling a network the time, and the class that is wanted."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


def waves(t: Float[Tensor, "batch"], width: int) -> Float[Tensor, "batch width"]:
    """Return sines and cosines of times in [0, 1], from slow to fast.

    Vaswani et al. 2017, section 3.5, for a thousand times; the width is even.
    """
    rates = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = 1000 * t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class Condition(nn.Module):
    """What a network is told: the time and, where there are classes, the class or none.

    Args:
        width: of the vector that it makes; even.
        classes: 0 where there are none to tell; the class `classes` stands for none.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.width, self.classes = width, classes
        self.mixed = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.names = nn.Embedding(classes + 1, width) if classes else None

    def forward(
        self, t: Float[Tensor, "batch"], labels: Int64[Tensor, "batch"] | None
    ) -> Float[Tensor, "batch width"]:
        """Return one vector for each pair of a time in [0, 1] and a class."""
        told: Tensor = self.mixed(waves(t, self.width))
        if self.names is None:
            return told
        none = torch.full((len(t),), self.classes, device=t.device)
        named: Tensor = self.names(none if labels is None else labels)
        return told + named


class TimedStack(nn.Module):
    """Dense layers for points: each adds what it is told to its units.

    Args:
        size: of a point.
        width: hidden units of a layer.
        depth: hidden layers.
        classes: see Condition.
    """

    def __init__(self, size: int, width: int, depth: int, classes: int) -> None:
        super().__init__()
        self.told = Condition(width, classes)
        self.first = nn.Linear(size, width)
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.last = nn.Linear(width, size)

    def sizes(self) -> list[int]:
        """Return the hidden units of each layer."""
        return [layer.out_features for layer in (self.first, *self.layers)]

    def forward(
        self,
        x: Float[Tensor, "batch channels height width"],
        t: Float[Tensor, "batch"],
        labels: Int64[Tensor, "batch"] | None,
    ) -> Float[Tensor, "batch channels height width"]:
        """Return a tensor of x's shape."""
        told, h = self.told(t, labels), self.first(x.flatten(1))
        for layer in self.layers:
            h = h + nn.functional.silu(layer(nn.functional.silu(h + told)))
        made: Tensor = self.last(h)
        return made.view_as(x)
