"""All tasks that can be asked for, by the name that their documents have."""

import json
from typing import Any

from genlib.hub import Pull, Reversal
from genlib.runs.spec import RunSpec
from genlib.studies import STUDIES
from genlib.tasks.task import Task

DOWNLOADS: dict[str, type[Any]] = {"pull": Pull, "reversal": Reversal}


def read_task(text: str) -> Task:
    """Return the task that was written as JSON: a document without "study" is that of a run.

    Raises:
        ValueError: it is none, or one with values out of range (pydantic.ValidationError).
    """
    document = json.loads(text)
    if not isinstance(document, dict) or "study" not in document:
        return RunSpec.model_validate_json(text)
    task: Task = _class(str(document["study"])).model_validate_json(text)
    return task


def _class(name: str) -> type[Any]:
    if name in DOWNLOADS:
        return DOWNLOADS[name]
    if name not in STUDIES:
        raise ValueError(f"there are only the studies {', '.join([*STUDIES, *DOWNLOADS])}")
    return STUDIES[name].load()
