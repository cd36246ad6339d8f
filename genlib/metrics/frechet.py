"""How far generated pictures are from real ones, by their features."""

import warnings
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(
    real: Float[Tensor, "pictures features"], fake: Float[Tensor, "others features"]
) -> float:
    """Return the Fréchet distance of the normal distributions that fit two sets of features.

    |m − m'|² + tr(C + C' − 2 (C C')^½) (Heusel et al. 2017, eq. 6), computed by torchmetrics in
    double precision. Its value depends on the number of pictures: compare like with like.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    return _computed(FrechetInceptionDistance, real, fake)


def kernel_distance(
    real: Float[Tensor, "pictures features"], fake: Float[Tensor, "others features"]
) -> float:
    """Return the squared maximum mean discrepancy under a cubic kernel, without bias.

    Bińkowski et al. 2018, eq. 4, by torchmetrics, on all pictures of the smaller set. Unlike the
    Fréchet distance its mean does not depend on their number; it may be negative.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(len(real), len(fake))
    with torch.random.fork_rng(devices=[]):  # it shuffles, though all are taken
        return _computed(
            KernelInceptionDistance, real[:size], fake[:size], subsets=1, subset_size=size
        )


def _computed(kind: Any, real: Tensor, fake: Tensor, **options: Any) -> float:
    given = torch.nn.Identity()
    given.num_features = real.shape[1]  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it keeps all features, which are few here
        metric = kind(feature=given, **options).set_dtype(torch.float64).to(real.device)
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    value = metric.compute()
    return float(value[0] if isinstance(value, tuple) else value)
