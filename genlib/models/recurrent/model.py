"""The LSTMs and the training step of the recurrent autoencoder."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, Losses, Pictures, Shape, Shown
from genlib.models.recurrent.config import RecurrentConfig
from genlib.objectives import error_in_parts


class RecurrentAutoencoder(Family, Encodes):
    """The chapter's recurrent autoencoder: LSTMs 100-30, the codings repeated, LSTM 100."""

    def __init__(self, config: RecurrentConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.config = config
        row = shape[0] * shape[2]
        self.reader = nn.LSTM(row, config.hidden, batch_first=True)
        self.summary = nn.LSTM(config.hidden, config.codings, batch_first=True)
        self.writer = nn.LSTM(config.codings, config.hidden, batch_first=True)
        self.pixels = nn.Linear(config.hidden, row)

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"autoencoder": self}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the mean squared error."""
        x = batch.x
        yield "autoencoder", {"mse": F.mse_loss(self.reconstruct(x).float(), x)}

    def states(
        self, x: Float[Tensor, "batch channels rows width"]
    ) -> Float[Tensor, "batch rows codings"]:
        """Return the codings as they are after each row; there may be any number of rows."""
        rows = x.transpose(1, 2).flatten(2)
        return outputs(self.summary, outputs(self.reader, rows))

    def encode(
        self, x: Float[Tensor, "batch channels rows width"]
    ) -> Float[Tensor, "batch codings"]:
        """Return the codings, the state after the last row."""
        return self.states(x)[:, -1]

    def decode(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures that the codings say, in as many rows as they are trained on."""
        return self.write(z, self.shape[1])

    def write(
        self, z: Float[Tensor, "batch codings"], rows: int
    ) -> Float[Tensor, "batch channels rows width"]:
        """Return pictures of any number of rows, written one after the other from codings."""
        repeated = z[:, None].expand(-1, rows, -1)
        output: Tensor = self.pixels(outputs(self.writer, repeated))
        return output.view(len(z), rows, self.shape[0], self.shape[2]).transpose(1, 2)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions of x."""
        return self.reconstruct(x)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error, a thousand pictures at a time."""
        return {"mse": error_in_parts(self.reconstruct, x, x)}

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of each layer, over all rows where it has some for each."""
        config, pixels = self.config, self.shape[0] * self.shape[1] * self.shape[2]
        rows = self.shape[1]
        return [
            ("picture", pixels),
            ("LSTM", rows * config.hidden),
            ("codings", config.codings),
            ("LSTM", rows * config.hidden),
            ("reconstruction", pixels),
        ]


def outputs(
    lstm: nn.LSTM, x: Float[Tensor, "batch rows width"]
) -> Float[Tensor, "batch rows units"]:
    """Return what an LSTM says after each row; in float32 on a CPU, where few know bfloat16."""
    if not torch.is_autocast_enabled("cpu"):
        states: Tensor = lstm(x)[0]
        return states
    with torch.autocast("cpu", enabled=False):
        return outputs(lstm, x.float())
