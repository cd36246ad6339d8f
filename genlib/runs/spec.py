"""What a run is asked for by: all that decides what it gives."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, SerializeAsAny, model_validator

from genlib.config import Config, TrainConfig
from genlib.data import DATASETS, DatasetName
from genlib.models import FAMILIES

if TYPE_CHECKING:
    from genlib.family import Family

Kind = TypeVar("Kind", bound=Config)


class RunSpec(Config):
    """All that decides what a run gives. Its fingerprint is the run's name everywhere."""

    family: str = Field(max_length=40, title="Family")
    dataset: DatasetName = Field(title="Data set")
    model: SerializeAsAny[Config]
    train: TrainConfig
    parent: "RunSpec | None" = Field(
        None,
        title="Begins with",
        description="The run whose weights it begins with, where names and shapes agree.",
        json_schema_extra={"since": 2},
    )

    @model_validator(mode="before")
    @classmethod
    def _model_is_of_family(cls, data: Any) -> Any:
        """Validate the model by its family's own config."""
        if not isinstance(data, dict) or str(data.get("family")) not in FAMILIES:
            raise ValueError(f"there are only the families {', '.join(FAMILIES)}")
        wanted, model = FAMILIES[data["family"]].config_type, data.get("model")
        right = isinstance(model, wanted)
        return data | {"model": model if right else wanted.model_validate(model)}

    @model_validator(mode="after")
    def _family_learns_the_data(self) -> "RunSpec":
        """Refuse points for a family that learns pictures alone."""
        if DATASETS[self.dataset].kind not in FAMILIES[self.family].learns:
            raise ValueError(f"{self.family} does not learn {DATASETS[self.dataset].kind}")
        return self

    @classmethod
    def of_preset(
        cls, family: str, preset: str | None = None, dataset: DatasetName | None = None
    ) -> "RunSpec":
        """Return a preset's specification: the family's first, on its own data, by default.

        On other data that are few it has more epochs, as many times as they need, and where the
        preset says so other settings of the model.

        Raises:
            KeyError: there is no such family or preset.
        """
        presets = FAMILIES[family].presets
        chosen = presets[preset or next(iter(presets))]
        name: DatasetName = dataset or chosen.dataset
        passes = 1 if name == chosen.dataset else DATASETS[name].passes
        return cls(
            family=family,
            dataset=name,
            model=chosen.model_for(name),
            train=chosen.train.repeated(passes),
        )

    def model_as(self, kind: type[Kind]) -> Kind:
        """Return the model's config as one of that kind.

        Raises:
            TypeError: the family has another.
        """
        if not isinstance(self.model, kind):
            raise TypeError(f"the config of {self.family} is no {kind.__name__}")
        return self.model

    @property
    def batch_size(self) -> int:
        """The pictures of a training step: no more than there are."""
        return min(self.train.batch_size, self._pictures)

    @property
    def steps(self) -> int:
        """The training steps in all."""
        return self.train.epochs * (self._pictures // self.batch_size)

    @property
    def _pictures(self) -> int:
        available = DATASETS[self.dataset].pictures
        return min(self.train.pictures or available, available)

    @property
    def prerequisites(self) -> tuple["RunSpec", ...]:
        """The runs that must be finished before this one: its parent."""
        return () if self.parent is None else (self.parent,)

    def perform(self, workspace: Any, files: dict[str, bytes]) -> Iterator[Any]:
        """Yield the progress of its training: see `genlib.tasks.task.Task`.

        Args:
            workspace: a `genlib.tasks.workspace.Workspace`, which is above this module.
            files: of a checkpoint, to go on from there.

        Raises:
            TaskError: it diverged, or its data set or its parent is not here.
        """
        yield from workspace.training(self, files)

    def estimated_seconds(self, durations: Any) -> float | None:
        """Return about how long it takes, by `genlib.tasks.durations.Durations`."""
        seconds: float | None = durations.of_run(self)
        return seconds

    def build(self, parent: "Family | None" = None) -> "Family":
        """Return the untrained family, its weights drawn from the seed or those of a parent.

        Raises:
            ValueError: the parent has no weight of the same name and shape.
        """
        from genlib.rng import build  # with torch

        make, shape = FAMILIES[self.family].load(), DATASETS[self.dataset].shape
        family = build(lambda: make(self.model, shape), self.train.seed)
        if parent is not None:
            family.warm_start(parent)
        return family
