"""Encoder, posterior and decoder of the variational autoencoder, and its training step."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Encodes, Family, GaussianCodings, Losses, Pictures, Shape, Shown
from genlib.models.vae.config import VAEConfig
from genlib.nn import ACTIVATIONS, doubling, halved_twice, halving, stack
from genlib.objectives import gaussian_kl
from genlib.rng import generator

Codings = Float[Tensor, "batch codings"]
COLLAPSED = 0.01  # nats: a coding whose rate is less says nothing
GREY_LEVEL = 1 / 255  # the least difference of two pixels


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


def calibrated_likelihood(
    errors: Float[Tensor, "*draws batch"], pixels: int
) -> Float[Tensor, "*draws batch"]:
    """Return the log-probability of grey levels, by the squared errors of whole pictures.

    Pixels are normal with the variance that is best for all of them: Rybkin et al. (2021).
    """
    variance = errors.mean() / pixels
    nats = math.log(GREY_LEVEL) - (2 * math.pi * variance).log() / 2  # of a pixel without error
    return pixels * nats - errors / (2 * variance)


def error_variance(config: VAEConfig, distortion: float, pixels: int) -> float:
    """Return the mean squared error of a pixel, for a draw of the codings, by the distortion."""
    if config.variance == "fixed ½":
        return distortion / pixels
    return math.exp(2 * (distortion / pixels + math.log(GREY_LEVEL)) - 1) / (2 * math.pi)


class VariationalAutoencoder(Family, Encodes, GaussianCodings):
    """The chapter's variational autoencoder: 784-150-100 to 10 codings, and back."""

    def __init__(self, config: VAEConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.config, self.codings = config, config.codings
        self.calibrated = config.loss == "mse" and config.variance == "optimal"
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
        x = self.binarized(batch.x, rng)
        posterior = self.posterior(x)
        z = posterior.draw(torch.randn(posterior.mean.shape, generator=rng, device=x.device))
        distortion = -self.log_likelihood(x, z).mean()
        rate = gaussian_kl(*posterior).sum(1).mean()
        unit = x[0].numel() if self.config.scaling == "pixel" else 1
        yield (
            "autoencoder",
            {
                "nll" if self.calibrated else self.config.loss: distortion / unit,
                "kl": self.config.beta * rate / unit,
            },
        )

    def binarized(self, x: Pictures, rng: torch.Generator) -> Pictures:
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

        For "mse" it is the density of pixels with variance ½, but for its constant −(n/2) ln π,
        or the probability of their grey levels with the variance that fits all pictures best;
        for "bce" the cross-entropy is counted from its floor, the entropy of the grey levels.
        """
        logits = self.logits(z.flatten(0, -2)).float().view(*z.shape[:-1], *x.shape[1:])
        if self.config.loss == "mse":
            errors = (x - logits).square().flatten(-3).sum(-1)
            return calibrated_likelihood(errors, x[0].numel()) if self.calibrated else -errors
        entropy = torch.special.entr(x) + torch.special.entr(1 - x)
        nats = (x * logits - F.softplus(logits)).flatten(-3).sum(-1)
        floor: Tensor = entropy.flatten(1).sum(1)
        return nats + floor

    def rates(self, x: Pictures) -> Float[Tensor, "codings"]:
        """Return the rate of each coding in nats, the mean over pictures."""
        rng = generator(0, x.device)
        targets = [self.binarized(part, rng) for part in x.split(1000)]
        sums = [gaussian_kl(*self.posterior(part)).sum(0) for part in targets]
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
        target = self.binarized(x, rng)
        posterior = self.posterior(target)
        z = posterior.draw(torch.randn(posterior.mean.shape, generator=rng, device=x.device))
        return {
            "mse": (self.reconstruct(x) - x).square().flatten(1).mean(1).sum(),
            "kl": gaussian_kl(*posterior).sum(),
            "distortion": -self.log_likelihood(target, z).sum(),
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
