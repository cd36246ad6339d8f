"""The dense layers and the training step of the stacked autoencoder."""

import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, Losses, Pictures, Shape, Shown, Stage
from genlib.models.stacked.config import StackedConfig
from genlib.nn import Tied, stack
from genlib.objectives import RECONSTRUCTIONS, entropy_floor, excess_cross_entropy

Model = TypeVar("Model", bound="StackedAutoencoder")


class StackedAutoencoder(Family, Encodes):
    """The chapter's stacked autoencoder: by default 784-100-30-100-784."""

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
