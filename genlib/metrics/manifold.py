"""Whether generated samples lie where real ones do, and whether they are everywhere there."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

ROWS = 1000  # samples whose distances are held at once


class Manifold(NamedTuple):
    """What each sample says; the mean of each is the figure of that name.

    Precision and recall: Kynkäänniemi et al. 2019. Density and coverage: Naeem et al. 2020,
    eqs. 3 and 4.

    Attributes:
        precision: whether each generated sample lies near a real one.
        recall: whether each real sample lies near a generated one.
        density: in how many real neighbourhoods each generated sample lies, over k.
        coverage: whether each real neighbourhood holds a generated sample.
    """

    precision: Float[Tensor, "fakes"]
    recall: Float[Tensor, "reals"]
    density: Float[Tensor, "fakes"]
    coverage: Float[Tensor, "reals"]


def manifold(
    real: Float[Tensor, "reals features"], fake: Float[Tensor, "fakes features"], k: int = 5
) -> Manifold:
    """Return precision, recall, density and coverage, sample by sample.

    A neighbourhood is the ball around a sample that reaches to its k-th nearest other one.
    """
    reach_real, reach_fake = radii(real, k), radii(fake, k)
    inside = torch.zeros(len(fake), device=real.device)
    recall, coverage = [], []
    for part, reach in zip(real.split(ROWS), reach_real.split(ROWS), strict=True):
        far = torch.cdist(part, fake)
        inside += (far < reach[:, None]).sum(0)
        recall.append((far < reach_fake).any(1))
        coverage.append(far.amin(1) < reach)
    return Manifold(
        (inside > 0).float(), torch.cat(recall).float(), inside / k, torch.cat(coverage).float()
    )


def radii(x: Float[Tensor, "samples features"], k: int) -> Float[Tensor, "samples"]:
    """Return each sample's distance to its k-th nearest other one."""
    near = [
        torch.cdist(part, x).topk(k + 1, largest=False).values[:, -1] for part in x.split(ROWS)
    ]
    return torch.cat(near)


def nearest(
    x: Float[Tensor, "samples features"], others: Float[Tensor, "others features"]
) -> tuple[Float[Tensor, "samples"], Tensor]:
    """Return the distance of each sample to the nearest of others, and which that is."""
    parts = [torch.cdist(part, others).min(1) for part in x.split(ROWS)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])
