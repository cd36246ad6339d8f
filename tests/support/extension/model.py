"""The toy's one layer."""

from collections.abc import Iterator
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, Losses, Pictures, Shape, Shown
from genlib.models.toy.config import ToyConfig


class Toy(Family, Encodes):
    """A picture that is as bright as the one that is given."""

    def __init__(self, config: ToyConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.power = config.power
        self.decoder = nn.Linear(1, prod(shape))

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the decoder."""
        return {"decoder": self.decoder}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the mean squared error."""
        yield "decoder", {"mse": F.mse_loss(self.reconstruct(batch.x).float(), batch.x)}

    def encode(self, x: Pictures) -> Float[Tensor, "batch codings"]:
        """Return the mean grey level to the power."""
        brightness: Tensor = x.flatten(1).mean(1, keepdim=True) ** self.power
        return brightness

    def decode(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the one picture in that brightness."""
        picture: Tensor = self.decoder(z).sigmoid()
        return picture.view(-1, *self.shape)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error."""
        return {"mse": F.mse_loss(self.reconstruct(x), x)}

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of a picture, its coding, and a picture again."""
        return [("picture", prod(self.shape)), ("coding", 1), ("picture", prod(self.shape))]
