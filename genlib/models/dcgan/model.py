"""The networks of the deep convolutional GAN."""

import math

from torch import Tensor, nn

from genlib.adversarial.batchwise import logit_head
from genlib.adversarial.gan import GAN
from genlib.config import Nonlinearity
from genlib.family import Shape
from genlib.models.dcgan.config import DCGANConfig
from genlib.nn import ACTIVATIONS, Dropout


class DCGAN(GAN):
    """The chapter's deep convolutional GAN, and one of today."""

    def __init__(self, config: DCGANConfig, shape: Shape) -> None:
        draw, see = {
            "strided": (strided_generator, strided_discriminator),
            "residual": (residual_generator, residual_discriminator),
        }[config.network]
        networks = draw(config, shape), see(config, shape)
        super().__init__(config, shape, config.codings, networks)
        self.filters = config.filters

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of each layer, through both networks."""
        places, picture = self.shape[1] * self.shape[2], math.prod(self.shape)
        small, large = (
            ("maps", 2 * self.filters * places // 16),
            ("maps", self.filters * places // 4),
        )
        return [
            ("codings", self.codings),
            small,
            large,
            ("picture", picture),
            large,
            small,
            ("real?", 1),
        ]


class Affine(nn.Module):
    """x ↦ scale · x + shift, between the ranges of pictures."""

    def __init__(self, scale: float, shift: float) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return self.scale * x + self.shift


CENTRED, UNCENTRED = Affine(2.0, -1.0), Affine(0.5, 0.5)


def strided_generator(config: DCGANConfig, shape: Shape) -> nn.Module:
    """Return the book's: a dense layer to maps of a quarter's size, then doubled twice."""
    channels, height, width = shape
    filters, kind = config.filters, ACTIVATIONS[config.drawing]
    small = 2 * filters, height // 4, width // 4

    def doubled(fan_in: int, fan_out: int) -> list[nn.Module]:
        if config.scaling == "strides":
            return [nn.ConvTranspose2d(fan_in, fan_out, 5, stride=2, padding=2, output_padding=1)]
        return [nn.Upsample(scale_factor=2), nn.Conv2d(fan_in, fan_out, 5, padding=2)]

    def normed(count: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(count)] if config.batch_norm else []

    hidden = config.codings if not config.hidden_layer else 8 * filters
    first = [nn.Linear(config.codings, hidden), kind()] if config.hidden_layer else []
    last = [nn.Tanh(), UNCENTRED] if config.output == "tanh" else [nn.Sigmoid()]
    return nn.Sequential(
        *(*first, nn.Linear(hidden, math.prod(small)), nn.Unflatten(1, small), *normed(small[0])),
        *(*doubled(small[0], filters), kind(), *normed(filters)),
        *(*doubled(filters, channels), *last),
    )


def strided_discriminator(config: DCGANConfig, shape: Shape) -> nn.Module:
    """Return the book's: halved twice, with dropout, then one dense layer."""
    channels, height, width = shape
    filters, kind = config.filters, ACTIVATIONS[config.seeing]

    def halved(fan_in: int, fan_out: int) -> list[nn.Module]:
        if config.scaling == "strides":
            return [nn.Conv2d(fan_in, fan_out, 5, stride=2, padding=2)]
        return [nn.Conv2d(fan_in, fan_out, 5, padding=2), nn.AvgPool2d(2)]

    flat = 2 * filters * (height // 4) * (width // 4)
    hidden = 8 * filters if config.hidden_layer else flat
    dense = [nn.Linear(flat, hidden), kind()] if config.hidden_layer else []
    return nn.Sequential(
        *([CENTRED] if config.output == "tanh" else []),
        *(*halved(config.packing * channels, filters), kind(), Dropout(config.dropout)),
        *(*halved(filters, 2 * filters), kind(), Dropout(config.dropout)),
        *(nn.Flatten(), *dense, logit_head(hidden, batchwise=config.minibatch_discrimination)),
    )


class Residual(nn.Module):
    """x + f(x), with f two convolutions, the second one nearly zero at first."""

    def __init__(self, channels: int, kind: Nonlinearity) -> None:
        super().__init__()
        second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(second.weight, std=1e-3)
        activated = ACTIVATIONS[kind]
        self.layers = nn.Sequential(
            *(activated(), nn.Conv2d(channels, channels, 3, padding=1), activated(), second)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return x + self.layers(x)  # type: ignore[no-any-return]


def residual_generator(config: DCGANConfig, shape: Shape) -> nn.Module:
    """Return residual blocks at a quarter's and half the size; pixels come by shuffling."""
    channels, height, width = shape
    filters, kind = config.filters, config.drawing
    small = 2 * filters, height // 4, width // 4
    return nn.Sequential(
        *(nn.Linear(config.codings, math.prod(small)), nn.Unflatten(1, small)),
        *(Residual(2 * filters, kind), nn.Conv2d(2 * filters, 4 * filters, 1), nn.PixelShuffle(2)),
        *(
            Residual(filters, kind),
            ACTIVATIONS[kind](),
            nn.Conv2d(filters, 4 * channels, 3, padding=1),
        ),
        *(nn.PixelShuffle(2), nn.Sigmoid()),
    )


def residual_discriminator(config: DCGANConfig, shape: Shape) -> nn.Module:
    """Return the same the other way round."""
    channels, height, width = shape
    filters, kind = config.filters, config.seeing
    flat = 2 * filters * (height // 4) * (width // 4)
    return nn.Sequential(
        *(
            CENTRED,
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * config.packing * channels, filters, 3, padding=1),
        ),
        *(Residual(filters, kind), nn.PixelUnshuffle(2), nn.Conv2d(4 * filters, 2 * filters, 1)),
        *(Residual(2 * filters, kind), ACTIVATIONS[kind](), nn.Flatten()),
        logit_head(flat, batchwise=config.minibatch_discrimination),
    )
