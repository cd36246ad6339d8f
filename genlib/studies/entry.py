"""A study before it is loaded."""

import importlib
from typing import Any, NamedTuple


class StudyEntry(NamedTuple):
    """Where a study is: its module imports torch, so it is loaded when it is asked for."""

    module: str
    name: str  # of the class

    def load(self) -> type[Any]:
        """Return the study's class, a frozen Config with the methods of a Task."""
        study: type[Any] = getattr(importlib.import_module(self.module), self.name)
        return study
