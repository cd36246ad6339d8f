"""Measured experiments on trained models: asked for, queued and kept like a run."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from genlib.runs import RunSpec
from genlib.studies.code_map import CodeMap
from genlib.studies.few_labels import FewLabels

Study = Annotated[CodeMap | FewLabels, Field(discriminator="study")]
Task = RunSpec | CodeMap | FewLabels

_TASKS: TypeAdapter[Task] = TypeAdapter(RunSpec | Study)

__all__ = ["CodeMap", "FewLabels", "Task", "read_task"]


def read_task(text: str) -> Task:
    """Return the run or the study that was written as JSON.

    Raises:
        pydantic.ValidationError: it is neither.
    """
    return _TASKS.validate_json(text)
