r"""Convolutions against each other: five guidelines, with which GANs first drew large pictures.

Dense networks do not know which pixels are neighbours. Deep convolutional ones do, but hardly
trained against each other, until somebody searched long enough for what works. Five rules came
out of it, and here each is a switch: turn one off and see what it was for.

1. Strides instead of **pooling** (and transposed convolutions instead of upsampling).
2. **Batch normalisation**. The book has it in the generator, and dropout in the discriminator:
   there a batch's mean would tell real pictures from generated ones.
3. No **hidden dense layers**.
4. The generator's layers with **ReLU**, its last one with **tanh**.
5. The discriminator's with **leaky ReLU**.

$$\text{strided convolution: } h \times h \to \tfrac h2 \times \tfrac h2, \qquad
\text{transposed: } \tfrac h2 \times \tfrac h2 \to h \times h$$

The rules are of 2016. The first preset needs no second rule: a loss that pairs each generated
picture with a real one, penalties on the discriminator's slope at both (**R1**, **R2**), and
residual networks without any normalisation, in which a picture of 28 × 28 is taken apart into
14 × 14 places of four pixels, where convolutions cost a quarter.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. A. Radford, L. Metz,
S. Chintala, *Unsupervised representation learning with deep convolutional generative adversarial
networks*, ICLR (2016). W. Shi et al., *Real-time single image and video super-resolution*, CVPR
(2016), for taking pictures apart into places. N. Huang et al., *The GAN is dead; long live the
GAN*, NeurIPS (2024).
"""

from typing import Literal

from pydantic import Field

from genlib.adversarial.config import AdversarialConfig, adversarial_entry
from genlib.config import Nonlinearity, TrainConfig
from genlib.entry import Preset


class DCGANConfig(AdversarialConfig):
    """Two convolutional networks, the five guidelines, and the rules of the game."""

    network: Literal["strided", "residual"] = Field(
        "strided",
        title="Networks",
        description="The book's two convolutions each, to which the guidelines belong; or "
        "residual ones without normalisation.",
    )
    codings: int = Field(
        100, ge=1, le=256, title="Codings", description="Random numbers that a picture is made of."
    )
    filters: int = Field(
        64,
        ge=8,
        le=256,
        title="Filters",
        description="Of the layer next to the picture; the one behind it has twice as many.",
        json_schema_extra={"options": [8, 16, 32, 64, 96, 128]},
    )
    scaling: Literal["strides", "pooling"] = Field(
        "strides",
        title="1 · Changing size by",
        description="Convolutions that step over two pixels, or pooling and upsampling.",
    )
    batch_norm: bool = Field(
        True,
        title="2 · Batch normalisation",
        description="Gives the generator's layers, over the batch, mean 0 and variance 1.",
    )
    hidden_layer: bool = Field(
        False,
        title="3 · Hidden dense layer",
        description="One in each network, which the guidelines advise against.",
    )
    drawing: Nonlinearity = Field(
        "selu",
        title="4 · The generator's activation",
        description="Of its hidden layers; the guidelines say ReLU, the book takes SELU.",
    )
    output: Literal["tanh", "sigmoid"] = Field(
        "tanh",
        title="4 · The generator's output",
        description="Tanh with pictures in [−1, 1], or sigmoid with pictures in [0, 1].",
    )
    seeing: Nonlinearity = Field(
        "leaky relu",
        title="5 · The discriminator's activation",
        description="Of its hidden layers; leaky ReLU lets a gradient through everywhere.",
    )
    dropout: float = Field(
        0.4,
        ge=0.0,
        le=0.9,
        title="Dropout",
        description="The share of the discriminator's activations that are set to zero.",
        json_schema_extra={"step": 0.05},
    )


BOOK = TrainConfig(
    optimizer="rmsprop",
    learning_rate=1e-3,
    batch_size=32,
    epochs=2,
    warmup=0.0,
    decay="none",
    ema=0.0,
)

FAMILY = adversarial_entry(
    config_type=DCGANConfig,
    class_name="DCGAN",
    knobs=("network", "scaling", "batch_norm", "hidden_layer", "epochs"),
    presets={
        "fast": Preset(
            DCGANConfig(
                network="residual",
                filters=16,
                drawing="leaky relu",
                loss="relativistic",
                r1=3.0,
                r2=3.0,
            ),
            TrainConfig(
                optimizer="adam",
                momentum=0.0,
                learning_rate=2e-3,
                batch_size=64,
                epochs=3,
                ema=0.995,
            ),
            "Residual networks without normalisation, a relativistic loss, and penalties on D's "
            "gradient.",
        ),
        "textbook": Preset(
            DCGANConfig(), BOOK, "The chapter's networks: the guidelines, but with SELU; RMSprop."
        ),
        "no batch normalisation": Preset(
            DCGANConfig(batch_norm=False), BOOK, "The same without the second guideline."
        ),
        "all guidelines broken": Preset(
            DCGANConfig(
                scaling="pooling",
                batch_norm=False,
                hidden_layer=True,
                drawing="tanh",
                output="sigmoid",
                seeing="relu",
            ),
            BOOK,
            "Pooling, no normalisation, hidden dense layers, and activations that saturate.",
        ),
    },
)
