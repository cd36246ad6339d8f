r"""A linear autoencoder finds the plane in which its data lie: it is PCA, found by descent.

Three numbers in, two codings, three numbers out, and no nonlinearity anywhere: all its outputs
lie on a plane, so it turns that plane until the points lie as near to it as they can.

$$z = W_e x + b_e, \qquad \hat x = W_d z + b_d, \qquad
\mathcal L = \frac 1 n \sum_{i=1}^{n} \lVert x_i - \hat x_i \rVert^2 / d$$

The loss has no local minima but its global ones, and at those the columns of $W_d$ span the
first principal components. So on the data it learns from no linear autoencoder beats PCA with as
many components; on other data of the same kind it may, by chance and by little. The codings need
not be the components themselves: any two directions that span the plane serve as well, so PCA's
axes are one choice among many.

How far apart are two planes? Take orthonormal bases $U$ and $V$: the singular values of
$U^\top V$ are the cosines of the **principal angles**. All are zero when the planes are the
same.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. P. Baldi, K. Hornik, *Neural
networks and principal component analysis*, Neural Networks 2 (1989). Å. Björck, G. Golub,
*Numerical methods for computing angles between linear subspaces*, Math. Comp. 27 (1973).
"""

from collections.abc import Mapping

from pydantic import Field

from genlib.config import Config, TrainConfig
from genlib.entry import FamilyEntry, Preset


class LinearConfig(Config):
    """One dense layer in, one out."""

    codings: int = Field(
        2,
        ge=1,
        le=128,
        title="Codings",
        description="Dimensions of the space that the codings span; a point in space has 3.",
    )


def headline(metrics: Mapping[str, float]) -> str:
    """Return the error beside PCA's; the page says of which points or pictures."""
    return (
        f"MSE **{metrics['test_mse']:.4f}** (PCA with as many components: "
        f"{metrics['pca_mse']:.4f})"
    )


FAMILY = FamilyEntry(
    config_type=LinearConfig,
    class_name="LinearAutoencoder",
    knobs=("codings", "learning_rate", "epochs"),
    presets={
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
            "Pictures through 30 codings: it comes close to PCA with 30 components.",
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
            "One coding for an ellipse: it spans only a line, and a plane needs two.",
            "ellipse",
        ),
    },
    learns=("points", "pictures"),
    baseline="pca",
    abilities=frozenset({"encodes"}),
    headline=headline,
)
