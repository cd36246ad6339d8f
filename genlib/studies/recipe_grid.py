"""Which recipe keeps all modes? Every loss with every cure, each from several seeds at once."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal, get_args

from pydantic import Field

from genlib.adversarial.config import AdversarialConfig, Loss
from genlib.config import Config
from genlib.errors import TaskError
from genlib.metrics import ModeCount, count_modes
from genlib.runs.spec import RunSpec
from genlib.studies.many_seeds import play
from genlib.studies.seed_sweep import SAMPLES, modes_of
from genlib.studies.starts import Plane
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result, list_from_json, list_to_json
from genlib.tasks.workspace import Workspace

LOSSES: tuple[Loss, ...] = get_args(Loss)
CURES: dict[str, dict[str, Any]] = {
    "none": {},
    "R1": {"r1": 0.01},
    "R1 + R2": {"r1": 0.01, "r2": 0.01},
    "gradient penalty": {"gradient_penalty": 0.1},
    "spectral norm": {"spectral_norm": True},
    "PacGAN": {"packing": 4},
    "experience replay": {"replay": 4096},
    "minibatch discrimination": {"minibatch_discrimination": True},
}
PARTS = 10  # steps of the study that each recipe counts for


class Recipe(Result):
    """The mode coverage of a loss with a cure."""

    loss: str
    cure: str
    captured: list[int]  # modes, of each seed; none where training diverged
    high_quality: float  # the mean over seeds


class RecipeGrid(Config):
    """The modes that each recipe captures, all else alike."""

    study: Literal["recipe_grid"] = "recipe_grid"
    start: Plane = Field(description="The game whose loss and cures are changed.")
    seeds: int = Field(8, ge=2, le=32, title="Seeds", description="Games of each recipe.")

    def recipes(self) -> dict[tuple[str, str], RunSpec]:
        """Return the game of each loss and cure."""
        rules = AdversarialConfig().model_dump()
        plain = {name: rules[name] for cure in CURES.values() for name in cure}
        document = self.start.model_dump()
        return {
            (loss, name): RunSpec.model_validate(
                document | {"model": document["model"] | plain | cure | {"loss": loss}}
            )
            for loss in LOSSES
            for name, cure in CURES.items()
        }

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it plays all games itself."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return how long it took for the shipped game, if that was measured."""
        shipped = RunSpec.of_preset(self.start.family)
        return durations.of_study(self.model_copy(update={"start": shipped}))

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the recipes so far; those in `files` are not played again.

        Raises:
            TaskError: the data have no modes to count.
        """
        modes, recipes, results = modes_of(self.start.dataset), self.recipes(), grid(files)
        done = {(recipe.loss, recipe.cure) for recipe in results}
        for (loss, cure), spec in recipes.items():
            if (loss, cure) in done:
                continue
            counts = list[ModeCount]()
            with suppress(TaskError):  # it diverged, which is what is to be known of it
                for step, steps, samples in play(spec, self.seeds, SAMPLES, workspace.device):
                    if samples is not None:
                        counts = [count_modes(each, *modes) for each in samples.cpu()]
                    elif step * PARTS // steps > (step - 100) * PARTS // steps:
                        part = PARTS * len(results) + min(PARTS - 1, step * PARTS // steps)
                        yield Progress(part, PARTS * len(recipes), _files(results))
            results.append(_recipe(loss, cure, counts))
            yield Progress(PARTS * len(results), PARTS * len(recipes), _files(results))


def _recipe(loss: str, cure: str, counts: list[ModeCount]) -> Recipe:
    """Return the result of a recipe by the modes of each seed; none where training diverged."""
    return Recipe(
        loss=loss,
        cure=cure,
        captured=[count.captured for count in counts],
        high_quality=sum(count.high_quality for count in counts) / max(1, len(counts)),
    )


def _files(results: list[Recipe]) -> Files:
    return {"recipes.json": list_to_json(results)}


def grid(files: Files) -> list[Recipe]:
    """Return the recipes of `perform` so far."""
    return list_from_json(Recipe, files.get("recipes.json", b"[]"))
