"""How sure a figure is."""

from collections.abc import Callable

import torch
from jaxtyping import Int64
from torch import Tensor

Index = Int64[Tensor, "_"]


def bootstrap_interval(
    statistic: Callable[[Index, Index], float],
    sizes: tuple[int, int],
    rng: torch.Generator,
    rounds: int = 100,
) -> tuple[float, float]:
    """Return a 95 % interval of a figure of two sets of samples, by the bootstrap.

    It is as wide as the percentiles of the resampled figures, but around the figure itself:
    drawing a picture twice makes a set look less diverse than it is, which shifts all of them.

    Args:
        statistic: the figure, of indices into both sets.
        sizes: of the sets.
        rng: draws the indices, on the CPU.
        rounds: resamplings.
    """
    whole = statistic(torch.arange(sizes[0]), torch.arange(sizes[1]))
    drawn = [
        statistic(*(torch.randint(size, (size,), generator=rng) for size in sizes))
        for _ in range(rounds)
    ]
    resampled = torch.tensor(drawn, dtype=torch.float64)
    bounds = resampled.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64))
    low, high = bounds - resampled.mean()
    return whole + float(low), whole + float(high)
