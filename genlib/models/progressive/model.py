r"""Learn to draw coarse pictures first: they are learned in seconds, and details come last.

A large picture is hard to forge and easy to tell from a real one, so both players begin with
pictures of 4 × 4 pixels. When those are good, a layer that doubles the size is added to each, and
**fades in**: while $\alpha$ goes from 0 to 1, the picture is

$$x = (1 - \alpha)\,\mathrm{up}(x_\text{old}) + \alpha\,x_\text{new},$$

so that nothing that was learned is shaken by new layers. Three more ideas come with it, and here
each is a switch.

- **Minibatch standard deviation**, at the end of the discriminator: the standard deviation over
  the batch of each value, averaged to one number, as one more map. A batch of pictures that are
  all alike gives itself away, so the generator keeps to all of the data.
- **Equalised learning rate**: all weights are drawn from $\mathcal N(0, 1)$ and multiplied by
  $\sqrt{2 / n_\text{inputs}}$ where they are used. An optimizer that makes steps of one size for
  all weights, as Adam does, then changes each layer by the same share.
- **Pixelwise normalisation**, after each convolution of the generator: each place's values are
  divided by the root of their mean square,

$$b_{xy} = a_{xy} \Big/ \sqrt{\tfrac 1N \textstyle\sum_j (a^j_{xy})^2 + \varepsilon}.$$

Pictures are put in the middle of a black square, of 32 × 32 pixels for those of 28 × 28. Whatever
the stage, both players are given pictures of the full size: the generator repeats its pixels, the
discriminator averages them away first.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. T. Karras, T. Aila, S. Laine,
J. Lehtinen, *Progressive growing of GANs for improved quality, stability, and variation*, ICLR
(2018).
"""

import math
from itertools import pairwise
from typing import Any

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from genlib.adversarial.growing import (
    RECIPE,
    THOROUGH,
    GrowingConfig,
    GrowingGAN,
    channels,
)
from genlib.adversarial.levels import SMALLEST, Grows, GrowthState, RGBConvolutions, drawn, sides
from genlib.family import Pictures, Preset, Shape
from genlib.nn import PixelNorm, equalise


class ProgressiveConfig(GrowingConfig):
    """Two networks that grow, the switches of their ingredients, and the rules of the game."""

    pixel_norm: bool = Field(
        True,
        title="Pixelwise normalisation",
        description="Divides the values of each place, in the generator, by the root of their "
        "mean square.",
    )


def block(config: ProgressiveConfig, given: int, made: int) -> list[nn.Module]:
    """Return a convolution and what follows each one."""
    conv = [nn.Conv2d(given, made, 3, padding=1)]
    return [*conv, nn.LeakyReLU(0.2), *([PixelNorm()] if config.pixel_norm else [])]


class GrowingGenerator(Grows):
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
        for given, made in pairwise(filters):
            layers = block(config, given, made) + block(config, made, made)
            self.blocks.append(nn.Sequential(nn.Upsample(scale_factor=2), *layers))
        self.colours = RGBConvolutions(filters, shape[0], growing=config.growing)
        equalise(self, at_run_time=config.equalised)

    def forward(self, z: Float[Tensor, "batch codings"], at: GrowthState) -> Pictures:
        """Return pictures in [0, 1], of their full size at every level."""
        below = maps = self.blocks[0](z)
        for level in range(1, at.level + 1):
            below, maps = maps, self.blocks[level](maps)
        return drawn(self.colours, below, maps, at, self.shape)


FAST = ProgressiveConfig(filters=8, loss="relativistic", r1=0.3, r2=0.3)


INGREDIENTS: dict[str, dict[str, Any]] = {
    "growing": {"growing": False},
    "fade-in": {"fading": 0.0},
    "minibatch standard deviation": {"minibatch_std": False},
    "equalised learning rate": {"equalised": False},
    "pixelwise normalisation": {"pixel_norm": False},
}

BARE = {knob: value for knobs in INGREDIENTS.values() for knob, value in knobs.items()}


class ProgressiveGAN(GrowingGAN):
    """The GAN that grows."""

    config_type = ProgressiveConfig
    presets = {
        "fast": Preset(
            FAST, RECIPE, "All four ingredients, with paired pictures and a D that is not steep."
        ),
        "thorough": Preset(FAST, THOROUGH, "The same for three times as long."),
        "not grown": Preset(
            FAST.model_copy(update={"growing": False}),
            RECIPE,
            "The same networks and as many steps, for whole pictures from the first step on.",
        ),
        "paper": Preset(
            ProgressiveConfig(loss="wasserstein", gradient_penalty=10.0),
            RECIPE.model_copy(update={"learning_rate": 1e-3}),
            "The loss and the learning rate of the paper, which had days for it.",
        ),
        "bare": Preset(
            FAST.model_copy(update=BARE),
            RECIPE.model_copy(update={"learning_rate": 2e-3}),
            "None of the ingredients, and a sixth of the learning rate: with all of it, this "
            "diverges.",
        ),
    }

    ingredients = INGREDIENTS

    def __init__(self, config: ProgressiveConfig, shape: Shape) -> None:
        super().__init__(config, shape, GrowingGenerator(config, shape))

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of each layer, through both networks."""
        return [("codings", self.codings), *self.grown_sizes()]
