"""What a task measured, written as JSON with a name for each field."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator

Kind = TypeVar("Kind", bound="Result")


class Result(BaseModel):
    """Frozen named fields, which may be infinite or NaN.

    Version 1 wrote fields by their position. Such a list is still read, so a new field comes
    last, with a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _name_positions(cls, data: Any) -> Any:
        if not isinstance(data, list | tuple):
            return data
        if len(data) > len(cls.model_fields):
            raise ValueError(f"{cls.__name__} has only {len(cls.model_fields)} fields")
        return dict(zip(cls.model_fields, data, strict=False))

    @classmethod
    def from_json(cls: type[Kind], content: bytes) -> Kind:
        """Return the result of `to_json`, or of version 1.

        Raises:
            pydantic.ValidationError: it is another.
        """
        return cls.model_validate_json(content)

    def to_json(self) -> bytes:
        """Return the result as JSON."""
        return json.dumps(self.model_dump()).encode()


class Measurement(Result):
    """How long a study took, all attempts together, and where it was measured."""

    seconds: float
    device: str


def list_from_json(kind: type[Kind], content: bytes) -> list[Kind]:
    """Return the results of `list_to_json`, or of version 1.

    Raises:
        pydantic.ValidationError: they are others.
    """
    return TypeAdapter(list[kind]).validate_json(content)  # type: ignore[valid-type]


def list_to_json(results: Sequence[Result]) -> bytes:
    """Return several results as JSON."""
    return json.dumps([result.model_dump() for result in results]).encode()
