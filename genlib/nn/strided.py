"""Convolutions of stride 2 that halve a picture twice, and transposed ones that double it back."""

from torch import nn

from genlib.config import Activation
from genlib.nn.dense import ACTIVATIONS

FILTERS = 16, 32  # of the first and of the second layer
Shape = tuple[int, int, int]


def halved_twice(shape: Shape) -> Shape:
    """Return the shape of the maps after two layers; height and width are divisible by four."""
    return FILTERS[1], shape[1] // 4, shape[2] // 4


def halving(shape: Shape, activation: Activation) -> nn.Sequential:
    """Return layers from pictures of a shape to maps, flattened; activated after each layer."""
    first, second = FILTERS
    activated = ACTIVATIONS[activation]
    return nn.Sequential(
        *(nn.Conv2d(shape[0], first, 4, stride=2, padding=1), activated()),
        *(nn.Conv2d(first, second, 4, stride=2, padding=1), activated(), nn.Flatten()),
    )


def doubling(shape: Shape, activation: Activation) -> nn.Sequential:
    """Return layers from flattened maps to pictures of a shape; not activated after the last."""
    first, second = FILTERS
    activated = ACTIVATIONS[activation]
    return nn.Sequential(
        *(activated(), nn.Unflatten(1, halved_twice(shape))),
        *(nn.ConvTranspose2d(second, first, 4, stride=2, padding=1), activated()),
        nn.ConvTranspose2d(first, shape[0], 4, stride=2, padding=1),
    )
