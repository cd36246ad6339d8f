"""`genlib train FAMILY`: an option for each field of the family's config and of the recipe."""

from copy import copy
from typing import Any, ClassVar

from pydantic import Field, create_model
from pydantic_settings import CliSubCommand

from genlib.cli.output import Documents
from genlib.cli.performed import Performing
from genlib.data import DATASETS
from genlib.models import FAMILIES


class FamilyCommand(Performing):
    """Train a family; the options that are left out are as in the preset."""

    family: ClassVar[str]
    preset: str = Field("", description="Where the options start; empty is the first preset.")
    dataset: str = Field(
        "",
        description=f"One of {', '.join(DATASETS)}; empty is the preset's own. "
        f"With digits the default is {DATASETS['digits'].passes} times as many epochs.",
    )

    def documents(self, *, terminal: bool) -> Documents:
        """Yield how far it is, and last what the run is and how good."""
        from genlib.front import load, spec_of  # with torch

        knobs = self.model_dump(exclude_unset=True, exclude=set(FamilyCommand.model_fields))
        spec = spec_of(self.family, self.preset, self.dataset, knobs)
        note = self.already_there(spec)
        yield from self.performed(spec, self.family, terminal=terminal)
        provenance = load(spec.fingerprint).provenance
        yield {
            "fingerprint": spec.fingerprint,
            "seconds": round(provenance.seconds, 3),
            "metrics": provenance.metrics,
        } | note


def _family_command(family: str) -> type[FamilyCommand]:
    """Return the command of a family; the defaults are those of its first preset."""
    preset = next(iter(FAMILIES[family].presets.values()))
    options: dict[str, Any] = {}
    for config in (preset.model, preset.train):
        for name, field in type(config).model_fields.items():
            option = copy(field)
            option.default = getattr(config, name)
            options[name] = (field.annotation, option)
    kind = create_model(f"train_{family}", __base__=FamilyCommand, **options)
    kind.family = family
    return kind


COMMAND = create_model(
    "train",
    __doc__="Train a model here, without the queue, and keep the run in the store.",
    **{name: (CliSubCommand[_family_command(name)], ...) for name in FAMILIES},  # type: ignore[call-overload, misc]
)
