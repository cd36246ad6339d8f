r"""A variational autoencoder gives every picture a cloud of codings instead of one point.

The encoder says where the cloud is, $\mu$, and how wide, $\sigma$; the decoder gets a point drawn
from it. The clouds may not be far from one another: each is pulled towards the same standard
normal distribution, so that codings drawn from that one decode to new pictures.

$$z = \mu + \sigma \odot \varepsilon, \qquad \varepsilon \sim \mathcal N(0, I), \qquad
\gamma = \ln \sigma^2$$

$$\mathcal L = \underbrace{-\ln p(x \mid z)}_{\text{distortion}} + \beta\,
\underbrace{D_{\mathrm{KL}}\bigl(q(z \mid x) \,\|\, \mathcal N(0, I)\bigr)}_{\text{rate}}, \qquad
D_{\mathrm{KL}} = -\tfrac 1 2 \sum_{k} \bigl(1 + \gamma_k - e^{\gamma_k} - \mu_k^2\bigr)$$

The **reparameterisation** is the first line: the randomness stands outside, in $\varepsilon$, so
the gradient reaches $\mu$ and $\sigma$. With $\beta = 1$, $-\mathcal L$ is the **evidence lower
bound** (ELBO): never more than $\ln p(x)$. A smaller $\beta$ buys sharper pictures with more
information in the codings; a larger one does the opposite, up to **posterior collapse**, where
every cloud is the standard normal one and the codings say nothing.

Squared error is the distortion of pixels that are normal with variance ½, cross-entropy that of
pixels that are black or white. The book divides the sum by the number of pixels, 784: the same
minimum, in other units.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. D. Kingma, M. Welling,
*Auto-encoding variational Bayes*, ICLR (2014). D. Rezende, S. Mohamed, D. Wierstra, *Stochastic
backpropagation*, ICML (2014). I. Higgins et al., *beta-VAE*, ICLR (2017). A. Alemi et al.,
*Fixing a broken ELBO*, ICML (2018), for rate and distortion.
"""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field, JsonValue
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.family import Batch, Encodes, Family, Generates, Losses, Pictures, Preset, Shape, Shown
from genlib.nn import ACTIVATIONS, Activation, doubling, halved_twice, halving, stack
from genlib.objectives import gaussian_kl
from genlib.rng import generator

BETAS: list[JsonValue] = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 1.3, 2.0, 4.0, 10.0, 30.0, 100.0]
Loss = Literal["mse", "bce", "binary"]
Codings = Float[Tensor, "batch codings"]
COLLAPSED = 0.01  # nats: a coding whose rate is less says nothing


class VAEConfig(Config):
    """How a picture becomes a cloud of codings, and what the cloud costs."""

    codings: int = Field(
        10,
        ge=1,
        le=64,
        title="Codings",
        description="Dimensions of the latent space; the loss decides how many of them are used.",
    )
    beta: float = Field(
        1.0,
        ge=0.0,
        le=300.0,
        title="β",
        description="What a nat of information in the codings costs. 0 is a plain autoencoder, "
        "a large one lets the codings say nothing.",
        json_schema_extra={"options": BETAS},
    )
    loss: Loss = Field(
        "mse",
        title="Loss",
        description="Squared error; cross-entropy with each grey level as a probability; or that "
        "of pixels drawn black or white, anew at each step.",
    )
    scaling: Literal["pixel", "picture"] = Field(
        "pixel",
        title="Loss per",
        description="Per pixel, as the book has it, or the honest sum: nats per picture. The "
        "minimum is the same, the size of the gradient is not.",
    )
    network: Literal["dense", "convolutional"] = Field(
        "dense",
        title="Network",
        description="Dense layers alone, or two convolutions before them and two after.",
    )
    hidden: int = Field(
        150,
        ge=8,
        le=1024,
        title="Hidden units",
        description="Units of the first dense layer; the second has two thirds as many.",
        json_schema_extra={"options": [16, 32, 64, 150, 300, 512, 768, 1024]},
    )
    activation: Activation = Field(
        "relu", title="Activation", description="The nonlinearity after each hidden layer."
    )


class Posterior(NamedTuple):
    """The clouds of codings of pictures: normal, each coding by itself."""

    mean: Codings
    log_variance: Codings

    @property
    def deviation(self) -> Codings:
        """The standard deviations σ."""
        return (self.log_variance / 2).exp()

    def draw(self, eps: Float[Tensor, "*_ batch codings"]) -> Float[Tensor, "*_ batch codings"]:
        """Return z = μ + σ ε: codings, from draws of the standard normal distribution."""
        return self.mean + self.deviation * eps


class VariationalAutoencoder(Family, Encodes, Generates):
    """The chapter's variational autoencoder: 784-150-100 to 10 codings, and back."""

    config_type = VAEConfig
    baseline = "pca"
    shows = ("reconstruction", "new sample from the prior")
    presets = {
        "fast": Preset(
            VAEConfig(),
            TrainConfig(),
            "The textbook's network with Muon, large batches and averaged weights: seconds.",
        ),
        "textbook": Preset(
            VAEConfig(),
            textbook_recipe(25),
            "The chapter's own recipe: NAdam, batches of 32, 25 epochs.",
        ),
        "sharper": Preset(
            VAEConfig(hidden=300, activation="gelu", beta=1.3),
            TrainConfig(epochs=20),
            "Wider, smoother layers: a smaller error than the book's, with fewer nats for it.",
        ),
        "two-code map": Preset(
            VAEConfig(codings=2, hidden=300),
            TrainConfig(epochs=12),
            "Two codings: the whole latent space is a map that you can point at.",
        ),
        "convolutional": Preset(
            VAEConfig(network="convolutional", hidden=300),
            TrainConfig(epochs=5),
            "Filters before and after the dense layers.",
        ),
        "binary pixels": Preset(
            VAEConfig(
                codings=40,
                loss="binary",
                network="convolutional",
                hidden=300,
                activation="gelu",
            ),
            TrainConfig(epochs=30, ema=0.995),
            "A true likelihood, which can be compared with published figures.",
        ),
        "collapse": Preset(
            VAEConfig(beta=100.0),
            TrainConfig(epochs=3),
            "Information is so dear that the codings say nothing: one picture for all.",
        ),
        "holes": Preset(
            VAEConfig(beta=0.0),
            TrainConfig(),
            "Nothing pulls the clouds together: good copies, and no way to draw new pictures.",
        ),
    }

    def __init__(self, config: VAEConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.config, self.codings = config, config.codings
        narrow = config.hidden * 2 // 3
        flat, kind = config.network == "dense", config.activation
        wide = math.prod(shape if flat else halved_twice(shape))
        self.encoder = nn.Sequential(
            nn.Flatten() if flat else halving(shape, kind),
            *(stack([wide, config.hidden, narrow], kind), ACTIVATIONS[kind]()),
        )
        self.mean, self.log_variance = (nn.Linear(narrow, config.codings) for _ in range(2))
        dense = stack([config.codings, narrow, config.hidden, wide], kind)
        self.decoder = dense if flat else nn.Sequential(dense, doubling(shape, kind))

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"autoencoder": self}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the distortion of a draw from each picture's cloud, and β times the rate."""
        x = self.seen(batch.x, rng)
        posterior = self.posterior(x)
        z = posterior.draw(torch.randn(posterior.mean.shape, generator=rng, device=x.device))
        distortion = -self.log_likelihood(x, z).mean()
        rate = gaussian_kl(*posterior).sum(1).mean()
        unit = x[0].numel() if self.config.scaling == "pixel" else 1
        yield (
            "autoencoder",
            {
                self.config.loss: distortion / unit,
                "kl": self.config.beta * rate / unit,
            },
        )

    def seen(self, x: Pictures, rng: torch.Generator) -> Pictures:
        """Return what it learns of pictures: for the loss "binary", each pixel black or white."""
        return torch.bernoulli(x, generator=rng) if self.config.loss == "binary" else x

    def posterior(self, x: Pictures) -> Posterior:
        """Return q(z | x), the clouds of pictures."""
        h = self.encoder(x)
        return Posterior(self.mean(h).float(), self.log_variance(h).float())

    def log_likelihood(
        self, x: Pictures, z: Float[Tensor, "*draws batch codings"]
    ) -> Float[Tensor, "*draws batch"]:
        """Return ln p(x | z) in nats, for each picture and each of its draws.

        For "mse" it is the density of pixels with variance ½, but for its constant −(n/2) ln π;
        for "bce" the cross-entropy is counted from its floor, the entropy of the grey levels.
        """
        logits = self.logits(z.flatten(0, -2)).float().view(*z.shape[:-1], *x.shape[1:])
        if self.config.loss == "mse":
            return -(x - logits).square().flatten(-3).sum(-1)
        entropy = torch.special.entr(x) + torch.special.entr(1 - x)
        nats = (x * logits - F.softplus(logits)).flatten(-3).sum(-1)
        floor: Tensor = entropy.flatten(1).sum(1)
        return nats + floor

    def rates(self, x: Pictures) -> Float[Tensor, "codings"]:
        """Return the rate of each coding in nats, the mean over pictures."""
        rng = generator(0, x.device)
        seen = [self.seen(part, rng) for part in x.split(1000)]
        sums = [gaussian_kl(*self.posterior(part)).sum(0) for part in seen]
        return torch.stack(sums).sum(0) / len(x)

    def encode(self, x: Pictures) -> Codings:
        """Return the middles μ of the clouds."""
        return self.posterior(x).mean

    def logits(self, z: Codings) -> Pictures:
        """Return the decoder's output, before the sigmoid unless the loss is the squared error."""
        return self.decoder(z).reshape(-1, *self.shape)  # type: ignore[no-any-return]

    def decode(self, z: Codings) -> Pictures:
        """Return the mean of p(x | z): the pictures of codings z."""
        logits = self.logits(z)
        return logits if self.config.loss == "mse" else logits.sigmoid()

    def generate(self, z: Codings) -> Pictures:
        """Return the pictures of codings drawn from the prior, N(0, I)."""
        return self.decode(z)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the reconstructions of x, and as many samples of the prior."""
        return torch.cat([self.reconstruct(x), self.sample(len(x), rng)])

    def evaluate(self, x: Pictures) -> Losses:
        """Return the squared error of the clouds' middles, the rate and the distortion in nats."""
        rng = generator(0, x.device)
        parts = [self._figures(part, rng) for part in x.split(1000)]
        sums = {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}
        return {name: total / len(x) for name, total in sums.items()}

    def _figures(self, x: Pictures, rng: torch.Generator) -> Losses:
        """Return the figures of merit, as sums over the pictures."""
        seen = self.seen(x, rng)
        posterior = self.posterior(seen)
        z = posterior.draw(torch.randn(posterior.mean.shape, generator=rng, device=x.device))
        return {
            "mse": (self.reconstruct(x) - x).square().flatten(1).mean(1).sum(),
            "kl": gaussian_kl(*posterior).sum(),
            "distortion": -self.log_likelihood(seen, z).sum(),
        }

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer."""
        config, pixels = self.config, math.prod(self.shape)
        layers = [("hidden", config.hidden), ("hidden", config.hidden * 2 // 3)]
        if config.network == "convolutional":
            second = math.prod(halved_twice(self.shape))  # half the filters, four times the places
            layers = [("conv 1", 2 * second), ("conv 2", second), *layers]
        ends = ("picture", pixels), ("reconstruction", pixels)
        return [ends[0], *layers, ("codings", config.codings), *layers[::-1], ends[1]]
