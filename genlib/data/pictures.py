"""Pictures with labels, as they come: from Debian's package, scikit-learn or torchvision."""

import gzip
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from genlib.data.catalogue import DEBIAN

Images = UInt8[Tensor, "_ channels height width"]
Labels = Int64[Tensor, "_"]
Split = tuple[Images, Labels]


def read_digits() -> tuple[Split, Split]:
    """scikit-learn's 1,797 handwritten digits; grey levels 0 … 16, the last 300 for the test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    images, labels = torch.from_numpy(grey)[:, None], torch.from_numpy(bunch.target).long()
    return (images[:-300], labels[:-300]), (images[-300:], labels[-300:])


def read_debian() -> tuple[Split, Split]:
    """Fashion-MNIST as Debian's package dataset-fashion-mnist installs it: gzipped idx files."""

    def split(prefix: str) -> Split:
        def read(kind: str, header: int) -> Tensor:
            raw = gzip.decompress((DEBIAN / f"{prefix}-{kind}-ubyte.gz").read_bytes())
            return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=header).copy())

        return read("images-idx3", 16).view(-1, 1, 28, 28), read("labels-idx1", 8).long()

    return split("train"), split("t10k")


def read_torchvision(name: str, folder: Path) -> tuple[Split, Split]:
    """Read torchvision's data set of that name, downloading it into `folder` where it must.

    Raises:
        OSError, RuntimeError: it is not there and cannot be downloaded, or is damaged.
    """
    import torchvision.datasets

    make = getattr(torchvision.datasets, name)

    def split(*, train: bool) -> Split:
        raw = make(folder, train=train, download=True)
        images = torch.as_tensor(raw.data)
        images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
        return images, torch.as_tensor(raw.targets).long()

    return split(train=True), split(train=False)
