r"""A convolutional autoencoder uses the same small filters at every position of the picture.

Each layer of the encoder slides small filters over the picture and pools the answers: fewer
positions, more kinds of features; from the last maps come a few codings $z$. The decoder's
*transposed* convolutions go back from coarse to fine.

$$h_{k} = \mathrm{pool}\bigl(\mathrm{ReLU}(W_k * h_{k-1} + b_k)\bigr), \qquad
\mathcal L = \frac 1 n \sum_{i=1}^{n} (x_i - \hat x_i)^2$$

A convolution (∗) uses the same few weights at every place: far fewer than a dense layer between
the same maps has, and more multiplications with each. Where the picture moves, the maps before the
pooling move with it, but for the border; the codings need not stay the same. Two ways lead to the
codings. **Global average pooling** keeps how much of each feature there is, and discards where; a
**dense** layer on the flattened maps may keep both.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. J. Masci, U. Meier, D. Cireşan,
J. Schmidhuber, *Stacked convolutional auto-encoders for hierarchical feature extraction*, ICANN
(2011). M. Lin, Q. Chen, S. Yan, *Network in network*, ICLR (2014), for global average pooling.
"""

from typing import Literal

from pydantic import Field

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.entry import FamilyEntry, Preset
from genlib.headlines import reconstruction

Bottleneck = Literal["average", "flatten"]


class ConvolutionalConfig(Config):
    """Three convolutions with pooling down to the codings, three transposed ones back."""

    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="How many numbers a picture must pass through.",
    )
    bottleneck: Bottleneck = Field(
        "average",
        title="Bottleneck",
        description="Average pooling discards where a feature was; flatten and a dense layer keep "
        "it.",
    )
    filters: int = Field(
        16,
        ge=4,
        le=64,
        title="Filters",
        description="Number of filters in the first layer; the next two have two and four times "
        "as many.",
        json_schema_extra={"options": [4, 8, 16, 32, 64]},
    )


FAMILY = FamilyEntry(
    config_type=ConvolutionalConfig,
    class_name="ConvolutionalAutoencoder",
    knobs=("codings", "bottleneck", "filters", "learning_rate", "epochs"),
    presets={
        "fast": Preset(
            ConvolutionalConfig(bottleneck="flatten"),
            TrainConfig(batch_size=256, epochs=3),
            "Muon on the filters too, large batches, averaged weights, and codings that may "
            "keep the place.",
            elsewhere={"digits": {"codings": 10}},
        ),
        "textbook": Preset(
            ConvolutionalConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: global average pooling, NAdam, batches of 32, 10 epochs.",
        ),
        "break it": Preset(
            ConvolutionalConfig(codings=4),
            TrainConfig(batch_size=256, epochs=2),
            "Four averages: how much of four features there is, and not where.",
        ),
    },
    baseline="pca",
    abilities=frozenset({"encodes"}),
    headline=reconstruction,
)
