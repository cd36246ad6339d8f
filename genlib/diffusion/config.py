"""What diffusion and flow matching share as settings, recipes and facts of their entries."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

from pydantic import Field

from genlib.config import Config, TrainConfig
from genlib.entry import FamilyEntry

Network = Literal["U-Net", "transformer", "book's"]
PREVIEW_NFE = 8  # function evaluations of a sample while training: rough, but soon

QUICK = TrainConfig(learning_rate=6e-3, batch_size=64, epochs=3, warmup=0.05, ema=0.995)
THOROUGH = QUICK.model_copy(update={"epochs": 10, "ema": 0.999})
LARGE = THOROUGH.model_copy(update={"batch_size": 256, "epochs": 50})  # for a GPU
PLANE = QUICK.model_copy(
    update={"optimizer": "adam", "learning_rate": 2e-3, "batch_size": 512, "epochs": 100}
)


class DiffusionConfig(Config):
    """The network that sees through noise."""

    network: Network = Field(
        "U-Net",
        title="Network",
        description="A U-Net on half the height and width is four times quicker; a transformer "
        "on patches wants more training; the book's is small. Points always get dense layers.",
    )
    width: int = Field(
        32,
        ge=8,
        le=128,
        multiple_of=8,
        title="Width",
        description="Channels of the finest maps, values of a patch, or hidden units.",
        json_schema_extra={"options": [8, 16, 32, 48, 64, 96, 128]},
    )
    depth: int = Field(
        1,
        ge=1,
        le=4,
        title="Depth",
        description="Blocks; the book's U-Net has its own number.",
    )
    conditional: bool = Field(
        False,
        title="Class-conditional",
        description="The network gets the class of each picture as an input, so that you can ask "
        "for a class. For a tenth of the pictures it gets none, so that guidance is possible.",
    )


def headline(metrics: Mapping[str, float]) -> str:
    """Return the error of the noise, that of always predicting zero, and what it compares."""
    return (
        f"Noise-prediction error (MSE) **{metrics['test_noise']:.4f}**, always predicting zero "
        "has 1. It says little about the samples, and it compares only runs with the same data, "
        "schedule and number of times."
    )


diffusion_entry = partial(
    FamilyEntry,
    abilities=frozenset({"generates", "diffuses"}),
    headline=headline,
    learns=("pictures", "plane"),
    shows=(
        f"samples of at most {PREVIEW_NFE} steps",
        "test pictures in more and more noise",
        "the model's estimates of the clean pictures",
    ),
    primary_metric="noise",
    metric_title="noise-prediction error",
    trivial=("always zero", 1.0),
)
