"""The network, the penalties and the training step of the sparse autoencoder."""

import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, Losses, Pictures, Shape, Shown
from genlib.models.sparse.config import Penalty, SparseConfig
from genlib.nn import stack
from genlib.objectives import bernoulli_kl

Activations = Float[Tensor, "batch codings"]


def l1(activations: Activations, target: float) -> Float[Tensor, ""]:
    """Return Σ_j |a_j|, the mean over the batch; it knows no target."""
    return activations.abs().sum(1).mean()


def kl(activations: Activations, target: float) -> Float[Tensor, ""]:
    """Return Σ_j KL(p ‖ q_j) with q_j the mean activation of unit j over the batch."""
    return bernoulli_kl(target, activations.mean(0)).sum()


PENALTIES: dict[Penalty, Callable[[Activations, float], Float[Tensor, ""]]] = {"l1": l1, "kl": kl}


class SparseAutoencoder(Family, Encodes):
    """The chapter's sparse autoencoder: 784-100-300-100-784 with sigmoid codings."""

    def __init__(self, config: SparseConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.config = config
        pixels = shape[0] * shape[1] * shape[2]
        sizes = [pixels, config.hidden, config.codings]
        dense = stack(sizes, "relu")
        with torch.no_grad():  # units begin at their target
            dense[-1].bias.fill_(math.log(config.target / (1 - config.target)))  # type: ignore[operator]
        self.encoder = nn.Sequential(*dense, nn.Sigmoid())
        self.decoder = stack(sizes[::-1], "relu")

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"autoencoder": self}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the mean squared error and the penalty on the activations."""
        activations = self.encode(batch.x).float()
        penalty = PENALTIES[self.config.penalty](activations, self.config.target)
        yield (
            "autoencoder",
            {
                "mse": F.mse_loss(self.decode(activations).float(), batch.x),
                "penalty": self.config.weight * penalty,
            },
        )

    def encode(self, x: Pictures) -> Activations:
        """Return the activations of the sigmoid units, in [0, 1]."""
        activations: Tensor = self.encoder(x.flatten(1))
        return activations

    def decode(self, z: Activations) -> Pictures:
        """Return the pictures x̂ = g(z)."""
        output: Tensor = self.decoder(z)
        return output.reshape(-1, *self.shape)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions of x."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error, and the mean activation of all units."""
        activations = self.encode(x)
        return {
            "mse": F.mse_loss(self.decode(activations), x),
            "mean_activation": activations.mean(),
        }

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer."""
        config, pixels = self.config, self.shape[0] * self.shape[1] * self.shape[2]
        hidden = ("hidden", config.hidden)
        ends = ("picture", pixels), ("reconstruction", pixels)
        return [ends[0], hidden, ("codings", config.codings), hidden, ends[1]]
