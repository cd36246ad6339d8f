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
    """Return the basic bootstrap's 95 % interval of a figure of two sets of samples.

    It mirrors the percentiles at the figure itself (Davison, Hinkley 1997, eq. 5.6), which takes
    the bias of resampling off: drawing twice makes a set look less diverse than it is.

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
    low, high = torch.tensor(drawn, dtype=torch.float64).quantile(
        torch.tensor([0.025, 0.975], dtype=torch.float64)
    )
    return 2 * whole - float(high), 2 * whole - float(low)
