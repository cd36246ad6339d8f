r"""A linear autoencoder finds the plane in which its data lie: it is PCA, found by descent.

Three numbers in, two codings, three numbers out, and no nonlinearity anywhere: all that it can
say is a point of a plane, so it turns that plane until the points lie as near to it as they can.

$$z = W_e x + b_e, \qquad \hat x = W_d z + b_d, \qquad
\mathcal L = \frac 1 n \sum_{i=1}^{n} \lVert x_i - \hat x_i \rVert^2 / d$$

The loss has no local minima but its global ones, and at those the columns of $W_d$ span the
first principal components. The codings need not be the components themselves: any two
directions that span the plane serve as well, so PCA's axes are one choice among many.

How far apart are two planes? Take orthonormal bases $U$ and $V$: the singular values of
$U^\top V$ are the cosines of the **principal angles**. All are zero when the planes are the
same.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. P. Baldi, K. Hornik, *Neural
networks and principal component analysis*, Neural Networks 2 (1989). Å. Björck, G. Golub,
*Numerical methods for computing angles between linear subspaces*, Math. Comp. 27 (1973).
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig
from genlib.family import Batch, Encodes, Family, Losses, Pictures, Preset, Shape, Shown


class LinearConfig(Config):
    """One dense layer in, one out."""

    codings: int = Field(
        2,
        ge=1,
        le=128,
        title="Codings",
        description="The dimensions of the plane; 2 of the 3 of a point in space.",
    )


class LinearAutoencoder(Family, Encodes):
    """The chapter's linear autoencoder: by default 3-2-3, on points in space."""

    config_type = LinearConfig
    learns = ("points", "pictures")
    baseline = "pca"
    presets = {
        "ellipse": Preset(
            LinearConfig(),
            TrainConfig(
                optimizer="nadam",
                learning_rate=0.03,
                batch_size=64,
                epochs=1000,
                warmup=0.0,
                ema=0.0,
            ),
            "60 noisy points of an ellipse in space; NAdam turns the plane into PCA's.",
            "ellipse",
        ),
        "textbook": Preset(
            LinearConfig(),
            TrainConfig(
                optimizer="sgd",
                learning_rate=0.1,
                batch_size=32,
                epochs=500,
                warmup=0.0,
                decay="none",
                ema=0.0,
            ),
            "The chapter's own recipe: plain gradient descent, 500 epochs.",
            "ellipse",
        ),
        "pictures": Preset(
            LinearConfig(codings=30),
            TrainConfig(learning_rate=0.03, epochs=12),
            "Pictures through 30 codings: as good as PCA with 30 components, never better.",
        ),
        "break it": Preset(
            LinearConfig(codings=1),
            TrainConfig(
                optimizer="nadam",
                learning_rate=0.03,
                batch_size=64,
                epochs=300,
                warmup=0.0,
                ema=0.0,
            ),
            "One coding for an ellipse: a plane cannot be said with one number.",
            "ellipse",
        ),
    }

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
