"""Measured experiments on trained models: asked for, queued and kept like a run."""

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from genlib.classifier import ClassifierSpec
from genlib.hub import Pull, Reversal
from genlib.runs.spec import RunSpec
from genlib.studies.ablation import Ablation
from genlib.studies.beta_sweep import BetaSweep
from genlib.studies.code_map import CodeMap
from genlib.studies.comparison import Comparison
from genlib.studies.few_labels import FewLabels
from genlib.studies.health import Health
from genlib.studies.likelihood import Likelihood
from genlib.studies.mixture_prior import MixturePrior
from genlib.studies.recipe_grid import RecipeGrid
from genlib.studies.sampler_bench import SamplerBench
from genlib.studies.seed_sweep import SeedSweep
from genlib.studies.style_layers import StyleLayers

OnModel = (
    CodeMap
    | FewLabels
    | Likelihood
    | BetaSweep
    | MixturePrior
    | Health
    | SamplerBench
    | StyleLayers
)
OnRun = OnModel | SeedSweep | RecipeGrid | Ablation  # with a run, or with its specification
OfData = ClassifierSpec | Comparison  # they begin with a data set
Study = OnRun | OfData | Pull | Reversal
Task = RunSpec | Study

STUDIES: dict[str, type[OnRun | OfData]] = {
    kind.model_fields["study"].default: kind for kind in get_args(OnRun | OfData)
}
_TASKS: TypeAdapter[Task] = TypeAdapter(RunSpec | Annotated[Study, Field(discriminator="study")])

__all__ = [
    "STUDIES",
    "Ablation",
    "BetaSweep",
    "ClassifierSpec",
    "CodeMap",
    "Comparison",
    "FewLabels",
    "Health",
    "Likelihood",
    "MixturePrior",
    "OfData",
    "OnModel",
    "OnRun",
    "Pull",
    "RecipeGrid",
    "Reversal",
    "SamplerBench",
    "SeedSweep",
    "Study",
    "StyleLayers",
    "Task",
    "read_task",
]


def read_task(text: str) -> Task:
    """Return the run or the study that was written as JSON.

    Raises:
        pydantic.ValidationError: it is neither.
    """
    return _TASKS.validate_json(text)
