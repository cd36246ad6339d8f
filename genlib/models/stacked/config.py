r"""An autoencoder learns to copy its input to its output through a narrow middle.

The *encoder* turns a picture $x$ into a few numbers, its **codings** $z = f(x)$; the *decoder*
turns them back into a picture $\hat x = g(z)$. Nobody says what the codings should mean: training
looks for the description of a picture that loses least.

$$\mathcal L = \frac 1 n \sum_{i=1}^{n} (x_i - \hat x_i)^2, \qquad \hat x = g(f(x))$$

With linear layers and this loss, the best codings span the same space as the first principal
components (PCA). Layers with a nonlinearity between them can bend that space to follow the data,
so the same number of codings can keep more of each picture. That is why PCA with equally many
components is the baseline.

With the **cross-entropy** loss each grey level is taken for a probability. A perfect copy then
still costs the entropy of the pixels, so look at what is above that floor.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. G. Hinton, R. Salakhutdinov,
*Reducing the dimensionality of data with neural networks*, Science 313 (2006). P. Baldi,
K. Hornik, *Neural networks and principal component analysis*, Neural Networks 2 (1989).
"""

from collections.abc import Mapping

from pydantic import Field

from genlib.config import Activation, Config, Reconstruction, TrainConfig, textbook_recipe
from genlib.entry import FamilyEntry, Preset
from genlib.headlines import reconstruction


class StackedConfig(Config):
    """A stack of dense layers, mirrored around the codings."""

    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="How many numbers a picture must pass through.",
    )
    hidden: int = Field(
        100,
        ge=8,
        le=1024,
        title="Hidden units",
        description="Units of each hidden layer, in the encoder and in the decoder.",
        json_schema_extra={"options": [16, 32, 64, 100, 128, 256, 512, 1024]},
    )
    depth: int = Field(
        1,
        ge=0,
        le=3,
        title="Hidden layers",
        description="Hidden layers on each side; with none the autoencoder is linear, like PCA.",
    )
    activation: Activation = Field(
        "relu", title="Activation", description="The nonlinearity after each hidden layer."
    )
    loss: Reconstruction = Field(
        "mse",
        title="Loss",
        description="Squared error, or cross-entropy with each grey level as a probability.",
    )
    tied: bool = Field(
        False,
        title="Tied weights",
        description="The decoder uses the encoder's matrices, transposed: about half the weights.",
    )
    layerwise: bool = Field(
        False,
        title="One layer at a time",
        description="First the outermost layers learn alone, then the next on their codings, "
        "at last all together.",
    )


def headline(metrics: Mapping[str, float]) -> str:
    """Return the test error beside PCA's; with cross-entropy also its floor and what is above."""
    text = reconstruction(metrics)
    if "test_bce_floor" in metrics:
        floor, excess = metrics["test_bce_floor"], metrics["test_bce_excess"]
        text += f", cross-entropy {floor + excess:.4f}: its floor {floor:.4f} + {excess:.4f}"
    return text


FAMILY = FamilyEntry(
    config_type=StackedConfig,
    class_name="StackedAutoencoder",
    knobs=("codings", "hidden", "tied", "learning_rate", "epochs"),
    presets={
        "fast": Preset(
            StackedConfig(),
            TrainConfig(),
            "The textbook's network with Muon, large batches and averaged weights: seconds.",
        ),
        "textbook": Preset(
            StackedConfig(),
            textbook_recipe(20),
            "The chapter's own recipe: NAdam, batches of 32, 20 epochs.",
        ),
        "tied, one layer at a time": Preset(
            StackedConfig(tied=True, layerwise=True),
            TrainConfig(),
            "About half the weights; each pair of layers learns before the next one begins.",
        ),
        "two codings": Preset(
            StackedConfig(codings=2, hidden=256, depth=2, activation="gelu"),
            TrainConfig(),
            "The codings of a picture are a point of the plane.",
        ),
        "break it": Preset(
            StackedConfig(codings=1, hidden=256, depth=2),
            TrainConfig(batch_size=16, epochs=1000, pictures=16),
            "One coding, a large network, 16 pictures: it learns those by heart, no other.",
        ),
    },
    baseline="pca",
    abilities=frozenset({"encodes"}),
    headline=headline,
)
