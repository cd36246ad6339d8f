"""The generator that grows."""

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from genlib.adversarial.growing import GrowingGAN, channels
from genlib.adversarial.levels import (
    SMALLEST,
    GrowingNetwork,
    GrowthState,
    sides,
    to_pictures,
    to_rgb,
)
from genlib.family import Pictures, Shape
from genlib.models.progressive.config import ProgressiveConfig
from genlib.nn import PixelNorm, equalise


def block(config: ProgressiveConfig, fan_in: int, fan_out: int) -> list[nn.Module]:
    """Return a convolution and what follows each one."""
    conv = [nn.Conv2d(fan_in, fan_out, 3, padding=1)]
    return [*conv, nn.LeakyReLU(0.2), *([PixelNorm()] if config.pixel_norm else [])]


class GrowingGenerator(GrowingNetwork):
    """A generator that begins with 4 × 4 pixels; each further block doubles the size.

    Args:
        config: of the family.
        shape: of the pictures, whatever the level.
    """

    def __init__(self, config: ProgressiveConfig, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        filters = channels(config, len(sides(shape)))
        small = filters[0], SMALLEST, SMALLEST
        dense = [nn.Linear(config.codings, math.prod(small)), nn.Unflatten(1, small)]
        self.blocks = nn.ModuleList(
            [nn.Sequential(PixelNorm(), *dense, *block(config, filters[0], filters[0]))]
        )
        for fan_in, fan_out in pairwise(filters):
            layers = block(config, fan_in, fan_out) + block(config, fan_out, fan_out)
            self.blocks.append(nn.Sequential(nn.Upsample(scale_factor=2), *layers))
        self.colours = to_rgb(filters, shape[0], growing=config.growing)
        equalise(self, at_run_time=config.equalised)

    def forward(self, z: Float[Tensor, "batch codings"], growth: GrowthState) -> Pictures:
        """Return pictures in [0, 1], of their full size at every level."""
        below = maps = self.blocks[0](z)
        for level in range(1, growth.level + 1):
            below, maps = maps, self.blocks[level](maps)
        return to_pictures(self.colours, below, maps, growth, self.shape)


class ProgressiveGAN(GrowingGAN):
    """The GAN that grows."""

    def __init__(self, config: ProgressiveConfig, shape: Shape) -> None:
        super().__init__(config, shape, GrowingGenerator(config, shape))

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of each layer, through both networks."""
        return [("codings", self.codings), *self.grown_sizes()]
