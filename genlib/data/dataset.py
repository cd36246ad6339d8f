"""A data set in memory: read, split for training, validation and test, put on a device."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from genlib.data.catalogue import DATASETS, DEBIAN, DatasetName, DatasetUnavailableError, folder
from genlib.data.pictures import Split, read_debian, read_digits, read_torchvision
from genlib.data.points import ellipse, plane
from genlib.family import Data

Labels = Int64[Tensor, "_"]
SHOWN_POINTS = 1024


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


def _read(name: DatasetName) -> tuple[Split, Split]:
    """Return ((train, labels), (test, labels)) of a data set of pictures."""
    if name == "digits":
        return read_digits()
    if name == "fashion_mnist" and DEBIAN.is_dir():
        return read_debian()
    downloads = folder(name)
    try:
        splits = read_torchvision(DATASETS[name].torchvision, downloads)
    except (OSError, RuntimeError) as error:
        source = DATASETS[name]
        raise DatasetUnavailableError(
            f"{source.title} is not on this machine and could not be downloaded; "
            "try again with a network, or choose the digits, which are always here."
        ) from error
    (downloads / "complete").touch()
    return splits
