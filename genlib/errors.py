"""The errors that end in one sentence for whoever asked."""

from collections.abc import Iterable
from difflib import get_close_matches


class TaskError(Exception):
    """A task cannot go on; the message is one sentence for the student, with what to change."""


class KnobError(ValueError):
    """A name or a value that was asked for does not exist; the message is one sentence."""


def check_name(kind: str, name: str, names: Iterable[str]) -> None:
    """Raise KnobError where a name is not among the known ones, with the nearest of them."""
    names = list(names)
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
        raise KnobError(f"There is no {kind} {name!r}: {hint}")
