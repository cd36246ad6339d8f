"""The networks, the corruptions and the training step of the denoising autoencoder."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Batch, Denoises, Family, Losses, Pictures, Shape, Shown
from genlib.models.denoising.config import Corruption, DenoisingConfig, Network
from genlib.nn import stack
from genlib.objectives import error_in_parts
from genlib.rng import generator


def gaussian(x: Pictures, rng: torch.Generator, level: float) -> Pictures:
    """Return x + σε with σ = level."""
    return x + level * torch.randn(x.shape, generator=rng, device=x.device)


def dropout(x: Pictures, rng: torch.Generator, level: float) -> Pictures:
    """Return x with each pixel kept with probability 1 − p, p = level, and scaled by 1/(1 − p)."""
    mask = torch.rand(x.shape, generator=rng, device=x.device) >= level
    return x * mask / (1 - level)


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
