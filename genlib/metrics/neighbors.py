"""Whether what is alike lies together."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

ROWS = 1000  # samples whose distances are held at once


def like_neighbors(
    x: Float[Tensor, "samples features"], labels: Int64[Tensor, "samples"], k: int = 10
) -> Float[Tensor, "samples"]:
    """Return, of each sample, the share of its k nearest other ones that are of its class."""
    shares = []
    for start in range(0, len(x), ROWS):
        part = x[start : start + ROWS]
        distances = torch.cdist(part, x)
        distances[torch.arange(len(part)), start + torch.arange(len(part))] = torch.inf
        near = distances.topk(k, largest=False).indices
        own = labels[start : start + ROWS, None]
        shares.append((labels[near] == own).float().mean(1))
    return torch.cat(shares)
