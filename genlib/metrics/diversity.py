"""How many different things there are among samples."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def vendi_score(similarity: Float[Tensor, "samples samples"]) -> float:
    """Return the exponential of the entropy of the eigenvalues (Friedman, Dieng 2023, eq. 3).

    It is n for n samples that have nothing in common, and 1 for n copies.

    Args:
        similarity: positive semidefinite; divided by its trace.
    """
    values = torch.linalg.eigvalsh(similarity.double()).clamp(min=0)
    return float(torch.special.entr(values / values.sum()).sum().exp())


def vendi_of_features(features: Float[Tensor, "samples features"]) -> float:
    """Return the Vendi score under cosine similarity.

    X Xᵀ and Xᵀ X have the same eigenvalues but for zeros; the smaller one is used.
    """
    x = torch.nn.functional.normalize(features.double(), dim=1)
    return vendi_score(x.T @ x if x.shape[1] < len(x) else x @ x.T)


def effective_modes(shares: Float[Tensor, "classes"]) -> float:
    """Return exp(entropy) of a histogram: how many equally frequent classes it is worth."""
    return float(torch.special.entr(shares / shares.sum()).sum().exp())


def support_size(samples: Float[Tensor, "samples features"], within: float) -> tuple[float, int]:
    """Return how many different samples there seem to be in all, and the pairs that say so.

    The birthday paradox (Arora, Zhang 2018): of s samples drawn evenly from N different ones,
    s (s − 1) / 2N pairs are alike. Without such a pair the estimate is infinite.

    Args:
        samples: to compare with one another.
        within: the distance up to which two count as alike.
    """
    count = len(samples)
    far = torch.pdist(samples)
    pairs = int((far <= within).sum())
    return (count * (count - 1) / (2 * pairs) if pairs else float("inf")), pairs


def support_interval(count: int, pairs: int) -> tuple[float, float]:
    """Return a 95 % interval of `support_size`, as if pairs alike came independently.

    Their number is then a Poisson one, whose exact interval is that of Garwood (1936). Without a
    pair there is no upper bound.

    Args:
        count: samples that were compared with one another.
        pairs: of them that are alike.
    """
    from scipy.special import gammaincinv  # here, as it takes a while to import

    possible = count * (count - 1) / 2
    most = float(gammaincinv(pairs + 1, 0.975))
    least = float(gammaincinv(pairs, 0.025)) if pairs else 0.0
    return possible / most, possible / least if pairs else float("inf")


class ModeCount(NamedTuple):
    """How a mixture's modes are met (Lin et al. 2018, section 4.1).

    Attributes:
        captured: the modes with at least one sample of high quality.
        high_quality: the share of samples within three standard deviations of a mode.
        reverse_kl: KL(samples' modes ‖ even), in nats; ln(modes) where all are of one mode.
    """

    captured: int
    high_quality: float
    reverse_kl: float


def count_modes(
    samples: Float[Tensor, "samples 2"], centres: Float[Tensor, "modes 2"], deviation: float
) -> ModeCount:
    """Return which modes samples meet; each belongs to its nearest one."""
    far, mode = torch.cdist(samples, centres).min(1)
    good = far <= 3 * deviation
    shares = class_shares(mode, len(centres))
    entropy = float(torch.special.entr(shares).sum())
    return ModeCount(
        int((class_shares(mode[good], len(centres)) > 0).sum()),
        float(good.float().mean()),
        float(torch.tensor(len(centres)).log()) - entropy,
    )


def class_shares(labels: Int64[Tensor, "_"], count: int) -> Float[Tensor, "classes"]:
    """Return the share of each class; zeros where there are no samples."""
    return torch.bincount(labels, minlength=count).float() / max(1, len(labels))
