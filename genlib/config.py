"""What a run is made of: frozen, validated settings with a fingerprint.

A config is the only thing that is handed on: it is the widget, the URL, the cache key, the
checkpoint header and the command line. A default, a range or a label is written nowhere else.
"""

import hashlib
import json
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Optimizer = Literal["muon", "adamw", "adam", "nadam", "rmsprop", "sgd"]
Activation = Literal["relu", "selu", "gelu"]
Nonlinearity = Literal["relu", "selu", "gelu", "tanh", "leaky relu"]  # what games use besides
Reconstruction = Literal["mse", "bce"]
MOST_EPOCHS = 1000
MOST_SEED = 9_999


class Config(BaseModel):
    """Frozen settings; unknown names, infinities and values out of range are refused.

    A field's `json_schema_extra` may say more of it: the "options" or the "step" of its widget,
    and, where it was added later, "since" which version it is there.

    Raises:
        pydantic.ValidationError: on construction, naming each field that is wrong.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=()
    )
    version: ClassVar[int] = 1  # rises where the same settings give another result

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hexadecimal digits) of the canonical JSON: sorted keys, no spaces.

        What did not exist when a result was kept is left out, so that the result is found: the
        version 1, and a field added later (`json_schema_extra={"since": 2}`) at its default.
        """
        text = json.dumps(_canonical(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _canonical(config: Config) -> dict[str, Any]:
    """Return what the fingerprint is of, with configs within the config treated alike."""
    document = config.model_dump(mode="json")
    for name, field in type(config).model_fields.items():
        value, extra = getattr(config, name), field.json_schema_extra
        if isinstance(value, Config):
            document[name] = _canonical(value)
        if isinstance(extra, dict) and "since" in extra and value == field.default:
            del document[name]
    return document | ({"version": config.version} if config.version > 1 else {})


def sentence_of(error: ValidationError) -> str:
    """Return in one sentence which values are wrong, and what each should be."""
    parts = []
    for each in error.errors():
        reason = each["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        named = f"{each['loc'][-1]} is {each['input']!r}: " if each["loc"] else ""
        parts.append(named + reason)
    return "; ".join(parts) + "."


class Difference(NamedTuple):
    """A field in which two configs differ, and both its values; None where one has no such."""

    title: str
    left: Any
    right: Any


def differences(left: Config, right: Config) -> list[Difference]:
    """Return the fields in which two configs differ, those of configs within them included."""
    parts = []
    for name, field in (type(left).model_fields | type(right).model_fields).items():
        one, other = getattr(left, name, None), getattr(right, name, None)
        if isinstance(one, Config) and isinstance(other, Config):
            parts += differences(one, other)
        elif one != other:
            parts.append(Difference(field.title or name, one, other))
    return parts


class TrainConfig(Config):
    """The training recipe, the same for every family."""

    optimizer: Optimizer = Field(
        "muon",
        title="Optimizer",
        description="How a gradient becomes a step. Muon makes every singular value of a weight "
        "matrix's step equal, and uses AdamW for biases.",
    )
    learning_rate: float = Field(
        0.012,
        ge=1e-5,
        le=10.0,
        title="Learning rate",
        description="The size of a step. Too small learns slowly, too large diverges.",
        json_schema_extra={
            "options": [
                *(1e-4, 3e-4, 1e-3, 2e-3, 4e-3, 0.006, 0.012),
                *(0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
            ]
        },
    )
    batch_size: int = Field(
        512,
        ge=1,
        le=4096,
        title="Batch size",
        description="Pictures per step. Large batches use the hardware better; small ones take "
        "more steps an epoch.",
        json_schema_extra={"options": [16, 32, 64, 128, 256, 512, 1024]},
    )
    epochs: int = Field(
        8,
        ge=1,
        le=MOST_EPOCHS,
        title="Epochs",
        description="Passes over the training pictures.",
        json_schema_extra={
            "options": [
                *(1, 2, 3, 5, 8, 10, 12, 20, 25, 30, 40, 50, 60, 100),
                *(160, 200, 240, 300, 400, 500, 600, MOST_EPOCHS),
            ]
        },
    )
    pictures: int = Field(
        0,
        ge=0,
        le=60_000,
        title="Training pictures",
        description="How many pictures it may see; 0 means all. With few, a large network "
        "learns them by heart.",
        json_schema_extra={"options": [0, 16, 64, 256, 1024, 4096, 16384]},
    )
    warmup: float = Field(
        0.02,
        ge=0.0,
        le=0.5,
        title="Warm-up",
        description="The share of the steps in which the learning rate rises from zero.",
        json_schema_extra={"step": 0.01},
    )
    decay: Literal["none", "linear", "cosine"] = Field(
        "linear",
        title="Decay",
        description="How the learning rate falls after the warm-up.",
    )
    ema: float = Field(
        0.99,
        ge=0.0,
        le=0.9999,
        title="Weight averaging",
        description="Decay of the exponential moving average of the weights, which is the model "
        "that is shown and kept; 0 keeps the last weights.",
        json_schema_extra={"options": [0.0, 0.9, 0.97, 0.99, 0.995, 0.999, 0.9999]},
    )
    clip: float = Field(
        0.0,
        ge=0.0,
        le=100.0,
        title="Gradient clipping",
        description="The largest gradient norm; longer gradients are shortened. 0 is off.",
        json_schema_extra={"options": [0.0, 0.1, 0.3, 1.0, 3.0, 10.0]},
    )
    momentum: float = Field(
        0.9,
        ge=0.0,
        le=0.99,
        title="Momentum",
        description="How long past gradients count: β₁ of Adam and its kin, the momentum of SGD. "
        "Games of two players want less. Muon and RMSprop keep their own.",
        json_schema_extra={"options": [0.0, 0.5, 0.9, 0.95]},
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        title="Precision",
        description="The numbers of the forward pass: auto takes bfloat16 for large steps on GPUs "
        "built for it.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=MOST_SEED,
        title="Seed",
        description="The start of all randomness: on a CPU the same seed gives the same run, on a "
        "GPU nearly the same.",
    )

    def repeated(self, passes: int) -> "TrainConfig":
        """Return the recipe with so many times as many epochs, or the most that are possible."""
        return self.model_copy(update={"epochs": min(MOST_EPOCHS, passes * self.epochs)})


def textbook_recipe(epochs: int) -> TrainConfig:
    """Return the recipe of the chapter's notebooks: NAdam at 0.001, batches of 32, no schedule."""
    return TrainConfig(
        optimizer="nadam",
        learning_rate=1e-3,
        batch_size=32,
        epochs=epochs,
        warmup=0.0,
        decay="none",
        ema=0.0,
    )
