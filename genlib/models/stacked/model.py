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

import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.family import Batch, Encodes, Family, Losses, Pictures, Preset, Shape, Shown, Stage
from genlib.nn import Activation, Tied, stack
from genlib.objectives import (
    RECONSTRUCTIONS,
    Reconstruction,
    entropy_floor,
    excess_cross_entropy,
)

Model = TypeVar("Model", bound="StackedAutoencoder")


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
    tied: bool = Field(
        False,
        title="Tied weights",
        description="The decoder uses the encoder's matrices, transposed: half the weights.",
    )
    layerwise: bool = Field(
        False,
        title="One layer at a time",
        description="First the outermost layers learn alone, then the next on their codings, "
        "at last all together.",
    )


class StackedAutoencoder(Family, Encodes):
    """The chapter's stacked autoencoder: by default 784-100-30-100-784."""

    config_type = StackedConfig
    baseline = "pca"
    presets = {
        "fast": Preset(
            StackedConfig(),
            TrainConfig(),
            "The textbook's network with Muon, large batches and averaged weights: seconds.",
        ),
        "textbook": Preset(
            StackedConfig(),
            textbook_recipe(20),
            "The chapter's own recipe: NAdam, batches of 32, 20 epochs.",
        ),
        "tied, one layer at a time": Preset(
            StackedConfig(tied=True, layerwise=True),
            TrainConfig(),
            "Half the weights, and each pair of layers learns before the next one begins.",
        ),
        "two codings": Preset(
            StackedConfig(codings=2, hidden=256, depth=2, activation="gelu"),
            TrainConfig(),
            "The codings of a picture are a point of the plane.",
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
        self.layers = len(sizes) - 1  # of the encoder, and as many of the decoder
        self.depth = self.layers  # how many of them are in use
        self.encoder = stack(sizes, config.activation)
        self.decoder: Tied | nn.Sequential = (
            Tied(self.encoder, config.activation)
            if config.tied
            else stack(sizes[::-1], config.activation)
        )

    def stages(self) -> tuple[Stage, ...]:
        """Return one phase, or one for each layer of the encoder and one for all together."""
        if not self.config.layerwise or self.layers == 1:
            return super().stages()
        share = 1 / (self.layers + 1)
        phases = [Stage(f"phase {number}", share) for number in range(1, self.layers + 1)]
        return (*phases, Stage("fine-tune", share))

    def in_stage(self: Model, stage: str, progress: float | Tensor) -> Model:
        """Return a view of the layers in use: in a phase of single layers, those up to its own."""
        view = copy.copy(self)
        view.depth = _phase(stage) or self.layers
        return view

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network, or the layers of a phase."""
        phase = _phase(stage)
        if not phase:
            return {"autoencoder": self}
        inner, mirrored = 2 * phase - 2, self.layers - phase
        outer = (
            nn.ParameterList([self.decoder.biases[mirrored]])
            if isinstance(self.decoder, Tied)
            else self.decoder[2 * mirrored]
        )
        return {"autoencoder": nn.ModuleList([self.encoder[inner], outer])}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the reconstruction loss; within a phase, that of the codings of the one before."""
        phase, x = _phase(batch.stage), batch.x
        if phase <= 1:
            view, loss = (
                self.in_stage(batch.stage, batch.progress),
                RECONSTRUCTIONS[self.config.loss],
            )
            yield "autoencoder", {self.config.loss: loss(view.logits(view.encode(x)), x)}
            return
        outer = 2 * phase - 2  # the layers before this phase's, which rest
        with torch.no_grad():
            before = self.encoder[:outer](x.flatten(1))
        z = self.encoder[outer : outer + 2](before)
        output = self._back(z, phase, phase - 1)
        yield "autoencoder", {"mse": F.mse_loss(output.float(), before.float())}

    def encode(self, x: Pictures) -> Float[Tensor, "batch codings"]:
        """Return the codings z = f(x)."""
        codings: Tensor = self.encoder[: 2 * self.depth](x.flatten(1))
        return codings

    def logits(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the decoder's output, before the sigmoid where the loss is cross-entropy."""
        return self._back(z, self.depth, 0).reshape(-1, *self.shape)

    def _back(self, z: Tensor, depth: int, to: int) -> Tensor:
        """Return the output of the encoder's layer `depth`, taken back to that of layer `to`."""
        if isinstance(self.decoder, Tied):
            return self.decoder(z, self.encoder, depth, to)  # type: ignore[no-any-return]
        return self.decoder[2 * (self.layers - depth) : 2 * (self.layers - to)](z)  # type: ignore[no-any-return]

    def decode(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures x̂ = g(z)."""
        logits = self.logits(z)
        return logits.sigmoid() if self.config.loss == "bce" else logits

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions of x."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error; with cross-entropy also its excess over the floor."""
        logits = self.logits(self.encode(x))
        if self.config.loss == "mse":
            return {"mse": F.mse_loss(logits, x)}
        return {
            "mse": F.mse_loss(logits.sigmoid(), x),
            "bce_excess": excess_cross_entropy(logits, x),
            "bce_floor": entropy_floor(x),
        }

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer."""
        config, pixels = self.config, self.shape[0] * self.shape[1] * self.shape[2]
        hidden = [("hidden", config.hidden)] * config.depth
        ends = ("picture", pixels), ("reconstruction", pixels)
        return [ends[0], *hidden, ("codings", config.codings), *hidden, ends[1]]


def _phase(stage: str) -> int:
    """Return which layer of the encoder, from 1, a stage trains alone; 0 where it trains all."""
    _, _, number = stage.partition("phase ")
    return int(number or 0)
