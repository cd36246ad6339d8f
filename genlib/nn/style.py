"""What a generator by style is made of (T. Karras, S. Laine, T. Aila, CVPR 2019, and after)."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlib.nn.dropout import Drawing
from genlib.nn.equalized import equalise
from genlib.nn.growing import PixelNorm

Maps = Float[Tensor, "batch channels height width"]
W = Float[Tensor, "batch style"]
Styles = Float[Tensor, "batch layers style"]  # a w for each layer of the synthesis
MAPPING_PACE = 0.01  # of the mapping network's learning (CVPR 2019, section C)


def mapping_network(codings: int, width: int, depth: int, *, equalised: bool) -> nn.Sequential:
    """Return f: z → w, a dense network on normalised codings; without layers w is z / |z|."""
    sizes = [codings, *[width] * depth]
    layers: list[nn.Module] = [PixelNorm()]
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2)]
    network = nn.Sequential(*layers)
    equalise(network, at_run_time=equalised, pace=MAPPING_PACE if equalised else 1.0)
    return network


class ConstantInput(nn.Module):
    """A learned constant that the synthesis begins with, whatever the style (section 2).

    Args:
        shape: (channels, height, width).
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.ones(shape))

    def forward(self, w: W) -> Maps:
        """Return the constant for each style."""
        return self.constant.expand(len(w), -1, -1, -1)


class StyleMixing(Drawing):
    """Mixing regularisation: from a random layer on, some pictures get the style of another.

    So neighbouring layers cannot rely on each other's style, and each learns to say something of
    its own (CVPR 2019, section 3.1). The other one is a neighbour in the batch, itself as random.

    Args:
        share: of the pictures that are mixed while training; afterwards none are.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, w: W, layers: int) -> Styles:
        """Return the style of each layer."""
        styles = w[:, None].expand(-1, layers, -1)
        if not self.training or not self.share:
            return styles
        chance, place = torch.rand(2, len(w), generator=self.rng, device=w.device)
        crossover = 1 + (place * (layers - 1)).long()  # at least one layer keeps its own
        later = torch.arange(layers, device=w.device) >= crossover[:, None]
        mixed = later & (chance < self.share)[:, None]
        return torch.where(mixed[:, :, None], styles.roll(1, 0), styles)


def mixed(styles: Styles, others: Styles, layers: list[int]) -> Styles:
    """Return styles, at those layers taken from the others; at none, the styles themselves."""
    chosen = torch.zeros(styles.shape[1], dtype=torch.bool, device=styles.device)
    chosen[layers] = True
    return torch.where(chosen[:, None], others, styles)


def truncated(
    w: Float[Tensor, "*lead style"], mean: Float[Tensor, "style"], psi: float
) -> Float[Tensor, "*lead style"]:
    """Return w̄ + ψ (w − w̄): at ψ = 0 the mean, at 1 the style itself (CVPR 2019, section B)."""
    return mean + psi * (w - mean)


class NoiseInjection(Drawing):
    """Adds noise to maps, b = a + s_c · n: one picture n of N(0, 1) for all, a scale s_c for each.

    Args:
        channels: each has a learned scale, 0 at first.
        side: of the maps; the noise that is kept for afterwards is as large.
    """

    kept: Tensor  # the noise of a trained model; its name stays: shipped weights have it

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.register_buffer("kept", torch.randn(1, 1, side, side))

    def forward(self, x: Maps, noise: Float[Tensor, "_ 1 height width"] | None = None) -> Maps:
        """Return noisy maps; the noise is new while training, else the kept one or `noise`."""
        if self.training:
            shape = len(x), 1, *x.shape[2:]
            noise = torch.randn(shape, generator=self.rng, device=x.device)
        return x + self.scale * (self.kept if noise is None else noise)


def instance_norm(x: Maps) -> Maps:
    """Return maps with mean 0 and standard deviation 1 over their places, each on its own."""
    centred = x - x.mean((2, 3), keepdim=True)
    return centred * (centred.square().mean((2, 3), keepdim=True) + 1e-8).rsqrt()


class AdaIN(nn.Module):
    """Adaptive instance normalisation: AdaIN(x, y) = y_s (x − μ(x)) / σ(x) + y_b, for each map.

    The style's scale y_s and shift y_b are affine in w; at first they are 1 and 0 for w = 0
    (X. Huang, S. Belongie, ICCV 2017, eq. 8; CVPR 2019, eq. 1).

    Args:
        width: of w.
        channels: of the maps.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(width, 2 * channels)

    def forward(self, x: Maps, w: W) -> Maps:
        """Return maps whose means and standard deviations are the style's."""
        scale, shift = self.affine(w)[:, :, None, None].chunk(2, 1)
        styled: Tensor = (1 + scale) * instance_norm(x) + shift
        return styled


class ModulatedConv(nn.Module):
    """A convolution whose weights are the style's: w'_oik = s_i w_oik / √(Σ_ik (s_i w_oik)² + ε).

    It scales what comes in and what goes out instead of the weights, which is the same
    (T. Karras et al., *Analyzing and improving the image quality of StyleGAN*, CVPR 2020, eqs. 1
    and 3). What goes out has unit variance by assumption, where AdaIN measures it: a strong spot
    in one map cannot hide the strength of the others any more.

    Args:
        conv: the convolution, without a bias.
        width: of w.
    """

    def __init__(self, conv: nn.Conv2d, width: int) -> None:
        super().__init__()
        self.conv, self.affine = conv, nn.Linear(width, conv.in_channels)

    def forward(self, x: Maps, w: W) -> Float[Tensor, "batch out height width"]:
        """Return maps of the same size."""
        scale = 1 + self.affine(w)
        squares = self.conv.weight.square().sum((2, 3))
        demodulation = (scale.square() @ squares.T + 1e-8).rsqrt()
        styled: Tensor = self.conv(x * scale[:, :, None, None]) * demodulation[:, :, None, None]
        return styled
