r"""Convolutions make better forgers: five guidelines, with which GANs first drew large pictures.

Dense networks draw blurred pictures, and deep convolutional ones would not train against each
other at all, until somebody searched long enough for what works. Five rules came out of it, and
here each is a switch: turn one off and see what it was for.

1. Strides instead of **pooling** (and transposed convolutions instead of upsampling).
2. **Batch normalisation**. The book has it in the generator, and dropout in the discriminator:
   there a batch's mean would tell real pictures from generated ones.
3. No **hidden dense layers**.
4. The generator's layers with **ReLU**, its last one with **tanh**.
5. The discriminator's with **leaky ReLU**.

$$\text{strided convolution: } h \times h \to \tfrac h2 \times \tfrac h2, \qquad
\text{transposed: } \tfrac h2 \times \tfrac h2 \to h \times h$$

The rules are of 2016. The first preset needs no second rule: a loss that pairs each generated
picture with a real one, penalties on the discriminator's slope at both (**R1**, **R2**), and
residual networks without any normalisation, in which a picture of 28 × 28 is taken apart into
14 × 14 places of four pixels, where convolutions cost a quarter.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. A. Radford, L. Metz,
S. Chintala, *Unsupervised representation learning with deep convolutional generative adversarial
networks*, ICLR (2016). W. Shi et al., *Real-time single image and video super-resolution*, CVPR
(2016), for taking pictures apart into places. N. Huang et al., *The GAN is dead; long live the
GAN*, NeurIPS (2024).
"""

import math
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from genlib.adversarial import GAN, AdversarialConfig, verdict
from genlib.config import TrainConfig
from genlib.family import Preset, Shape
from genlib.nn import ACTIVATIONS, Dropout, Nonlinearity


class DCGANConfig(AdversarialConfig):
    """Two convolutional networks, the five guidelines, and the rules of the game."""

    network: Literal["strided", "residual"] = Field(
        "strided",
        title="Networks",
        description="The book's two convolutions each, to which the guidelines belong; or "
        "residual ones without normalisation.",
    )
    codings: int = Field(
        100, ge=1, le=256, title="Codings", description="Random numbers that a picture is made of."
    )
    filters: int = Field(
        64,
        ge=8,
        le=256,
        title="Filters",
        description="Of the layer next to the picture; the one behind it has twice as many.",
        json_schema_extra={"options": [8, 16, 32, 64, 96, 128]},
    )
    scaling: Literal["strides", "pooling"] = Field(
        "strides",
        title="1 · Changing size by",
        description="Convolutions that step over two pixels, or pooling and upsampling.",
    )
    batch_norm: bool = Field(
        True,
        title="2 · Batch normalisation",
        description="Gives the generator's layers, over the batch, mean 0 and variance 1.",
    )
    hidden_layer: bool = Field(
        False,
        title="3 · Hidden dense layer",
        description="One in each network, which the guidelines advise against.",
    )
    drawing: Nonlinearity = Field(
        "selu",
        title="4 · The generator's activation",
        description="Of its hidden layers; the guidelines say ReLU, the book takes SELU.",
    )
    output: Literal["tanh", "sigmoid"] = Field(
        "tanh",
        title="4 · The generator's output",
        description="Tanh with pictures in [−1, 1], or sigmoid with pictures in [0, 1].",
    )
    seeing: Nonlinearity = Field(
        "leaky relu",
        title="5 · The discriminator's activation",
        description="Of its hidden layers; leaky ReLU lets a gradient through everywhere.",
    )
    dropout: float = Field(
        0.4,
        ge=0.0,
        le=0.9,
        title="Dropout",
        description="The share of the discriminator's activations that are set to zero.",
        json_schema_extra={"step": 0.05},
    )


BOOK = TrainConfig(
    optimizer="rmsprop",
    learning_rate=1e-3,
    batch_size=32,
    epochs=2,
    warmup=0.0,
    decay="none",
    ema=0.0,
)


class DCGAN(GAN):
    """The chapter's deep convolutional GAN, and one of today."""

    config_type = DCGANConfig
    presets = {
        "fast": Preset(
            DCGANConfig(
                network="residual",
                filters=16,
                drawing="leaky relu",
                loss="relativistic",
                r1=3.0,
                r2=3.0,
            ),
            TrainConfig(
                optimizer="adam",
                momentum=0.0,
                learning_rate=2e-3,
                batch_size=64,
                epochs=3,
                ema=0.995,
            ),
            "Residual networks without normalisation, paired pictures, and a D that is not steep.",
        ),
        "textbook": Preset(
            DCGANConfig(), BOOK, "The chapter's networks: the guidelines, but with SELU; RMSprop."
        ),
        "no batch normalisation": Preset(
            DCGANConfig(batch_norm=False), BOOK, "The same without the second guideline."
        ),
        "all guidelines broken": Preset(
            DCGANConfig(
                scaling="pooling",
                batch_norm=False,
                hidden_layer=True,
                drawing="tanh",
                output="sigmoid",
                seeing="relu",
            ),
            BOOK,
            "Pooling, no normalisation, hidden dense layers, and activations that saturate.",
        ),
    }

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

    def doubled(given: int, made: int) -> list[nn.Module]:
        if config.scaling == "strides":
            return [nn.ConvTranspose2d(given, made, 5, stride=2, padding=2, output_padding=1)]
        return [nn.Upsample(scale_factor=2), nn.Conv2d(given, made, 5, padding=2)]

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

    def halved(given: int, made: int) -> list[nn.Module]:
        if config.scaling == "strides":
            return [nn.Conv2d(given, made, 5, stride=2, padding=2)]
        return [nn.Conv2d(given, made, 5, padding=2), nn.AvgPool2d(2)]

    flat = 2 * filters * (height // 4) * (width // 4)
    hidden = 8 * filters if config.hidden_layer else flat
    dense = [nn.Linear(flat, hidden), kind()] if config.hidden_layer else []
    return nn.Sequential(
        *([CENTRED] if config.output == "tanh" else []),
        *(*halved(config.packing * channels, filters), kind(), Dropout(config.dropout)),
        *(*halved(filters, 2 * filters), kind(), Dropout(config.dropout)),
        *(nn.Flatten(), *dense, verdict(hidden, batchwise=config.minibatch_discrimination)),
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
        verdict(flat, batchwise=config.minibatch_discrimination),
    )
