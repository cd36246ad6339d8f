"""Pictures with labels: where they come from, how they are split, and batches by index."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from genlib.config import Settings

DatasetName = Literal["fashion_mnist", "mnist", "kmnist", "cifar10", "digits"]
Images = UInt8[Tensor, "_ channels height width"]
Labels = Int64[Tensor, "_"]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


class DatasetUnavailableError(RuntimeError):
    """A data set is neither on this machine nor to be downloaded now."""


class Source(NamedTuple):
    """What is known of a data set before it is loaded."""

    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    torchvision: str  # the class in torchvision.datasets; empty for scikit-learn's digits
    download_bytes: int  # what its download leaves in the data folder
    pictures: int = 55_000  # to train with


NUMERALS = tuple("0123456789")
DATASETS: dict[DatasetName, Source] = {
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


@dataclass(frozen=True)
class Dataset:
    """Pictures of one data set, split for training, validation and test."""

    name: DatasetName
    train: Images
    train_labels: Labels
    validation: Images
    validation_labels: Labels
    test: Images
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

    def showcase(self, seed: int = 0) -> Int64[Tensor, "classes"]:
        """Return the indices of one test picture of each class; another seed, other pictures."""
        labels = self.test_labels.cpu()
        classes = range(len(DATASETS[self.name].classes))
        ranks = [torch.nonzero(labels == label)[:, 0] for label in classes]
        return torch.stack([rank[seed % len(rank)] for rank in ranks])


@lru_cache(maxsize=3)
def load(name: DatasetName) -> Dataset:
    """Return the data set on the CPU, downloading it into the data folder where it must.

    The last twelfth of the training pictures is kept for validation: 55,000 / 5,000 / 10,000
    for the MNIST family.

    Raises:
        DatasetUnavailableError: with one sentence on what to do instead.
    """
    (train, train_labels), (test, test_labels) = _reader(name)()
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


Split = tuple[Images, Labels]


def _folder(name: DatasetName) -> Path:
    return Settings().home / "data" / DATASETS[name].torchvision


def _is_here(name: DatasetName) -> bool:
    return (
        name == "digits"
        or (_folder(name) / "complete").exists()
        or (name == "fashion_mnist" and DEBIAN.is_dir())
    )


def _reader(name: DatasetName) -> Callable[[], tuple[Split, Split]]:
    if name == "digits":
        return _read_digits
    if name == "fashion_mnist" and DEBIAN.is_dir():
        return _read_debian
    return lambda: _read_torchvision(name)


def _read_digits() -> tuple[Split, Split]:
    """scikit-learn's 1,797 handwritten digits; grey levels 0 … 16, the last 300 for the test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    images, labels = torch.from_numpy(grey)[:, None], torch.from_numpy(bunch.target).long()
    return (images[:-300], labels[:-300]), (images[-300:], labels[-300:])


def _read_debian() -> tuple[Split, Split]:
    """Fashion-MNIST as Debian's package dataset-fashion-mnist installs it: gzipped idx files."""

    def split(prefix: str) -> Split:
        def read(kind: str, header: int) -> Tensor:
            raw = gzip.decompress((DEBIAN / f"{prefix}-{kind}-ubyte.gz").read_bytes())
            return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=header).copy())

        return read("images-idx3", 16).view(-1, 1, 28, 28), read("labels-idx1", 8).long()

    return split("train"), split("t10k")


def _read_torchvision(name: DatasetName) -> tuple[Split, Split]:
    import torchvision.datasets

    folder = _folder(name)
    make = getattr(torchvision.datasets, DATASETS[name].torchvision)

    def split(*, train: bool) -> Split:
        raw = make(folder, train=train, download=True)
        images = torch.as_tensor(raw.data)
        images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
        return images, torch.as_tensor(raw.targets).long()

    try:
        splits = split(train=True), split(train=False)
    except (OSError, RuntimeError) as error:
        source = DATASETS[name]
        raise DatasetUnavailableError(
            f"{source.title} is not on this machine and could not be downloaded; "
            "try again with a network, or choose the digits, which are always here."
        ) from error
    (folder / "complete").touch()
    return splits
