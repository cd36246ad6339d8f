"""Stacks of dense layers, and a decoder that borrows its encoder's weights."""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Activation, Nonlinearity

ACTIVATIONS: dict[Nonlinearity, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "leaky relu": lambda: nn.LeakyReLU(0.2),
}


def stack(sizes: list[int], activation: Nonlinearity) -> nn.Sequential:
    """Return dense layers through `sizes`, the activation between them but not after the last."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


class Tied(nn.Module):
    """A dense stack run backwards: each layer's weights transposed, and biases of its own.

    It holds no matrix: `forward` is given the stack whose weights it borrows.

    Args:
        stack: the dense stack of `stack`, from the wide end to the narrow one.
        activation: between the layers, not after the last.
    """

    def __init__(self, stack: nn.Sequential, activation: Activation) -> None:
        super().__init__()
        layers = [layer for layer in stack if isinstance(layer, nn.Linear)]
        self.activation = ACTIVATIONS[activation]()
        self.biases = nn.ParameterList(
            [nn.Parameter(torch.zeros(layer.in_features)) for layer in reversed(layers)]
        )

    def forward(
        self, z: Float[Tensor, "batch codings"], stack: nn.Sequential, depth: int, to: int
    ) -> Float[Tensor, "batch wide"]:
        """Return z, the output of layer `depth` of `stack`, taken back to that of layer `to`.

        Layer 0 is the input; like the stack's, the output of any other is activated.
        """
        layers = [layer for layer in stack if isinstance(layer, nn.Linear)]
        for layer in range(depth, to, -1):
            bias = self.biases[len(layers) - layer]
            z = F.linear(z, layers[layer - 1].weight.T, bias)
            z = self.activation(z) if layer > 1 else z
        return z
