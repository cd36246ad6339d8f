"""The data sets: what is known of each before it is loaded, and whether it is here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field

from genlib.entry import Kind
from genlib.errors import TaskError
from genlib.settings import Settings

Named = Literal[
    "ellipse",
    "ring",
    "grid",
    "moons",
    "spiral",
    "blobs",
    "fashion_mnist",
    "mnist",
    "kmnist",
    "cifar10",
    "digits",
]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CELLS = 16  # rows and columns of a drawing
DRAWN = r"^drawn-[0-9a-f]{64}$"  # the name of a data set that somebody drew: its cells in hex
DatasetName: TypeAlias = Named | Annotated[str, Field(pattern=DRAWN)]


class DatasetUnavailableError(TaskError):
    """A data set is neither on this machine nor to be downloaded now."""


class Source(NamedTuple):
    """What is known of a data set before it is loaded."""

    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    torchvision: str  # the class in torchvision.datasets; empty for what is always here
    download_bytes: int  # what its download leaves in the data folder
    pictures: int = 55_000  # to train with
    kind: Kind = "pictures"
    passes: int = 1  # for each of a preset's epochs: with few pictures an epoch has few steps


def _plane(title: str, *classes: str) -> Source:
    return Source(title, classes, (2, 1, 1), "", 0, 20_000, "plane")


class Catalogue(dict[str, Source]):
    """What is known of each data set; of one that somebody drew it is always the same."""

    def __missing__(self, name: str) -> Source:
        if re.fullmatch(DRAWN, name) is None:
            raise KeyError(name)
        return _plane("Your own drawing", "point")


NUMERALS = tuple("0123456789")
DATASETS: Mapping[DatasetName, Source] = Catalogue(
    {
        "ellipse": Source(
            "Ellipse in space, 60 points", ("point",), (3, 1, 1), "", 0, 60, "points"
        ),
        "ring": _plane("Ring of 8", *(f"mode {index + 1}" for index in range(8))),
        "grid": _plane("Grid of 25", *(f"mode {index + 1}" for index in range(25))),
        "moons": _plane("Two moons", "upper", "lower"),
        "spiral": _plane("Spiral", "first arm", "second arm"),
        "blobs": _plane("Two blobs", "left", "right"),
        "fashion_mnist": Source(
            "Fashion-MNIST",
            (
                *("T-shirt", "trouser", "pullover", "dress", "coat"),
                *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
            ),
            (1, 28, 28),
            "FashionMNIST",
            86_000_000,
        ),
        "mnist": Source("MNIST", NUMERALS, (1, 28, 28), "MNIST", 66_500_000),
        "kmnist": Source(
            "Kuzushiji-MNIST",
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            (1, 28, 28),
            "KMNIST",
            76_000_000,
        ),
        "cifar10": Source(
            "CIFAR-10",
            (
                *("airplane", "automobile", "bird", "cat", "deer"),
                *("dog", "frog", "horse", "ship", "truck"),
            ),
            (3, 32, 32),
            "CIFAR10",
            357_000_000,
            45_834,
        ),
        "digits": Source(
            "Digits 8×8 (scikit-learn)", NUMERALS, (1, 8, 8), "", 0, 1_373, passes=20
        ),
    }
)


def default_dataset() -> DatasetName:
    """Return Fashion-MNIST where it is on this machine, else scikit-learn's digits."""
    return "fashion_mnist" if _is_here("fashion_mnist") else "digits"


def download_fraction(name: DatasetName) -> float | None:
    """Return how much of a download is on the disk, in [0, 1]; None where none is needed."""
    if _is_here(name):
        return None
    files = [path for path in folder(name).rglob("*") if path.is_file()]
    return min(1.0, sum(path.stat().st_size for path in files) / DATASETS[name].download_bytes)


def folder(name: DatasetName) -> Path:
    """Return where the downloads of a data set lie."""
    return Settings().home / "data" / DATASETS[name].torchvision


def _is_here(name: DatasetName) -> bool:
    return (
        not DATASETS[name].torchvision
        or (folder(name) / "complete").exists()
        or (name == "fashion_mnist" and DEBIAN.is_dir())
    )
