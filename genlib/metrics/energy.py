"""How far two sets of samples are apart, by the distances between them alone."""

import torch
from jaxtyping import Float
from torch import Tensor

Samples = Float[Tensor, "samples features"]
Others = Float[Tensor, "others features"]


def energy_distance(x: Samples, y: Others) -> Float[Tensor, ""]:
    """Return √(2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖); zero for equal sets (Székely, Rizzo 2013)."""
    between, inside = torch.cdist(x, y).mean(), torch.cdist(x, x).mean() + torch.cdist(y, y).mean()
    return (2 * between - inside).clamp(min=0).sqrt()


def two_sample_test(x: Samples, y: Others, rng: torch.Generator, rounds: int = 999) -> float:
    """Return the p-value of the hypothesis that both sets come from one distribution.

    A permutation test of the energy distance (Székely, Rizzo 2004): the share of random splits
    of all samples that are at least as far apart. It is small where the sets differ.
    """
    both = torch.cat([x, y]).double()
    distances, count = torch.cdist(both, both), len(both)
    sides = torch.full((count,), -1 / len(y), dtype=torch.float64, device=both.device)
    sides[: len(x)] = 1 / len(x)
    order = torch.rand(rounds, count, generator=rng, device=both.device).argsort(1)
    splits = torch.cat([sides[None], sides[order]])
    energies = -((splits @ distances) * splits).sum(1)
    return float((energies >= energies[0] - 1e-12).double().mean())
