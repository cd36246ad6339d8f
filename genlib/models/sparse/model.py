r"""A sparse autoencoder has many codings, of which each picture may use only a few.

There is no narrow middle: 300 sigmoid units could copy almost anything. Instead each unit that is
active costs something, so units stay silent until they are worth it, and each comes to stand for
something of its own.

$$\mathcal L = \frac 1 n \sum_{i=1}^{n} (x_i - \hat x_i)^2 + \lambda \sum_{j} \Omega_j, \qquad
\Omega_j = \lvert a_j \rvert \quad\text{or}\quad
\Omega_j = p \ln \frac{p}{q_j} + (1 - p) \ln \frac{1 - p}{1 - q_j}$$

The **ℓ₁** penalty is the mean of the activation $a_j$ over the batch: it pushes every unit towards
silence with the same force, however silent it is. The **KL** penalty compares each unit's mean
activation $q_j$ over the batch with a target $p$: it costs nothing at the target, and soars as
the unit leaves it, much faster than an absolute or a squared difference would. That is the
Kullback–Leibler divergence of two coins.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. A. Ng, *Sparse autoencoder*,
CS294A lecture notes, Stanford (2011). H. Lee, C. Ekanadham, A. Ng, *Sparse deep belief net model
for visual area V2*, NIPS (2007).
"""

import math
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.family import Batch, Encodes, Family, Losses, Pictures, Preset, Shape, Shown
from genlib.nn import stack
from genlib.objectives import bernoulli_kl

Penalty = Literal["kl", "l1"]
Activations = Float[Tensor, "batch codings"]


class SparseConfig(Config):
    """A wide layer of codings, and what an active one costs."""

    penalty: Penalty = Field(
        "kl",
        title="Penalty",
        description="KL pulls each unit's mean activation to the target, L1 all towards zero.",
    )
    weight: float = Field(
        5e-3,
        ge=0.0,
        le=10.0,
        title="Penalty weight",
        description="How much sparsity counts beside the reconstruction; 0 is none.",
        json_schema_extra={"options": [0.0, 1e-5, 1e-4, 1e-3, 5e-3, 0.05, 0.5, 10.0]},
    )
    target: float = Field(
        0.1,
        ge=0.01,
        le=0.5,
        title="Target activation",
        description="The share of time that a unit should be active; for the KL penalty.",
        json_schema_extra={"step": 0.01},
    )
    codings: int = Field(
        300,
        ge=10,
        le=500,
        title="Codings",
        description="Sigmoid units in the middle; many, as only a few may be active.",
        json_schema_extra={"step": 10},
    )
    hidden: int = Field(
        100,
        ge=8,
        le=512,
        title="Hidden units",
        description="Units of the dense layer before the codings and of the one after them.",
        json_schema_extra={"options": [16, 32, 64, 100, 128, 200, 256, 512]},
    )


def l1(activations: Activations, target: float) -> Float[Tensor, ""]:
    """Return Σ_j |a_j|, the mean over the batch; it knows no target."""
    return activations.abs().sum(1).mean()


def kl(activations: Activations, target: float) -> Float[Tensor, ""]:
    """Return Σ_j KL(p ‖ q_j) with q_j the mean activation of unit j over the batch."""
    return bernoulli_kl(target, activations.mean(0)).sum()


PENALTIES: dict[Penalty, Callable[[Activations, float], Float[Tensor, ""]]] = {"l1": l1, "kl": kl}


class SparseAutoencoder(Family, Encodes):
    """The chapter's sparse autoencoder: 784-100-300-100-784 with sigmoid codings."""

    config_type = SparseConfig
    presets = {
        "fast": Preset(
            SparseConfig(),
            TrainConfig(batch_size=256, learning_rate=0.006, epochs=12),
            "The KL penalty with a target of 10 %; Muon and large batches.",
        ),
        "L1": Preset(
            SparseConfig(penalty="l1", weight=1e-4, hidden=200),
            TrainConfig(batch_size=256, learning_rate=0.006, epochs=8),
            "The L1 penalty: most units fall silent for almost every picture.",
        ),
        "textbook": Preset(
            SparseConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: KL, NAdam, batches of 32, 10 epochs.",
        ),
        "break it": Preset(
            SparseConfig(penalty="l1", weight=0.05),
            TrainConfig(epochs=3),
            "A penalty so heavy that no unit is worth its cost: all die, one grey shirt is left.",
        ),
    }

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
