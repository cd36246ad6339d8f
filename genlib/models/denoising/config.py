r"""A denoising autoencoder is shown corrupted pictures and must give back the clean ones.

Copying no longer helps, even where the codings are many: to tell noise from picture the network
has to use the structure that the training pictures share.

$$\tilde x = x + \sigma \varepsilon,\ \varepsilon \sim \mathcal N(0, I)
\quad\text{or}\quad \tilde x = \frac{m \odot x}{1 - p},\ m_i \sim \mathrm{Bernoulli}(1 - p),
\qquad \mathcal L = \frac 1 n \sum_{i=1}^{n} \bigl(x_i - g(\tilde x_i)\bigr)^2$$

The best that any *linear* map can do has a closed form, the Wiener filter: with the pictures'
mean $\mu$ and covariance $C$ and the noise's variances on the diagonal of $N$,

$$\hat x = \mu + C\,(C + N)^{-1} (\tilde x - \mu)$$

It needs no gradient descent, only $\mu$ and $C$ of the training pictures, and is the baseline.
Quality is given in decibels too: the *peak
signal-to-noise ratio* is $-10 \log_{10} \mathrm{MSE}$, so 3 dB more is half the error.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. P. Vincent, H. Larochelle,
Y. Bengio, P.-A. Manzagol, *Extracting and composing robust features with denoising
autoencoders*, ICML (2008). N. Wiener, *Extrapolation, interpolation, and smoothing of stationary
time series* (1949). O. Ronneberger, P. Fischer, T. Brox, *U-Net*, MICCAI (2015).
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.entry import FamilyEntry, Preset
from genlib.headlines import psnr, reconstruction

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


def headline(metrics: Mapping[str, float]) -> str:
    """Return the quality of the denoised pictures beside that of the best linear denoiser.

    Where nothing was corrupted, the error is that of clean pictures to the bit; no quality then.
    """
    best = metrics.get("linear_denoiser_mse")
    if not best:
        return reconstruction(metrics)
    if metrics["test_mse"] == metrics.get("test_clean_mse"):
        return (
            f"Trained and tested without noise: a copy is right, and proves nothing "
            f"(MSE **{metrics['test_mse']:.1e}**)"
        )
    own = psnr(metrics["test_mse"])
    return f"**{own:.1f} dB** (the best linear denoiser: {psnr(best):.1f} dB)"


FAMILY = FamilyEntry(
    config_type=DenoisingConfig,
    class_name="DenoisingAutoencoder",
    knobs=("corruption", "level", "network", "codings", "epochs"),
    presets={
        "fast": Preset(
            DenoisingConfig(hidden=256),
            TrainConfig(epochs=10),
            "Half of the pixels dropped; a wider network, Muon and large batches.",
            elsewhere={"digits": {"hidden": 100}},
        ),
        "textbook": Preset(
            DenoisingConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: NAdam, batches of 32, 10 epochs.",
        ),
        "convolutional": Preset(
            DenoisingConfig(corruption="gaussian", level=0.3, network="convolutional", hidden=24),
            TrainConfig(batch_size=128, epochs=2),
            "Gaussian noise, and a small U-Net without a bottleneck: details can pass.",
        ),
        "break it": Preset(
            DenoisingConfig(corruption="gaussian", level=0.0, network="convolutional", hidden=8),
            TrainConfig(batch_size=256, epochs=1),
            "Trained without noise: a network that copies is already right.",
        ),
    },
    shows=("corrupted", "denoised"),
    baseline="linear_denoiser",
    abilities=frozenset({"denoises"}),
    headline=headline,
)
