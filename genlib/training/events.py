"""What happens while a family trains or a study measures, as they yield it."""

from dataclasses import dataclass

from torch import Tensor

from genlib.family import Data, Family
from genlib.training.curve import Curve

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Step:
    """One step was taken; `curve.read()` fetches the losses so far."""

    step: int
    steps: int
    stage: str
    curve: Curve


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the averaged weights make now, and their figures of merit on validation pictures."""

    step: int
    figures: dict[str, float]
    images: Data


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that is needed to go on from here as if nothing had happened."""

    step: int
    state: State


@dataclass(frozen=True, slots=True)
class Diverged:
    """Training blew up and cannot go on."""

    step: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The trained family, its weights averaged, and the seconds that it took."""

    family: Family
    curve: Curve
    seconds: float


Event = Step | Snapshot | Checkpoint | Diverged | Finished
