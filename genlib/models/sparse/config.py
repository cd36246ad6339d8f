r"""A sparse autoencoder has many codings, and each that is active costs something.

There is no narrow middle: 300 sigmoid units could copy almost anything. A penalty on activity
takes its place. The aim is that each picture activates only a few units, so that a unit can
specialise.

$$\mathcal L = \frac 1 n \sum_{i=1}^{n} (x_i - \hat x_i)^2 + \lambda \sum_{j} \Omega_j, \qquad
\Omega_j = \lvert a_j \rvert \quad\text{or}\quad
\Omega_j = p \ln \frac{p}{q_j} + (1 - p) \ln \frac{1 - p}{1 - q_j}$$

The **ℓ₁** penalty is the mean of the activation $a_j$ over the batch: it pushes every activation
down with the same force, however small it is. The **KL** penalty compares each unit's mean
activation $q_j$ over the batch with a target $p$: it is the Kullback–Leibler divergence between
two Bernoulli distributions with these means, costs nothing at the target and grows without bound
as $q_j$ goes to 0 or 1. It is everywhere at least twice as steep as the squared difference, but
steeper than the absolute difference only for $q_j > \sqrt p$ and $q_j < 1 - \sqrt{1 - p}$.

KL fixes only each unit's *mean*: a unit may be strongly active for a few pictures or weakly for
all of them, at the same cost. So small activations everywhere satisfy it.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. A. Ng, *Sparse autoencoder*,
CS294A lecture notes, Stanford (2011). H. Lee, C. Ekanadham, A. Ng, *Sparse deep belief net model
for visual area V2*, NIPS (2007).
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.entry import FamilyEntry, Preset
from genlib.headlines import reconstruction

Penalty = Literal["kl", "l1"]


class SparseConfig(Config):
    """A wide layer of codings, and what an active one costs."""

    penalty: Penalty = Field(
        "kl",
        title="Penalty",
        description="KL pulls each unit's mean activation to the target; L1 pulls each activation "
        "to zero.",
    )
    weight: float = Field(
        5e-3,
        ge=0.0,
        le=10.0,
        title="Penalty weight",
        description="How much sparsity counts beside the reconstruction; 0 is none.",
        json_schema_extra={"options": [0.0, 1e-5, 1e-4, 1e-3, 5e-3, 0.05, 0.5, 10.0]},
    )
    target: float = Field(
        0.1,
        ge=0.01,
        le=0.5,
        title="Target activation",
        description="The mean activation that the KL penalty pulls each unit to.",
        json_schema_extra={"step": 0.01},
    )
    codings: int = Field(
        300,
        ge=10,
        le=500,
        title="Codings",
        description="Sigmoid units in the middle; many, as active ones cost something.",
        json_schema_extra={"step": 10},
    )
    hidden: int = Field(
        100,
        ge=8,
        le=512,
        title="Hidden units",
        description="Units of the dense layer before the codings and of the one after them.",
        json_schema_extra={"options": [16, 32, 64, 100, 128, 200, 256, 512]},
    )


def headline(metrics: Mapping[str, float]) -> str:
    """Return the test error, and how active the units are."""
    active = metrics["test_mean_activation"]
    return f"{reconstruction(metrics)}, mean activation **{active:.3f}**"


FAMILY = FamilyEntry(
    config_type=SparseConfig,
    class_name="SparseAutoencoder",
    knobs=("penalty", "weight", "target", "codings", "epochs"),
    presets={
        "fast": Preset(
            SparseConfig(),
            TrainConfig(batch_size=256, learning_rate=0.006, epochs=12),
            "The KL penalty with a target of 10 % for each unit's mean; Muon and large batches.",
            elsewhere={"digits": {"codings": 100}},
        ),
        "L1": Preset(
            SparseConfig(penalty="l1", weight=1e-4, hidden=200),
            TrainConfig(batch_size=256, learning_rate=0.006, epochs=8),
            "The L1 penalty: it pulls every single activation towards zero.",
        ),
        "textbook": Preset(
            SparseConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: KL, NAdam, batches of 32, 10 epochs.",
        ),
        "break it": Preset(
            SparseConfig(penalty="l1", weight=0.05),
            TrainConfig(epochs=3),
            "An L1 penalty so heavy that almost no unit is worth its cost.",
        ),
    },
    abilities=frozenset({"encodes"}),
    headline=headline,
)
