"""Metrics of samples in a classifier's features, each with an interval and its floor."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from genlib import metrics
from genlib.rng import generator
from genlib.tasks.result import Result

COMPARED = 500  # pictures of each kind where every pair is compared
KERNEL = 2000  # pictures of each kind for KID, whose mean does not depend on their number
ROUNDS = 50  # resamplings of each interval

Wanted = Literal["low", "high"]


class Finding(Result):
    """A metric, its 95 % interval, and what real pictures reach at the same number."""

    name: str
    value: float
    low: float
    high: float
    real: float
    wanted: Wanted


Features = Float[Tensor, "pictures features"]
Statistic = Callable[[Tensor, Tensor], float]
CLASSIFIER_FID, PIXEL_FID = "classifier FID", "pixel FID"


def _thousand_kid(real: Features, fake: Tensor) -> float:
    return 1000 * metrics.kernel_distance(real[:KERNEL], fake[:KERNEL])


STATISTICS: dict[str, tuple[Statistic, Wanted]] = {  # of real and of generated features
    CLASSIFIER_FID: (metrics.frechet_distance, "low"),
    PIXEL_FID: (metrics.frechet_distance, "low"),  # of principal components of the pixels
    "KID × 1,000": (_thousand_kid, "low"),
    "Vendi score": (lambda _, fake: metrics.vendi_of_features(fake), "high"),
    "pairwise distance": (lambda _, fake: float(torch.pdist(fake[:COMPARED]).mean()), "high"),
}


def of_statistic(name: str, real: Features, fake: Tensor, other: Tensor) -> Finding:
    """Return one of STATISTICS, with its bootstrap interval.

    Args:
        name: of the statistic.
        real: features of real pictures.
        fake: features of generated pictures.
        other: features of other real pictures, as many as `fake`.
    """
    statistic, wanted = STATISTICS[name]
    low, high = metrics.bootstrap_interval(
        lambda one, two: statistic(real[one], fake[two]),
        (len(real), len(fake)),
        generator(0),
        ROUNDS,
    )
    return Finding(
        name=name,
        value=statistic(real, fake),
        low=low,
        high=high,
        real=statistic(real, other),
        wanted=wanted,
    )


def of_manifold(real: Features, fake: Tensor, other: Tensor) -> list[Finding]:
    """Return precision, recall, density and coverage; each is a mean over pictures."""
    floor = metrics.manifold(real, other)
    findings = []
    for name, values in metrics.manifold(real, fake)._asdict().items():
        value, low, high = mean_interval(values, ROUNDS)
        reached = float(getattr(floor, name).mean())
        findings.append(
            Finding(name=name, value=value, low=low, high=high, real=reached, wanted="high")
        )
    return findings


def mean_interval(values: Float[Tensor, "pictures"], rounds: int) -> tuple[float, float, float]:
    """Return the mean of values, one for each picture, and its 95 % interval by the bootstrap."""
    mean = partial(_mean, values)
    low, high = metrics.bootstrap_interval(mean, (len(values), 1), generator(0), rounds)
    return float(values.mean()), low, high


def _mean(values: Tensor, index: Tensor, _: Tensor) -> float:
    return float(values[index].mean())
