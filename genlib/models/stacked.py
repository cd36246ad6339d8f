r"""An autoencoder learns to copy its input to its output through a narrow middle.

The *encoder* turns a picture $x$ into a few numbers, its **codings** $z = f(x)$; the *decoder*
turns them back into a picture $\hat x = g(z)$. Nobody says what the codings should mean: the
network finds whatever description of a picture loses least.

$$\mathcal L = \frac 1 n \sum_{i=1}^{n} (x_i - \hat x_i)^2, \qquad \hat x = g(f(x))$$

With linear layers and this loss, the best codings span the same space as the first principal
components (PCA). Layers with a nonlinearity between them bend that space to follow the data,
so the same number of codings keeps more of each picture. That is why PCA with equally many
codings is the line to beat.

With the **cross-entropy** loss each grey level is taken for a probability. A perfect copy then
still costs the entropy of the pixels, so look at what is above that floor.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. G. Hinton, R. Salakhutdinov,
*Reducing the dimensionality of data with neural networks*, Science 313 (2006). P. Baldi,
K. Hornik, *Neural networks and principal component analysis*, Neural Networks 2 (1989).
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig
from genlib.family import Encodes, Family, Losses, Pictures, Preset, Shape
from genlib.objectives import RECONSTRUCTIONS, Reconstruction, cross_entropy, entropy_floor

Activation = Literal["relu", "selu", "gelu"]
ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
}


class StackedConfig(Config):
    """A stack of dense layers, mirrored around the codings."""

    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="How many numbers a picture must pass through.",
    )
    hidden: int = Field(
        100,
        ge=8,
        le=1024,
        title="Hidden units",
        description="Units of each hidden layer, in the encoder and in the decoder.",
        json_schema_extra={"options": [16, 32, 64, 100, 128, 256, 512, 1024]},
    )
    depth: int = Field(
        1,
        ge=0,
        le=3,
        title="Hidden layers",
        description="Hidden layers on each side; with none the autoencoder is linear, like PCA.",
    )
    activation: Activation = Field(
        "relu", title="Activation", description="The nonlinearity after each hidden layer."
    )
    loss: Reconstruction = Field(
        "mse",
        title="Loss",
        description="Squared error, or cross-entropy with each grey level as a probability.",
    )


def _stack(sizes: list[int], activation: Activation) -> nn.Sequential:
    """Dense layers through `sizes`, the activation between them but not after the last."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


class StackedAutoencoder(Family, Encodes):
    """The chapter's stacked autoencoder: by default 784-100-30-100-784."""

    config_type = StackedConfig
    presets = {
        "fast": Preset(
            StackedConfig(),
            TrainConfig(),
            "The textbook's network with Muon, large batches and averaged weights: seconds.",
        ),
        "textbook": Preset(
            StackedConfig(),
            TrainConfig(
                optimizer="nadam",
                learning_rate=1e-3,
                batch_size=32,
                epochs=20,
                warmup=0.0,
                decay="none",
                ema=0.0,
            ),
            "The chapter's own recipe: NAdam, batches of 32, 20 epochs.",
        ),
        "break it": Preset(
            StackedConfig(codings=1, hidden=256, depth=2),
            TrainConfig(batch_size=16, epochs=1000, pictures=16),
            "One coding, a large network, 16 pictures: it learns those by heart, no other.",
        ),
    }

    def __init__(self, config: StackedConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.config = config
        pixels = shape[0] * shape[1] * shape[2]
        sizes = [pixels, *[config.hidden] * config.depth, config.codings]
        self.encoder = _stack(sizes, config.activation)
        self.decoder = _stack(sizes[::-1], config.activation)

    def players(self) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"autoencoder": self}

    def updates(self, x: Pictures, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the reconstruction loss."""
        loss = RECONSTRUCTIONS[self.config.loss]
        yield "autoencoder", {self.config.loss: loss(self.logits(self.encode(x)), x)}

    def encode(self, x: Pictures) -> Float[Tensor, "batch codings"]:
        """Return the codings z = f(x)."""
        codings: Tensor = self.encoder(x.flatten(1))
        return codings

    def logits(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the decoder's output, before the sigmoid where the loss is cross-entropy."""
        output: Tensor = self.decoder(z)
        return output.reshape(-1, *self.shape)

    def decode(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures x̂ = g(z)."""
        logits = self.logits(z)
        return logits.sigmoid() if self.config.loss == "bce" else logits

    def preview(self, x: Pictures, rng: torch.Generator) -> Pictures:
        """Return the reconstructions of x."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error; with cross-entropy also its excess over the floor."""
        logits = self.logits(self.encode(x))
        if self.config.loss == "mse":
            return {"mse": F.mse_loss(logits, x)}
        excess = cross_entropy(logits, x) - entropy_floor(x)
        return {"mse": F.mse_loss(logits.sigmoid(), x), "bce_excess": excess}

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer."""
        config, pixels = self.config, self.shape[0] * self.shape[1] * self.shape[2]
        hidden = [("hidden", config.hidden)] * config.depth
        ends = ("picture", pixels), ("reconstruction", pixels)
        return [ends[0], *hidden, ("codings", config.codings), *hidden, ends[1]]
