"""The two linear maps of the linear autoencoder, and its training step."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, Losses, Pictures, Shape, Shown
from genlib.models.linear.config import LinearConfig


class LinearAutoencoder(Family, Encodes):
    """The chapter's linear autoencoder: by default 3-2-3, on points in space."""

    def __init__(self, config: LinearConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        values = shape[0] * shape[1] * shape[2]
        self.encoder = nn.Linear(values, config.codings)
        self.decoder = nn.Linear(config.codings, values)

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"autoencoder": self}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the mean squared error."""
        x = batch.x
        yield "autoencoder", {"mse": F.mse_loss(self.reconstruct(x).float(), x)}

    def encode(self, x: Pictures) -> Float[Tensor, "batch codings"]:
        """Return the codings, coordinates in the plane."""
        codings: Tensor = self.encoder(x.flatten(1))
        return codings

    def decode(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the points of the plane that have those coordinates."""
        output: Tensor = self.decoder(z)
        return output.reshape(-1, *self.shape)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions of x."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error."""
        return {"mse": F.mse_loss(self.reconstruct(x), x)}

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer."""
        values = self.shape[0] * self.shape[1] * self.shape[2]
        return [("input", values), ("codings", self.encoder.out_features), ("output", values)]
