"""The only abstract classes: what every family of models offers, and the abilities it may have."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar, final

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from genlib.config import Config

Shape = tuple[int, int, int]
Losses = dict[str, Float[Tensor, ""]]
Model = TypeVar("Model", bound="Family")
Pictures = Float[Tensor, "batch channels height width"]
Codes = Float[Tensor, "batch codings"] | Int64[Tensor, "batch codings"]
Shown = Float[Tensor, "shown channels height width"]  # several for each picture of a batch


class Stage(NamedTuple):
    """A phase of training and the share of all steps that it takes."""

    name: str
    share: float


@dataclass(frozen=True)
class Batch:
    """What a step of training gets.

    Attributes:
        x: pictures in [0, 1], or points.
        labels: the class of each, where the data have classes.
        stage: the name of the stage of training; empty outside training.
        progress: the share of that stage that is over. While training it is a tensor on the
            device, never read on the host: a CUDA graph of the step is captured once.
    """

    x: Pictures
    labels: Int64[Tensor, "batch"] | None = None
    stage: str = ""
    progress: float | Tensor = 1.0


class Family(nn.Module, ABC):
    """A family of generative models, trainable by `genlib.train`.

    Args:
        config: this family's settings.
        shape: (channels, height, width) of one picture.
    """

    loss_code: ClassVar[object] = None  # where the loss is written, if not in `updates`

    def __init__(self, config: Config, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages of training in order; a batch says which one it is for."""
        return (Stage("train", 1.0),)

    def phase(self, share: float) -> str:
        """Return what goes on after that share of all steps; empty where there is one phase."""
        stages, ends = self.stages(), 0.0
        for stage in stages:
            ends += stage.share
            if share < ends:
                break
        return stage.name if len(stages) > 1 else ""

    def in_stage(self: Model, stage: str, progress: float | Tensor) -> Model:
        """Return the model as it is used in a stage: itself, or a view that shares its weights.

        Args:
            stage: its name.
            progress: the share of it that is over.
        """
        return self

    @final
    def warm_start(self, parent: "Family") -> None:
        """Copy the weights of a parent where names and shapes agree.

        So a model goes on learning with another objective, or gets a prior over the codes of an
        encoder that it takes over whole.

        Raises:
            ValueError: they agree nowhere.
        """
        own = self.state_dict()
        shared = {
            name: weight
            for name, weight in parent.state_dict().items()
            if name in own and own[name].shape == weight.shape
        }
        if not shared:
            raise ValueError("the model to begin with has no weight in common with this one")
        self.load_state_dict(own | shared)

    @abstractmethod
    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the modules that a stage optimises, each by an optimizer of its own."""

    def learning_rate_multipliers(self) -> dict[str, float]:
        """Return the learning rates of players, as multiples of the recipe's; 1 where missing."""
        return {}

    def relative_cost(self) -> float:
        """Return what a step costs, as a multiple of passing its pictures through `preview`."""
        return 1.0

    @abstractmethod
    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield (player, losses) for each update of one step.

        The loop minimises the sum of the losses in that player's parameters, then resumes.
        """

    @abstractmethod
    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return the pictures, in [0, 1], that show how far training is.

        First all pictures of the first kind that the entry's `shows` names, then the next.
        """

    @abstractmethod
    def evaluate(self, x: Pictures) -> Losses:
        """Return the family's figures of merit on pictures it was not trained on."""

    @abstractmethod
    def sizes(self) -> list[tuple[str, int]]:
        """Return (name, values) of each layer from input to output, for the architecture."""


class Encodes(ABC):
    """The ability to turn pictures into codings and back.

    Codings are numbers, or integers: places in a codebook, of which only equality means anything.
    """

    @abstractmethod
    def encode(self, x: Pictures) -> Codes:
        """Return the codings z of pictures x in [0, 1]."""

    @abstractmethod
    def decode(self, z: Codes) -> Pictures:
        """Return the pictures, in [0, 1], of codings z."""

    def reconstruct(self, x: Pictures) -> Pictures:
        """Return decode(encode(x))."""
        return self.decode(self.encode(x))


def encoding(family: Family) -> Encodes:
    """Return the same family as one that encodes.

    Raises:
        TypeError: it has no codings.
    """
    if not isinstance(family, Encodes):
        raise TypeError(f"{type(family).__name__} has no codings")
    return family


class Generates(ABC):
    """The ability to make new pictures."""

    @abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Pictures:
        """Return new pictures, in [0, 1]; computed where the generator is."""


class GaussianCodings(Generates):
    """The ability to make new pictures of codings z from N(0, I), so that one can walk in z.

    Attributes:
        codings: the dimensions of z.
    """

    codings: int

    @abstractmethod
    def generate(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures, in [0, 1], of codings z."""

    @final
    def sample(self, count: int, rng: torch.Generator) -> Pictures:
        """Return the pictures of new codings."""
        z = torch.randn(count, self.codings, generator=rng, device=rng.device)
        return torch.cat([self.generate(part) for part in z.split(1000)])


def generating(family: Family) -> Generates:
    """Return the same family as one that makes new pictures.

    Raises:
        TypeError: it makes none.
    """
    if not isinstance(family, Generates):
        raise TypeError(f"{type(family).__name__} makes no new pictures")
    return family


def gaussian_codings(family: Family) -> GaussianCodings:
    """Return the same family as one that makes new pictures of codings from N(0, I).

    Raises:
        TypeError: it makes none, or makes them otherwise.
    """
    if not isinstance(family, GaussianCodings):
        raise TypeError(f"{type(family).__name__} makes no pictures of codings from N(0, I)")
    return family


class Discriminates(ABC):
    """The ability to tell real pictures from generated ones."""

    @abstractmethod
    def discriminate(self, x: Pictures) -> Float[Tensor, "batch"]:
        """Return the discriminator's logit of each picture in [0, 1]: a high one says real."""

    @abstractmethod
    def decision_threshold(self, real: Pictures, generated: Pictures) -> Float[Tensor, ""]:
        """Return the logit from which it says real; it may follow from pictures of both kinds."""


class Denoises(ABC):
    """The ability to restore pictures that were corrupted.

    Attributes:
        level: the corruption that it is trained for, in the family's own unit.
    """

    level: float

    @abstractmethod
    def corrupt(self, x: Pictures, rng: torch.Generator, level: float) -> Pictures:
        """Return corrupted pictures; the level is in the family's own unit."""

    @abstractmethod
    def denoise(self, x: Pictures) -> Pictures:
        """Return the estimate of the clean pictures of corrupted ones."""

    @abstractmethod
    def noise_variance(
        self, x: Float[Tensor, "batch pixels"], level: float
    ) -> Float[Tensor, "pixels"]:
        """Return the variance that `corrupt` adds to each pixel of pictures such as x."""


Data = UInt8[Tensor, "_ channels height width"] | Float[Tensor, "_ channels height width"]


def to_float(
    data: UInt8[Tensor, "*shape"] | Float[Tensor, "*shape"],
) -> Float[Tensor, "*shape"]:
    """Return grey levels 0 … 255 as numbers in [0, 1]; points are numbers already."""
    return data if data.is_floating_point() else data.float() / 255


def to_uint8(x: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Return numbers as the nearest grey levels 0 … 255, clipped to [0, 1] first."""
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)
