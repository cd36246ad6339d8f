"""What a judge's features say of pictures: figures of merit, each with an interval."""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from genlib import metrics
from genlib.rng import generator

COMPARED = 500  # pictures of each kind where every pair is compared
ROUNDS = 50  # resamplings of each interval

Wanted = Literal["low", "high"]


class Finding(NamedTuple):
    """A figure of merit, how sure it is, and what real pictures reach."""

    name: str
    value: float
    low: float  # of its 95 % interval
    high: float
    real: float  # real pictures against real ones, at the same number
    wanted: Wanted


Statistic = Callable[[Tensor, Tensor], float]
STATISTICS: dict[str, tuple[Statistic, Wanted]] = {
    "classifier FID": (metrics.frechet_distance, "low"),
    "KID × 1,000": (lambda real, made: 1000 * metrics.kernel_distance(real, made), "low"),
    "Vendi score": (lambda _, made: metrics.vendi_of_features(made), "high"),
    "pairwise distance": (lambda _, made: float(torch.pdist(made[:COMPARED]).mean()), "high"),
}


def of_statistic(name: str, real: Tensor, made: Tensor, other: Tensor) -> Finding:
    """Return one of STATISTICS.

    Args:
        name: of the statistic.
        real: features of real pictures.
        made: those of the pictures that are judged.
        other: those of other real pictures, as many.
    """
    statistic, wanted = STATISTICS[name]
    low, high = metrics.bootstrap_interval(
        lambda one, two: statistic(real[one], made[two]),
        (len(real), len(made)),
        generator(0),
        ROUNDS,
    )
    return Finding(name, statistic(real, made), low, high, statistic(real, other), wanted)


def of_manifold(real: Tensor, made: Tensor, other: Tensor) -> list[Finding]:
    """Return precision, recall, density and coverage; each is a mean over samples."""
    found, known = metrics.manifold(real, made), metrics.manifold(real, other)
    findings = []
    for name, values in found._asdict().items():
        reached = float(getattr(known, name).mean())
        findings.append(Finding(name, *mean_interval(values, ROUNDS), reached, "high"))
    return findings


def coverage(real: Tensor, made: Tensor, other: Tensor) -> Finding:
    """Return the coverage alone."""
    return next(each for each in of_manifold(real, made, other) if each.name == "coverage")


def mean_interval(values: Tensor, rounds: int) -> tuple[float, float, float]:
    """Return the mean of values, one for each picture, and its 95 % interval by the bootstrap."""
    mean = partial(_mean, values)
    low, high = metrics.bootstrap_interval(mean, (len(values), 1), generator(0), rounds)
    return float(values.mean()), low, high


def _mean(values: Tensor, index: Tensor, _: Tensor) -> float:
    return float(values[index].mean())
