"""The rules of the game that all GANs share, of those that grow too, and their entries' facts."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field

from genlib.config import Config, TrainConfig
from genlib.entry import FamilyEntry

Loss = Literal[
    "non-saturating", "minimax", "least squares", "hinge", "wasserstein", "relativistic"
]
SHOWN = 10  # samples for each test picture that a lesson shows


class AdversarialConfig(Config):
    """The rules of the game, and the cures for a game that goes wrong."""

    loss: Loss = Field(
        "non-saturating",
        title="Loss",
        description="Loss function of D and G; non-saturating is the book's cross-entropy.",
    )
    r1: float = Field(
        0.0,
        ge=0.0,
        le=1000.0,
        title="R1",
        description="Penalty on the discriminator's squared gradient norm at real data; 0 is "
        "off. It damps oscillation.",
        json_schema_extra={"options": [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0]},
    )
    r2: float = Field(
        0.0,
        ge=0.0,
        le=1000.0,
        title="R2",
        description="The same penalty at generated data.",
        json_schema_extra={"options": [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0]},
    )
    gradient_penalty: float = Field(
        0.0,
        ge=0.0,
        le=1000.0,
        title="Gradient penalty",
        description="Pulls the discriminator's gradient norm towards 1 between real and "
        "generated data; the Wasserstein loss needs it, usually at 10.",
        json_schema_extra={"options": [0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]},
    )
    spectral_norm: bool = Field(
        False,
        title="Spectral norm",
        description="Divides each of the discriminator's weight matrices by its largest singular "
        "value, so that it cannot be steep.",
    )
    packing: int = Field(
        1,
        ge=1,
        le=4,
        title="Packing (PacGAN)",
        description="How many samples the discriminator sees as one input: equal ones are easy to "
        "tell.",
        json_schema_extra={"options": [1, 2, 3, 4]},
    )
    minibatch_discrimination: bool = Field(
        False,
        title="Minibatch discrimination",
        description="Tells the discriminator how near each sample is to the others of its batch.",
    )
    replay: int = Field(
        0,
        ge=0,
        le=4096,
        title="Experience replay",
        description="How many earlier samples the discriminator trains on, drawn evenly; 0 is "
        "only the newest ones.",
        json_schema_extra={"options": [0, 256, 1024, 4096]},
    )
    smoothing: float = Field(
        0.0,
        ge=0.0,
        le=0.5,
        title="Label smoothing",
        description="The label of real data is 1 minus this, in losses that have labels.",
        json_schema_extra={"step": 0.05},
    )
    instance_noise: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        title="Instance noise",
        description="Standard deviation of the noise added to all inputs of the discriminator.",
        json_schema_extra={"step": 0.05},
    )
    critic_steps: int = Field(
        1,
        ge=1,
        le=5,
        title="Steps of D",
        description="Updates of the discriminator in each step of training.",
        json_schema_extra={"options": [1, 2, 3, 4, 5]},
    )
    generator_steps: int = Field(
        1,
        ge=1,
        le=5,
        title="Steps of G",
        description="Updates of the generator in each step of training.",
        json_schema_extra={"options": [1, 2, 3, 4, 5]},
    )
    critic_rate: float = Field(
        1.0,
        ge=0.01,
        le=10.0,
        title="D's learning rate ×",
        description="The discriminator's learning rate, as a multiple of the generator's.",
        json_schema_extra={"options": [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0]},
    )

    @property
    def batchwise(self) -> bool:
        """Whether the discriminator compares the pictures of a batch with each other."""
        return self.minibatch_discrimination


RECIPE = TrainConfig(
    optimizer="adam", momentum=0.0, learning_rate=0.012, batch_size=64, epochs=1, ema=0.995
)


THOROUGH = RECIPE.model_copy(update={"epochs": 3, "ema": 0.999})


class GrowingConfig(AdversarialConfig):
    """Two networks that grow, and the rules of the game.

    Attributes:
        ingredients: by name, the settings that leave out each idea of the family.
    """

    ingredients: ClassVar[Mapping[str, Mapping[str, Any]]]

    codings: int = Field(
        64, ge=2, le=512, title="Codings", description="Random numbers that a picture is made of."
    )
    filters: int = Field(
        16,
        ge=4,
        le=64,
        title="Filters",
        description="Of the layers next to the picture; with each halving of the picture's side "
        "they double, up to “At most”.",
        json_schema_extra={"options": [4, 8, 12, 16, 24, 32, 64]},
    )
    most_filters: int = Field(
        64,
        ge=16,
        le=512,
        title="At most",
        description="Filters of the layers that are farthest from the picture.",
        json_schema_extra={"options": [16, 32, 64, 128, 256, 512]},
    )
    growing: bool = Field(
        True,
        title="Growing",
        description="Train for pictures of 4 × 4 pixels first, then 8 × 8 and so on; or for whole "
        "pictures from the first step.",
    )
    fading: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        title="Fade-in",
        description="The share of a stage in which its new layers come in, α from 0 to 1; at 0 "
        "they are there at once.",
        json_schema_extra={"step": 0.05},
    )
    minibatch_std: bool = Field(
        True,
        title="Minibatch standard deviation",
        description="Tells the discriminator how different the pictures of its batch are.",
    )
    equalised: bool = Field(
        True,
        title="Equalised learning rate",
        description="Draws all weights alike and scales them where they are used, so that all "
        "layers learn equally fast.",
    )

    @property
    def batchwise(self) -> bool:
        """Whether the discriminator compares the pictures of a batch with each other."""
        return self.minibatch_discrimination or self.minibatch_std


def headline(metrics: Mapping[str, float]) -> str:
    """Return the energy distance, and how often the discriminator is right."""
    return (
        f"Energy distance to test data **{metrics['test_energy']:.4f}**; D is right on "
        f" {metrics['test_right on real']:.0%} of real and "
        f"{metrics['test_right on fake']:.0%} of generated ones."
    )


adversarial_entry = partial(
    FamilyEntry,
    abilities=frozenset({"generates", "discriminates"}),
    headline=headline,
    shows=("new sample",) * SHOWN,
    primary_metric="energy",
    metric_title="energy distance",
)
growing_entry = partial(
    adversarial_entry, abilities=frozenset({"generates", "discriminates", "grows"})
)
