r"""One picture for all, only its brightness changes: the least that an autoencoder can say.

The coding is the mean grey level of a picture, to a power; the decoder is one learned layer,

$$z = \bar x^{\,p}, \qquad \hat x = \sigma(w z + b)$$

so what it writes down of every picture is the same shape, brighter or darker.

**References.** None: it is the toy of a test.
"""

from collections.abc import Mapping

from pydantic import Field

from genlib.config import Config, TrainConfig
from genlib.entry import FamilyEntry, Preset


class ToyConfig(Config):
    """How brightness becomes a coding."""

    power: float = Field(
        1.0,
        ge=0.5,
        le=2.0,
        title="Power",
        description="Of the mean grey level: more than 1 spreads bright pictures.",
        json_schema_extra={"step": 0.25},
    )


def headline(metrics: Mapping[str, float]) -> str:
    """Return the test error in the toy's own words."""
    return f"Every toy is off by **{metrics['test_mse']:.4f}**"


FAMILY = FamilyEntry(
    config_type=ToyConfig,
    class_name="Toy",
    knobs=("power", "learning_rate", "epochs"),
    presets={
        "fast": Preset(
            ToyConfig(),
            TrainConfig(learning_rate=0.1, batch_size=64, epochs=2),
            "A moment on digits.",
            "digits",
        ),
        "strong": Preset(
            ToyConfig(power=2.0),
            TrainConfig(learning_rate=0.1, batch_size=64, epochs=2),
            "Bright pictures lie further apart.",
            "digits",
        ),
    },
    abilities=frozenset({"encodes"}),
    headline=headline,
)
