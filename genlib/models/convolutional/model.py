"""The networks and the training step of the convolutional autoencoder."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, Losses, Pictures, Shape, Shown
from genlib.models.convolutional.config import ConvolutionalConfig
from genlib.objectives import error_in_parts


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
