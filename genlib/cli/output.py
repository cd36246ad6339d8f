"""What a command prints: a progress bar and a table on a terminal, else JSON, one line each."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field
from pydantic_settings import CliToggleFlag

Documents = Iterator[dict[str, Any]]
FINGERPRINT = re.compile("[0-9a-f]{40,64}")
SHOWN = 12  # digits of a fingerprint in a table


class Command(BaseModel):
    """A command; its fields are the options."""

    json_lines: CliToggleFlag[bool] = Field(
        False, alias="json", description="Print JSON lines, as into a pipe, instead of a table."
    )

    def documents(self, *, terminal: bool) -> Documents:
        """Yield what is printed; on a terminal it may draw a progress bar meanwhile."""
        raise NotImplementedError


def write(command: Command) -> None:
    """Run a command and print what it yields."""
    terminal = sys.stdout.isatty() and not command.json_lines
    documents = command.documents(terminal=terminal)
    if terminal:
        sys.stdout.write(table(list(documents)))
        return
    for document in documents:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def table(documents: list[dict[str, Any]]) -> str:
    """Return documents as the rows of a table; a single one as a row a key."""
    if len(documents) == 1:
        rows = [[key, _cell(value, whole=True)] for key, value in documents[0].items()]
    else:
        keys = list(dict.fromkeys(key for document in documents for key in document))
        rows = [[_cell(document.get(key, "")) for key in keys] for document in documents]
        rows = [keys, *rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _cell(value: object, *, whole: bool = False) -> str:
    """Return a value as text; hashes are cut short unless `whole`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    text = str(value)
    return text[:SHOWN] if FINGERPRINT.fullmatch(text) and not whole else text
