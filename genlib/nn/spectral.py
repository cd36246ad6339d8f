"""Spectral norm that many networks can be trained with at once."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize


class Spectral(nn.Module):
    """A weight divided by its largest singular value, by one power iteration a step.

    Miyato et al. 2018, algorithm 1. PyTorch's own writes into its buffers in a way that
    `torch.func.vmap` cannot batch.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Float[Tensor, "out *rest"]) -> None:
        super().__init__()
        left, _, right = torch.linalg.svd(weight.detach().flatten(1), full_matrices=False)
        self.register_buffer("u", left[:, 0].clone())
        self.register_buffer("v", right[0].clone())

    def forward(self, weight: Float[Tensor, "out *rest"]) -> Float[Tensor, "out *rest"]:
        """Return the weight, normalised; while training, look for the singular vectors first."""
        matrix = weight.flatten(1)
        if self.training:
            with torch.no_grad():
                self.u.copy_(F.normalize(matrix @ self.v, dim=0))
                self.v.copy_(F.normalize(matrix.T @ self.u, dim=0))
        u, v = self.u.clone(), self.v.clone()  # the next pass writes to both
        return weight / (u @ matrix @ v)


def spectral_norm(network: nn.Module) -> None:
    """Give all dense layers and convolutions of a network the spectral norm."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            parametrize.register_parametrization(layer, "weight", Spectral(layer.weight))
