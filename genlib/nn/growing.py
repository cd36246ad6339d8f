"""What a GAN needs that grows from small pictures to large ones (T. Karras et al., ICLR 2018)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Maps = Float[Tensor, "batch channels height width"]


def fade_in(
    old: Maps,
    new: Float[Tensor, "batch channels taller wider"],
    alpha: float | Float[Tensor, ""],
) -> Float[Tensor, "batch channels taller wider"]:
    """Return (1 − α) · up(old) + α · new, with up the repetition of pixels (section 2, figure 2).

    Args:
        old: pictures of the stage before; up to an even factor smaller.
        new: pictures of the stage that fades in.
        alpha: 0 shows the old stage alone, 1 the new one.
    """
    share = torch.as_tensor(alpha, dtype=new.dtype, device=new.device)
    return torch.lerp(F.interpolate(old, new.shape[2:]), new, share)


class PixelNorm(nn.Module):
    """Pixelwise normalisation: b = a / √(mean over channels of a² + ε), by place (section 4.2).

    It keeps the two players from driving each other's values ever higher. Codings are normalised
    in the same way, over their dimensions.
    """

    def forward(self, x: Float[Tensor, "batch channels *places"]) -> Float[Tensor, "..."]:
        """Return a tensor of the same shape, whose mean square over channels is 1."""
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchStd(nn.Module):
    """Minibatch standard deviation: one more map, which says how different the batch's are.

    The standard deviation over the batch of every channel at every place, averaged to one number
    (section 3): pictures that are all alike give themselves away by a map of zeros.
    """

    def forward(self, x: Maps) -> Float[Tensor, "batch more height width"]:
        """Return the maps and, after them, the constant one."""
        apart = x - x[:1]  # exactly 0 where all are alike, which a rounded mean would not be
        variance = (apart - apart.mean(0)).square().mean(0)
        spread = torch.where(variance > 0, variance, 1.0).sqrt() * (variance > 0)
        return torch.cat([x, spread.mean().expand(len(x), 1, *x.shape[2:])], 1)
