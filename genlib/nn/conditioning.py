"""What a network is conditioned on, times and the class that is wanted, as one vector."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

Vector = Float[Tensor, "batch conditioning"]
Times = Float[Tensor, "batch"]  # in [0, 1]
Labels = Int64[Tensor, "batch"]


def sinusoidal_embedding(t: Times, width: int) -> Float[Tensor, "batch width"]:
    """Return sines and cosines of times in [0, 1], from slow to fast.

    Vaswani et al. 2017, section 3.5, for a thousand times; the width is even.
    """
    rates = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = 1000 * t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class TimeClassEmbedding(nn.Module):
    """The embedding of the time and, where there are classes, of the class or none.

    Args:
        width: of the vector; even.
        classes: 0 where there are none; the class `classes` stands for none.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.width, self.classes = width, classes
        self.mixed = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.names = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, t: Times, s: Times, labels: Labels | None) -> Vector:
        """Return one vector for each time t and class, whatever the time s to go to."""
        vector: Tensor = self.mixed(sinusoidal_embedding(t, self.width))
        if self.names is None:
            return vector
        none = torch.full((len(t),), self.classes, device=t.device)
        of_class: Tensor = self.names(none if labels is None else labels)
        return vector + of_class


class ConditionedStack(nn.Module):
    """Dense layers for points: each adds the conditioning vector to its units.

    Args:
        size: of a point.
        width: hidden units of a layer, and of the conditioning vector.
        depth: hidden layers.
        embedding: of times and class, as a vector.
    """

    def __init__(self, size: int, width: int, depth: int, embedding: nn.Module) -> None:
        super().__init__()
        self.told = embedding  # its name stays: shipped weights have it
        self.first = nn.Linear(size, width)
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.last = nn.Linear(width, size)

    def sizes(self) -> list[int]:
        """Return the hidden units of each layer."""
        return [layer.out_features for layer in (self.first, *self.layers)]

    def forward(
        self, x: Float[Tensor, "batch channels height width"], conditioning: Vector
    ) -> Float[Tensor, "batch channels height width"]:
        """Return a tensor of x's shape."""
        h = self.first(x.flatten(1))
        for layer in self.layers:
            h = h + nn.functional.silu(layer(nn.functional.silu(h + conditioning)))
        output: Tensor = self.last(h)
        return output.view_as(x)
