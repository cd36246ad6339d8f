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
bound** (ELBO): its mean over the draws is never more than $\ln p(x)$. A smaller $\beta$ buys a
smaller distortion with more information in the codings; a larger one does the opposite, up to
**posterior collapse**, where every cloud is the standard normal one and the codings say nothing.

Squared error is the distortion of pixels that are normal with variance ½, cross-entropy that of
pixels that are black or white. The book divides the sum by the number of pixels, 784: the same
minimum, in other units.

**The variance of a pixel** is thus a choice, and it hides in $\beta$. Of $n$ pixels that are
normal with variance $\sigma_x^2$ around the decoder's picture $\hat x$,

$$-\ln p(x \mid z) = \frac{\|x - \hat x\|^2}{2 \sigma_x^2} + \frac n 2 \ln (2 \pi \sigma_x^2)$$

With $\sigma_x^2 = \tfrac 1 2$ and without its constant that is the squared error. For any other
fixed variance, multiply the loss by $2 \sigma_x^2$: squared error again, with $2 \sigma_x^2
\beta$ in the place of $\beta$. Real errors are far smaller than $\sqrt{1/2}$, so with
$\beta = 1$ a nat costs many times what it should, and pictures are more blurred than a
variational autoencoder need draw them. The **σ-VAE** takes the best variance instead, which is the
mean squared error of the batch:

$$\sigma_x^2 = \frac 1 n\, \overline{\|x - \hat x\|^2}, \qquad
-\ln p(x \mid z) = \frac n 2 \bigl(1 + \ln (2 \pi \sigma_x^2)\bigr)$$

Then $\beta = 1$ is the true bound. Its nats are counted to within a grey level, $\tfrac 1 {255}$,
so that they are not negative.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. D. Kingma, M. Welling,
*Auto-encoding variational Bayes*, ICLR (2014). D. Rezende, S. Mohamed, D. Wierstra, *Stochastic
backpropagation*, ICML (2014). I. Higgins et al., *beta-VAE*, ICLR (2017). A. Alemi et al.,
*Fixing a broken ELBO*, ICML (2018), for rate and distortion. O. Rybkin, K. Daniilidis,
S. Levine, *Simple and effective VAE training with calibrated decoders*, ICML (2021), for σ.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from genlib.config import Activation, Config, TrainConfig, textbook_recipe
from genlib.entry import FamilyEntry, Preset
from genlib.headlines import reconstruction

# With 64 pixels in the place of 784, a nat costs about twelve times as much of a pixel's error.
FEW_PIXELS = {"digits": {"beta": 0.03}}
BETAS: list[JsonValue] = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 1.3, 2.0, 4.0, 10.0, 30.0, 100.0]


Loss = Literal["mse", "bce", "binary"]


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
        description="Weight of the KL term: 1 is the usual VAE, 0 leaves the term out; with a "
        "large one the codings hold nothing.",
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
        description="Per pixel, as the book has it, or the sum: nats per picture. The "
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
    variance: Literal["fixed ½", "optimal"] = Field(
        "fixed ½",
        title="Variance of a pixel",
        description="In the squared error: ½, with which the KL term weighs too much; or the mean "
        "squared error of the batch, with which β = 1 gives the ELBO.",
        json_schema_extra={"since": 2},
    )


def headline(metrics: Mapping[str, float]) -> str:
    """Return the test error beside PCA's, and the rate."""
    return f"{reconstruction(metrics)}, rate **{metrics['test_kl']:.1f} nats**"


FAMILY = FamilyEntry(
    config_type=VAEConfig,
    class_name="VariationalAutoencoder",
    knobs=("beta", "codings", "variance", "network", "epochs"),
    presets={
        "fast": Preset(
            VAEConfig(),
            TrainConfig(),
            "The textbook's network with Muon, large batches and averaged weights: seconds.",
            elsewhere=FEW_PIXELS,
        ),
        "textbook": Preset(
            VAEConfig(),
            textbook_recipe(25),
            "The chapter's own recipe: NAdam, batches of 32, 25 epochs.",
        ),
        "sharper": Preset(
            VAEConfig(hidden=300, activation="gelu", beta=1.3),
            TrainConfig(epochs=20),
            "Wider layers, GELU, β = 1.3: a smaller error than the book's at about the same rate.",
            elsewhere=FEW_PIXELS,
        ),
        "optimal variance": Preset(
            VAEConfig(variance="optimal"),
            TrainConfig(),
            "The σ-VAE: pixels as exact as its errors, so β = 1 is the true bound. Copies are "
            "sharper; new samples want a better prior.",
        ),
        "two-code map": Preset(
            VAEConfig(codings=2, hidden=300),
            TrainConfig(epochs=12),
            "Two codings: the whole latent space is a map that you can point at.",
            elsewhere=FEW_PIXELS,
        ),
        "convolutional": Preset(
            VAEConfig(network="convolutional", hidden=300),
            TrainConfig(epochs=5),
            "Filters before and after the dense layers.",
            elsewhere=FEW_PIXELS,
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
            "A true likelihood, of pixels drawn black or white; no other is comparable with it.",
        ),
        "collapse": Preset(
            VAEConfig(beta=100.0),
            TrainConfig(epochs=3),
            "β is so large that the codings hold nothing: the same output for every picture.",
        ),
        "holes": Preset(
            VAEConfig(beta=0.0),
            TrainConfig(),
            "No KL term: reconstructions are closer, but codings do not follow the prior.",
        ),
    },
    shows=("reconstruction", "new sample from the prior"),
    baseline="pca",
    abilities=frozenset({"encodes", "generates"}),
    headline=headline,
)
