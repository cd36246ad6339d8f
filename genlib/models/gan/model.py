"""The dense networks of the first GAN."""

import math

from torch import nn

from genlib.adversarial.batchwise import logit_head
from genlib.adversarial.gan import GAN
from genlib.family import Shape
from genlib.models.gan.config import GANConfig
from genlib.nn import ACTIVATIONS, stack


class DenseGAN(GAN):
    """The chapter's first GAN: 30 codings to 100-150-784, and 784-150-100 to one logit."""

    def __init__(self, config: GANConfig, shape: Shape) -> None:
        pixels, wide, kind = math.prod(shape), config.hidden, config.activation
        narrow = wide * 2 // 3
        drawing = stack([config.codings, narrow, wide, pixels], kind)
        seeing = stack([config.packing * pixels, wide, narrow], kind)
        last = logit_head(narrow, batchwise=config.minibatch_discrimination)
        networks = (
            nn.Sequential(drawing, nn.Sigmoid(), nn.Unflatten(1, shape)),
            nn.Sequential(nn.Flatten(), seeing, ACTIVATIONS[kind](), last),
        )
        super().__init__(config, shape, config.codings, networks)
        self.units = narrow, wide

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer, through both networks."""
        narrow, wide = (("hidden", units) for units in self.units)
        picture = "picture", math.prod(self.shape)
        return [("codings", self.codings), narrow, wide, picture, wide, narrow, ("real?", 1)]
