r"""A convolutional autoencoder looks at patches, so that a shape means the same wherever it lies.

Each layer of the encoder slides small filters over the picture and pools the answers: fewer
positions, more kinds of features, until a few codings $z$ say it all; the decoder's *transposed*
convolutions paint the picture back, from coarse to fine.

$$h_{k} = \mathrm{pool}\bigl(\mathrm{ReLU}(W_k * h_{k-1} + b_k)\bigr), \qquad
\mathcal L = \frac 1 n \sum_{i=1}^{n} (x_i - \hat x_i)^2$$

A convolution (∗) uses the same few weights at every place: far fewer than a dense layer has, and
more work for each. Two ways lead to the codings. **Global average pooling** keeps how much of
each feature there is, and forgets where; a **dense** layer on the flattened maps may keep both.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. J. Masci, U. Meier, D. Cireşan,
J. Schmidhuber, *Stacked convolutional auto-encoders for hierarchical feature extraction*, ICANN
(2011). M. Lin, Q. Chen, S. Yan, *Network in network*, ICLR (2014), for global average pooling.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.family import Batch, Encodes, Family, Losses, Pictures, Preset, Shape, Shown
from genlib.objectives import error_in_parts

Bottleneck = Literal["average", "flatten"]


class ConvolutionalConfig(Config):
    """Three convolutions with pooling down to the codings, three transposed ones back."""

    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="How many numbers a picture must pass through.",
    )
    bottleneck: Bottleneck = Field(
        "average",
        title="Bottleneck",
        description="Average forgets where a feature was; flatten gives every place its weight.",
    )
    filters: int = Field(
        16,
        ge=4,
        le=64,
        title="Filters",
        description="Kinds of features of the first layer; the next two have two and four times "
        "as many.",
        json_schema_extra={"options": [4, 8, 16, 32, 64]},
    )


def _halved(side: int) -> list[int]:
    """Return the side of the picture before and after each of three poolings."""
    return [side, side // 2, side // 4, side // 8]


def _up(fan_in: int, fan_out: int, height: tuple[int, int], width: tuple[int, int]) -> nn.Module:
    """Return a transposed convolution of stride 2 between two sizes: 3 → 7, or 7 → 14."""
    odd = height[1] % 2, width[1] % 2
    padding, extra = (1 - odd[0], 1 - odd[1]), (1 - odd[0], 1 - odd[1])
    return nn.ConvTranspose2d(fan_in, fan_out, 3, stride=2, padding=padding, output_padding=extra)


class ConvolutionalAutoencoder(Family, Encodes):
    """The chapter's convolutional autoencoder: filters 16-32-64, 30 codings, and back."""

    config_type = ConvolutionalConfig
    baseline = "pca"
    presets = {
        "fast": Preset(
            ConvolutionalConfig(bottleneck="flatten"),
            TrainConfig(batch_size=256, epochs=3),
            "Muon on the filters too, large batches, averaged weights, and codings that may "
            "keep the place.",
        ),
        "textbook": Preset(
            ConvolutionalConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: global average pooling, NAdam, batches of 32, 10 epochs.",
        ),
        "break it": Preset(
            ConvolutionalConfig(codings=4),
            TrainConfig(batch_size=256, epochs=2),
            "Four averages: how much of four features there is, and not where.",
        ),
    }

    def __init__(self, config: ConvolutionalConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        channels, height, width = shape
        heights, widths = _halved(height), _halved(width)
        kinds = [channels, config.filters, 2 * config.filters, 4 * config.filters]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(kinds):
            layers += [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.convolutions = nn.Sequential(*layers)
        smallest = heights[-1] * widths[-1]
        self.bottleneck = (
            nn.Sequential(
                nn.Conv2d(kinds[-1], config.codings, 3, padding=1),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            )
            if config.bottleneck == "average"
            else nn.Sequential(nn.Flatten(), nn.Linear(kinds[-1] * smallest, config.codings))
        )
        self.spread = nn.Sequential(
            nn.Linear(config.codings, config.filters * smallest),
            nn.Unflatten(1, (config.filters, heights[-1], widths[-1])),
        )
        back = [config.filters, 2 * config.filters, config.filters, channels]
        steps = [3, 2, 1]
        layers = []
        for index, step in enumerate(steps):
            rows, columns = (heights[step], heights[step - 1]), (widths[step], widths[step - 1])
            layers += [_up(back[index], back[index + 1], rows, columns), nn.ReLU()]
        self.painting = nn.Sequential(*layers[:-1])

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"autoencoder": self}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the mean squared error."""
        x = batch.x
        yield "autoencoder", {"mse": F.mse_loss(self.reconstruct(x).float(), x)}

    def encode(self, x: Pictures) -> Float[Tensor, "batch codings"]:
        """Return the codings z = f(x)."""
        codings: Tensor = self.bottleneck(self.convolutions(x))
        return codings

    def decode(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures x̂ = g(z)."""
        pictures: Tensor = self.painting(self.spread(z))
        return pictures

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions of x."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error, a thousand pictures at a time."""
        return {"mse": error_in_parts(self.reconstruct, x, x)}

    def feature_maps(
        self, x: Float[Tensor, "1 channels height width"]
    ) -> list[tuple[str, Float[Tensor, "maps rows columns"]]]:
        """Return (name, maps) after each layer that makes maps, of one picture, in order."""
        maps, h = [("picture", x[0])], x
        for layer in self.convolutions:
            h = layer(h)
            if isinstance(layer, nn.MaxPool2d):
                maps.append((f"conv {len(maps)}", h[0]))
        h = self.spread(self.bottleneck(h))
        maps.append(("dense", h[0]))
        count = len(maps)
        for index, layer in enumerate(self.painting):
            h = layer(h)
            if isinstance(layer, nn.ReLU):
                maps.append((f"up {len(maps) - count + 1}", h[0]))
            elif index == len(self.painting) - 1:
                maps.append(("output", h[0]))
        return maps

    @torch.no_grad()
    def sizes(self) -> list[tuple[str, int]]:
        """Return the values after each layer."""
        blank = next(self.parameters()).new_zeros(1, *self.shape)
        sizes = [(name, maps.numel()) for name, maps in self.feature_maps(blank)]
        codings = self.encode(blank).shape[1]
        return [*sizes[:4], ("codings", codings), *sizes[4:]]
