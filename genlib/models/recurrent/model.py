r"""A recurrent autoencoder reads a picture as a sequence: one row after the other, top to bottom.

An LSTM keeps a *state* and changes it at each row $x_t$; what it holds after the last row are the
codings. The decoder is given those codings again at every step and writes the rows one by one.

$$h_t = \mathrm{LSTM}(x_t, h_{t-1}), \quad z = h_T, \qquad
s_t = \mathrm{LSTM}(z, s_{t-1}), \quad \hat x_t = W s_t + b$$

At each row the LSTM's gates, numbers between 0 and 1, decide what to forget, what to add and
what to show: $c_t = f_t \odot c_{t-1} + i_t \odot g_t$ and $h_t = o_t \odot \tanh c_t$. The same
weights serve every row, so the network takes pictures of any number of rows. The rows must be
read one after the other: that is why it trains more slowly than all others here.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. S. Hochreiter, J. Schmidhuber,
*Long short-term memory*, Neural Computation 9 (1997). N. Srivastava, E. Mansimov,
R. Salakhutdinov, *Unsupervised learning of video representations using LSTMs*, ICML (2015).
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.family import Batch, Encodes, Family, Losses, Pictures, Preset, Shape, Shown
from genlib.objectives import error_in_parts


class RecurrentConfig(Config):
    """Two LSTMs to the codings, one back."""

    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="How many numbers a picture must pass through: the last state.",
    )
    hidden: int = Field(
        100,
        ge=8,
        le=256,
        title="Hidden units",
        description="Units of the first LSTM and of the one that writes the rows.",
        json_schema_extra={"options": [16, 32, 64, 100, 128, 256]},
    )


class RecurrentAutoencoder(Family, Encodes):
    """The chapter's recurrent autoencoder: LSTMs 100-30, the codings repeated, LSTM 100."""

    config_type = RecurrentConfig
    baseline = "pca"
    presets = {
        "fast": Preset(
            RecurrentConfig(),
            TrainConfig(batch_size=128, epochs=3, learning_rate=0.03),
            "The textbook's network with Muon on the gates, large batches, averaged weights.",
        ),
        "textbook": Preset(
            RecurrentConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: NAdam, batches of 32, 10 epochs.",
        ),
        "break it": Preset(
            RecurrentConfig(codings=2),
            TrainConfig(batch_size=128, epochs=1, learning_rate=0.03),
            "A state of two numbers: what it reads last pushes out what it read first.",
        ),
    }

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
        states: Tensor = self.summary(self.reader(rows)[0])[0]
        return states

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
        output: Tensor = self.pixels(self.writer(repeated)[0])
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
