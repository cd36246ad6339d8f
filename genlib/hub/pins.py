"""The bytes that this server has seen first of a model that nobody pinned for it.

Trust on first use: what comes first is checked by the sums that the Hub's own listing gives and by
opening it, and written down here. From then on nothing else is taken for it on this server, even
where its files had to make room meanwhile and are downloaded once more.
"""

import os
import tempfile
from pathlib import Path

from pydantic import Field, ValidationError

from genlib.config import Config
from genlib.hub.curated import COMMIT, PinnedFile


class Pins(Config):
    """A commit, and its files down to their bytes."""

    commit: str = Field(pattern=COMMIT)
    files: tuple[PinnedFile, ...] = Field(min_length=1, max_length=8)


def read_pins(home: Path, name: str) -> Pins | None:
    """Return what was seen first under a name; None where nothing was."""
    try:
        return Pins.model_validate_json(_place(home, name).read_bytes())
    except (OSError, ValidationError):
        return None


def write_pins(home: Path, name: str, pins: Pins) -> None:
    """Write down what was seen first, whole or not at all.

    Raises:
        OSError: there is no room, or the folder may not be written.
    """
    place = _place(home, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False) as file:
        file.write(pins.model_dump_json(indent=1))
    os.replace(file.name, place)  # noqa: PTH105


def _place(home: Path, name: str) -> Path:
    return home / "pins" / f"{name}.json"
