"""How does a recipe end? The same game from many seeds at once."""

import time
from collections.abc import Iterator
from typing import Literal

from jaxtyping import Float
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.config import Config
from genlib.data.points import MODES, Modes
from genlib.errors import TaskError
from genlib.metrics import count_modes
from genlib.runs.spec import RunSpec
from genlib.studies.many_seeds import play
from genlib.studies.starts import Plane
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

SAMPLES = 2500  # of each game, as in Lin et al. 2018
SHOWN = 400  # of them are kept
GAMES_IN_ONE = 4  # games side by side that take as long as one more by itself


class SeedSweep(Config):
    """The modes that a game captures from many seeds."""

    study: Literal["seed_sweep"] = "seed_sweep"
    start: Plane = Field(description="The game; its seed is the first.")
    seeds: int = Field(
        10,
        ge=2,
        le=64,
        title="Seeds",
        description="How many games are played at once.",
        json_schema_extra={"options": [4, 10, 16, 32, 64]},
    )

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it plays all games itself."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long as many games take side by side."""
        return (durations.of_run(self.start) or 0.0) * (1 + self.seeds / GAMES_IN_ONE)

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the modes of each game; it begins anew.

        Raises:
            TaskError: the data have no modes to count, or the games diverged.
        """
        modes, began = modes_of(self.start.dataset), time.perf_counter()
        for step, steps, samples in play(self.start, self.seeds, SAMPLES, workspace.device):
            if samples is None:
                yield Progress(step, steps + 1, {})
                continue
            counts = [count_modes(each, *modes) for each in samples.cpu()]
            games = [Game(**count._asdict()) for count in counts]
            result = Sweep(games=games, seconds=time.perf_counter() - began)
            files = {
                "games.json": result.to_json(),
                "samples.safetensors": save({"samples": samples[:, :SHOWN].cpu().contiguous()}),
            }
            yield Progress(steps + 1, steps + 1, files)


class Game(Result):
    """The mode coverage of a game: see `genlib.metrics.ModeCount`."""

    captured: int
    high_quality: float
    reverse_kl: float


class Sweep(Result):
    """The mode coverage of a recipe from several seeds."""

    games: list[Game]
    seconds: float  # for all games together


def modes_of(dataset: str) -> Modes:
    """Return the modes of a data set.

    Raises:
        TaskError: it has none.
    """
    if dataset not in MODES:
        raise TaskError("There are no modes to count here: take the ring, the grid or the blobs.")
    return MODES[dataset]


def sweep(files: Files) -> Sweep:
    """Return the result of `perform`."""
    return Sweep.from_json(files["games.json"])


def samples_of(files: Files) -> Float[Tensor, "games shown 2"]:
    """Return SHOWN samples of each game."""
    return load(files["samples.safetensors"])["samples"]
