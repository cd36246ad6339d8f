r"""A denoising autoencoder is shown corrupted pictures and must give back the clean ones.

Copying no longer helps, even where the codings are many: to tell noise from picture the network
must know what pictures look like, so it learns the structure that they share.

$$\tilde x = x + \sigma \varepsilon,\ \varepsilon \sim \mathcal N(0, I)
\quad\text{or}\quad \tilde x = \frac{m \odot x}{1 - p},\ m_i \sim \mathrm{Bernoulli}(1 - p),
\qquad \mathcal L = \frac 1 n \sum_{i=1}^{n} \bigl(x_i - g(\tilde x_i)\bigr)^2$$

The best that any *linear* map can do has a closed form, the Wiener filter: with the pictures'
mean $\mu$ and covariance $C$ and the noise's variances on the diagonal of $N$,

$$\hat x = \mu + C\,(C + N)^{-1} (\tilde x - \mu)$$

It needs no training and is the line to beat. Quality is given in decibels too: the *peak
signal-to-noise ratio* is $-10 \log_{10} \mathrm{MSE}$, so 3 dB more is half the error.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. P. Vincent, H. Larochelle,
Y. Bengio, P.-A. Manzagol, *Extracting and composing robust features with denoising
autoencoders*, ICML (2008). N. Wiener, *Extrapolation, interpolation, and smoothing of stationary
time series* (1949). O. Ronneberger, P. Fischer, T. Brox, *U-Net*, MICCAI (2015).
"""

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.family import Batch, Denoises, Family, Losses, Pictures, Preset, Shape, Shown
from genlib.nn import stack
from genlib.objectives import error_in_parts
from genlib.rng import generator

Corruption = Literal["gaussian", "dropout"]
Network = Literal["dense", "convolutional"]


class DenoisingConfig(Config):
    """What is done to the pictures, and the network that undoes it."""

    corruption: Corruption = Field(
        "dropout",
        title="Corruption",
        description="Gaussian noise on every pixel, or pixels set to zero by chance.",
    )
    level: float = Field(
        0.5,
        ge=0.0,
        le=0.9,
        title="Training level",
        description="The noise's standard deviation σ, or the share p of pixels dropped.",
        json_schema_extra={"step": 0.05},
    )
    network: Network = Field(
        "dense",
        title="Network",
        description="The book's dense autoencoder, or convolutions without a bottleneck.",
    )
    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="Of the dense network: how many numbers a picture must pass through.",
    )
    hidden: int = Field(
        100,
        ge=8,
        le=512,
        title="Hidden units",
        description="Units of each hidden dense layer, or filters of each convolution.",
        json_schema_extra={"options": [8, 16, 24, 32, 64, 100, 128, 256, 512]},
    )


def gaussian(x: Pictures, rng: torch.Generator, level: float) -> Pictures:
    """Return x + σε with σ = level."""
    return x + level * torch.randn(x.shape, generator=rng, device=x.device)


def dropout(x: Pictures, rng: torch.Generator, level: float) -> Pictures:
    """Return x with each pixel kept with probability 1 − p, p = level, and scaled by 1/(1 − p)."""
    kept = torch.rand(x.shape, generator=rng, device=x.device) >= level
    return x * kept / (1 - level)


CORRUPTIONS: dict[Corruption, Callable[[Pictures, torch.Generator, float], Pictures]] = {
    "gaussian": gaussian,
    "dropout": dropout,
}


class DenseDenoiser(nn.Module):
    """The book's network: through a bottleneck of codings and back."""

    def __init__(self, config: DenoisingConfig, shape: Shape) -> None:
        super().__init__()
        pixels = shape[0] * shape[1] * shape[2]
        sizes = [pixels, config.hidden, config.codings, config.hidden, pixels]
        self.layers = stack(sizes, "relu")
        self.units = sizes

    def forward(self, x: Pictures) -> Pictures:
        """Return the clean estimate."""
        return self.layers(x.flatten(1)).view_as(x)  # type: ignore[no-any-return]


class ConvolutionalDenoiser(nn.Module):
    """A small U-Net: 2 × 2 pixels as one, one halving, one skip; it predicts what to change."""

    def __init__(self, config: DenoisingConfig, shape: Shape) -> None:
        super().__init__()
        channels, height, width = shape
        wide = config.hidden
        self.before = nn.Sequential(
            nn.PixelUnshuffle(2), _filters(4 * channels, wide), _filters(wide, wide)
        )
        self.middle = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            *(_filters(wide, 2 * wide), _filters(2 * wide, 2 * wide)),
            nn.Conv2d(2 * wide, wide, 1),
            nn.Upsample((height // 2, width // 2), mode="nearest"),
        )
        self.after = nn.Sequential(
            _filters(2 * wide, wide), nn.Conv2d(wide, 4 * channels, 3, padding=1)
        )
        area = height * width
        at_half, at_quarter = wide * area // 4, 2 * wide * ((height + 3) // 4) * ((width + 3) // 4)
        self.units = [channels * area, at_half, at_quarter, at_half, channels * area]

    def forward(self, x: Pictures) -> Pictures:
        """Return the clean estimate: what came in, and a change to it."""
        h = self.before(x)
        h = torch.cat([h, self.middle(h)], 1)
        return x + F.pixel_shuffle(self.after(h), 2)


def _filters(fan_in: int, fan_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.GELU())


NETWORKS: dict[Network, Callable[[DenoisingConfig, Shape], nn.Module]] = {
    "dense": DenseDenoiser,
    "convolutional": ConvolutionalDenoiser,
}


class DenoisingAutoencoder(Family, Denoises):
    """The chapter's denoising autoencoder: by default dropout .5 on 784-100-30-100-784."""

    config_type = DenoisingConfig
    shows = ("corrupted", "denoised")
    baseline = "linear_denoiser"
    presets = {
        "fast": Preset(
            DenoisingConfig(hidden=256),
            TrainConfig(epochs=10),
            "Half of the pixels dropped; a wider network, Muon and large batches.",
        ),
        "textbook": Preset(
            DenoisingConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: NAdam, batches of 32, 10 epochs.",
        ),
        "convolutional": Preset(
            DenoisingConfig(corruption="gaussian", level=0.3, network="convolutional", hidden=24),
            TrainConfig(batch_size=128, epochs=2),
            "Gaussian noise, and a small U-Net without a bottleneck: much sharper.",
        ),
        "break it": Preset(
            DenoisingConfig(corruption="gaussian", level=0.0, network="convolutional", hidden=8),
            TrainConfig(batch_size=256, epochs=1),
            "Trained without noise it only learns to copy; then noise is copied too.",
        ),
    }

    def __init__(self, config: DenoisingConfig, shape: Shape) -> None:
        super().__init__(config, shape)
        self.config, self.level = config, config.level
        self.net = NETWORKS[config.network](config, shape)

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the one player: the whole network."""
        return {"denoiser": self}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the mean squared error to the clean pictures."""
        restored = self.denoise(self.corrupt(batch.x, rng, self.config.level))
        yield "denoiser", {"mse": F.mse_loss(restored.float(), batch.x)}

    def corrupt(self, x: Pictures, rng: torch.Generator, level: float) -> Pictures:
        """Return corrupted pictures; the level is σ, or the share p of pixels dropped."""
        return CORRUPTIONS[self.config.corruption](x, rng, level)

    def denoise(self, x: Pictures) -> Pictures:
        """Return the estimate of the clean pictures."""
        pictures: Tensor = self.net(x)
        return pictures

    def noise_variance(
        self, x: Float[Tensor, "batch pixels"], level: float
    ) -> Float[Tensor, "pixels"]:
        """Return σ² for every pixel, or E[x²]·p/(1 − p)."""
        if self.config.corruption == "gaussian":
            return torch.full_like(x[0], level**2)
        return x.square().mean(0) * level / (1 - level)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return x corrupted, then what the network makes of it."""
        corrupted = self.corrupt(x, rng, self.config.level)
        return torch.cat([corrupted, self.denoise(corrupted)])

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error of pictures clipped to [0, 1], always the same noise.

        Also that of pictures which were clean to begin with.
        """
        corrupted = self.corrupt(x, generator(0, x.device), self.config.level)
        return {"mse": self._error(corrupted, x), "clean_mse": self._error(x, x)}

    def _error(self, corrupted: Pictures, x: Pictures) -> Float[Tensor, ""]:
        return error_in_parts(lambda part: self.denoise(part).clamp(0, 1), corrupted, x)

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values after each layer."""
        dense = self.config.network == "dense"
        middle = ["hidden", "codings", "hidden"] if dense else ["half", "quarter", "half"]
        names = ["corrupted", *middle, "denoised"]
        return list(zip(names, self.net.units, strict=True))  # type: ignore[arg-type]
