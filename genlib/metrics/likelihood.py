"""How likely pictures are under a model: bounds from importance-weighted samples."""

import math

from jaxtyping import Float
from torch import Tensor

Values = Float[Tensor, "*shape"]


def log_normal(z: Values) -> Values:
    """Return ln N(z; 0, 1), element by element."""
    return -0.5 * (math.log(2 * math.pi) + z.square())


def importance_bound(
    log_weights: Float[Tensor, "samples pictures"], count: int
) -> Float[Tensor, "pictures"]:
    """Return the importance-weighted bound on ln p(x) with `count` samples, in nats.

    ln (1/K) Σ w_k, w = p(x, z) / q(z | x) (Burda, Grosse, Salakhutdinov 2016, eq. 8): the ELBO
    for one sample, and ln p(x) for infinitely many. It is the mean over as many groups of
    `count` samples as there are; what is left over is not used.
    """
    groups = len(log_weights) // count
    grouped = log_weights[: groups * count].view(groups, count, -1)
    return (grouped.logsumexp(1) - math.log(count)).mean(0)
