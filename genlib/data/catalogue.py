"""The data sets: what is known of each, where it comes from, and how it is split."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias

import torch
from jaxtyping import Int64, UInt8
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from genlib.data.pictures import DEBIAN, Split, read_debian, read_digits, read_torchvision
from genlib.data.points import DRAWN, ellipse, plane
from genlib.entry import Kind
from genlib.errors import TaskError
from genlib.family import Data
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
DatasetName: TypeAlias = Named | Annotated[str, Field(pattern=DRAWN)]
Labels = Int64[Tensor, "_"]
SHOWN_POINTS = 1024


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
        "digits": Source("Digits 8×8 (scikit-learn)", NUMERALS, (1, 8, 8), "", 0, 1_373),
    }
)


@dataclass(frozen=True)
class Dataset:
    """Pictures or points of one data set, split for training, validation and test.

    Pictures are grey levels 0 … 255, points are numbers.
    """

    name: DatasetName
    train: Data
    train_labels: Labels
    validation: Data
    validation_labels: Labels
    test: Data
    test_labels: Labels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one picture."""
        channels, height, width = self.train.shape[1:]
        return channels, height, width

    def to(self, device: torch.device) -> "Dataset":
        """Return the same data set, resident on `device`."""
        tensors = {key: value.to(device) for key, value in vars(self).items() if key != "name"}
        return Dataset(self.name, **tensors)

    def showcase(self, seed: int = 0) -> Int64[Tensor, "shown"]:
        """Return the indices of what a lesson shows: a test picture of each class, or points.

        Another seed gives other pictures.
        """
        labels = self.test_labels.cpu()
        if DATASETS[self.name].kind != "pictures":
            return torch.arange(min(SHOWN_POINTS, len(labels)))
        classes = range(len(DATASETS[self.name].classes))
        ranks = [torch.nonzero(labels == label)[:, 0] for label in classes]
        return torch.stack([rank[seed % len(rank)] for rank in ranks])


@lru_cache(maxsize=16)  # what somebody drew is small
def load(name: DatasetName) -> Dataset:
    """Return the data set on the CPU, downloading it into the data folder where it must.

    The last twelfth of the training pictures is kept for validation: 55,000 / 5,000 / 10,000
    for the MNIST family. Of the ellipse there are no other points: they serve for all three.

    Raises:
        DatasetUnavailableError: with one sentence on what to do instead.
    """
    if name == "ellipse":
        points, labels = ellipse(60, 0), torch.zeros(60, dtype=torch.long)
        return Dataset(name, points, labels, points, labels, points, labels)
    if DATASETS[name].kind == "plane":
        count = DATASETS[name].pictures
        parts = [plane(name, size, seed) for seed, size in enumerate((count, 1000, 10_000))]
        return Dataset(name, *(values for part in parts for values in part))
    (train, train_labels), (test, test_labels) = _read(name)
    cut = len(train) - len(train) // 12
    return Dataset(
        name, train[:cut], train_labels[:cut], train[cut:], train_labels[cut:], test, test_labels
    )


def default_dataset() -> DatasetName:
    """Return Fashion-MNIST where it is on this machine, else scikit-learn's digits."""
    return "fashion_mnist" if _is_here("fashion_mnist") else "digits"


def download_fraction(name: DatasetName) -> float | None:
    """Return how much of a download is on the disk, in [0, 1]; None where none is needed."""
    if _is_here(name):
        return None
    files = [path for path in _folder(name).rglob("*") if path.is_file()]
    return min(1.0, sum(path.stat().st_size for path in files) / DATASETS[name].download_bytes)


def resized(
    images: UInt8[Tensor, "_ channels height width"], shape: tuple[int, int, int]
) -> UInt8[Tensor, "_ other_channels other_height other_width"]:
    """Return pictures at another size, bilinearly; grey is repeated, colours are averaged."""
    channels, height, width = shape
    x = images.float()
    if x.shape[1] != channels:
        x = x.mean(1, keepdim=True).expand(-1, channels, -1, -1)
    x = F.interpolate(x, (height, width), mode="bilinear", antialias=True)
    return x.clamp(0, 255).round().to(torch.uint8)


def _folder(name: DatasetName) -> Path:
    return Settings().home / "data" / DATASETS[name].torchvision


def _is_here(name: DatasetName) -> bool:
    return (
        not DATASETS[name].torchvision
        or (_folder(name) / "complete").exists()
        or (name == "fashion_mnist" and DEBIAN.is_dir())
    )


def _read(name: DatasetName) -> tuple[Split, Split]:
    """Return ((train, labels), (test, labels)) of a data set of pictures."""
    if name == "digits":
        return read_digits()
    if name == "fashion_mnist" and DEBIAN.is_dir():
        return read_debian()
    folder = _folder(name)
    try:
        splits = read_torchvision(DATASETS[name].torchvision, folder)
    except (OSError, RuntimeError) as error:
        source = DATASETS[name]
        raise DatasetUnavailableError(
            f"{source.title} is not on this machine and could not be downloaded; "
            "try again with a network, or choose the digits, which are always here."
        ) from error
    (folder / "complete").touch()
    return splits
