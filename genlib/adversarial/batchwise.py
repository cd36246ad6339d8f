"""Letting the discriminator see several pictures at once, so that sameness gives itself away."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MinibatchDiscrimination(nn.Module):
    """Adds to the features of each picture how near it is to the others of its batch.

    o(xᵢ)_b = Σ_{j ≠ i} exp(−‖Mᵢ_b − Mⱼ_b‖₁), with M = f(x) T (Salimans et al. 2016, section 3.2).

    Args:
        features: that come in; `kernels` more go out.
        kernels: B, the numbers that are added.
        width: C, the values that each compares.
    """

    def __init__(self, features: int, kernels: int = 16, width: int = 8) -> None:
        super().__init__()
        self.kernels = kernels
        self.project = nn.Linear(features, kernels * width, bias=False)

    def forward(self, h: Float[Tensor, "batch features"]) -> Float[Tensor, "batch more"]:
        """Return the features and, after them, the nearness, as a mean over the others."""
        m = self.project(h).unflatten(1, (self.kernels, -1))
        far = (m[:, None] - m[None]).abs().sum(3)
        near = ((-far).exp().sum(1) - 1) / max(1, len(h) - 1)
        return torch.cat([h, near], 1)


def logit_head(features: int, *, batchwise: bool) -> nn.Sequential:
    """Return the last layers of a discriminator: from features to one logit."""
    if not batchwise:
        return nn.Sequential(nn.Linear(features, 1))
    nearness = MinibatchDiscrimination(features)
    return nn.Sequential(nearness, nn.Linear(features + nearness.kernels, 1))


def packed(x: Tensor, count: int, axis: int) -> Tensor:
    """Return neighbours joined to one sample of the discriminator each (Lin et al. 2018).

    What is missing to a whole last one is taken from the first pictures.

    Args:
        x: pictures; they are joined in what follows the batch, their channels or features.
        count: how many are joined.
        axis: of the batch.
    """
    if count == 1:
        return x
    batch = x.shape[axis]
    index = torch.arange(-(-batch // count) * count, device=x.device) % batch
    whole = x.index_select(axis, index).unflatten(axis, (-1, count))
    joined: Tensor = whole.flatten(axis + 1, axis + 2)
    return joined
