"""The curated list: which models of the Hub a student may pull, each pinned to its very bytes.

A pin is a commit, and the size and SHA-256 of each file at it. What could not be looked up when
the list was written is left empty: then the first download decides, on each server for itself
(`genlib.hub.pins`), or the operator does for all by `python -m genlib hub pin`, which downloads,
checks, and writes what it found into the list.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter, ValidationError

from genlib.config import Config
from genlib.hub.errors import HubError
from genlib.settings import Settings

Kind = Literal["ddpm", "autoencoder", "run"]
REPOSITORY = r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$"
COMMIT = r"^[0-9a-f]{40}$"
SHIPPED = "genlib/shipped"  # no repository of the Hub: what comes with the package
LARGEST = 500 * 10**6  # bytes of a model
LIST = Path(__file__).with_name("pretrained.json")

# The parts of each kind, and where they may lie in a repository, as diffusers and we save them.
PARTS: dict[Kind, dict[str, tuple[str, ...]]] = {
    "ddpm": {
        "network.json": ("unet/config.json", "config.json"),
        "network.safetensors": (
            "unet/diffusion_pytorch_model.safetensors",
            "diffusion_pytorch_model.safetensors",
        ),
        "scheduler.json": ("scheduler/scheduler_config.json", "scheduler_config.json"),
    },
    "autoencoder": {
        "network.json": ("vae/config.json", "config.json"),
        "network.safetensors": (
            "vae/diffusion_pytorch_model.safetensors",
            "diffusion_pytorch_model.safetensors",
        ),
    },
    "run": {
        "run.json": ("config.json",),
        "run.safetensors": ("model.safetensors",),
        "history.jsonl": ("history.jsonl",),
        "snapshots.safetensors": ("snapshots.safetensors",),
    },
}


class PinnedFile(Config):
    """A file of a repository, down to its bytes; `part` is what it is kept as.

    Without a path it lies at one of the usual places of its part.
    """

    part: str = Field(pattern=r"^[a-z]+\.(json|jsonl|safetensors)$")
    path: str = Field(
        "", max_length=200, pattern=r"^((\w[\w.-]*/)*\w[\w.-]*\.(json|jsonl|safetensors))?$"
    )
    size: int | None = Field(None, ge=1, le=LARGEST, description="Bytes; None if not known.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @classmethod
    def of(cls, part: str, path: str, content: bytes) -> "PinnedFile":
        """Return the pin of a file's bytes."""
        digest = hashlib.sha256(content).hexdigest()
        return cls(part=part, path=path, size=len(content), sha256=digest)


class Pretrained(Config):
    """One entry of the list. Without a commit, or a file's sum, the first download decides."""

    name: str = Field(pattern="^[a-z0-9-]+$", max_length=40)
    title: str
    repo: str = Field(pattern=REPOSITORY)
    kind: Kind
    licence: str = Field(description="As its card says; empty where nobody has looked yet.")
    megabytes: float = Field(description="About how much there is to download.")
    shows: str = Field(description="One sentence for the student.")
    commit: str = Field("", pattern=rf"{COMMIT}|^$")
    files: tuple[PinnedFile, ...] = ()


_ENTRIES = TypeAdapter(tuple[Pretrained, ...])


def curated(path: Path | None = None) -> tuple[Pretrained, ...]:
    """Return the list: the operator's own (GENLIB_HUB_LIST) where there is one.

    Raises:
        HubError: it cannot be read.
    """
    path = path or Settings().hub_list or LIST
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise HubError(f"The list of pretrained models cannot be read: {path.name}.") from error


def with_entry(new: Pretrained) -> tuple[Pretrained, ...]:
    """Return the list with another entry in the place of the one of the same name."""
    return tuple(new if old.name == new.name else old for old in curated())


def write_curated(entries: tuple[Pretrained, ...], path: Path | None = None) -> None:
    """Write the list, whole or not at all.

    Raises:
        OSError: there is no room, or the folder may not be written.
    """
    path = path or Settings().hub_list or LIST
    document = [entry.model_dump(mode="json") for entry in entries]
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    Path(file.name).chmod(0o644)
    os.replace(file.name, path)  # noqa: PTH105
