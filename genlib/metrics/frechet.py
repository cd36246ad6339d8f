"""How far generated pictures are from real ones, by their features."""

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(
    real: Float[Tensor, "pictures features"], made: Float[Tensor, "others features"]
) -> float:
    """Return the Fréchet distance of the normal distributions that fit two sets of features.

    |m − m'|² + tr(C + C' − 2 (C C')^½) (Heusel et al. 2017, eq. 6), computed by torchmetrics in
    double precision. Its value depends on the number of pictures: compare like with like.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    given = torch.nn.Identity()
    given.num_features = real.shape[1]  # type: ignore[assignment]
    metric = FrechetInceptionDistance(feature=given).set_dtype(torch.float64)
    metric.update(real, real=True)
    metric.update(made, real=False)
    return float(metric.compute())
