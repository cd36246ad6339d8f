"""FID v1: the classifier FID of the first versions, kept so that limits set on it can be checked.

It compares 2,048 samples with the first 2,048 test pictures, in the features of a classifier that
has seen only clean pictures. It ranks blurred samples wrongly (`python -m benchmarks
classifiers`), so pages show another one: `genlib/studies/reference.py`.
"""

from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn

from genlib.classifier import PreActivation
from genlib.data.dataset import load
from genlib.family import Pictures, to_float
from genlib.metrics import frechet_distance

COUNT = 2048  # of each kind
WIDTH = 32
WEIGHTS = Path(__file__).with_suffix(".safetensors")


class ClassifierV1(nn.Module):
    """The first residual classifier of Fashion-MNIST, of 93.4 % accuracy."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(1, WIDTH, 3, padding=1), nn.MaxPool2d(2), PreActivation(WIDTH)),
            *(
                nn.Conv2d(WIDTH, 2 * WIDTH, 3, padding=1),
                nn.MaxPool2d(2),
                PreActivation(2 * WIDTH),
            ),
            *(nn.BatchNorm2d(2 * WIDTH), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
        self.head = nn.Linear(2 * WIDTH, 10)

    def forward(self, x: Pictures) -> Float[Tensor, "batch classes"]:
        """Return the logits of each class."""
        return self.head(self.body(x))  # type: ignore[no-any-return]


def fid_v1(samples: Pictures) -> float:
    """Return FID v1 of the first COUNT samples, pictures in [0, 1]."""
    return frechet_distance(_features(to_float(load("fashion_mnist").test)), _features(samples))


def floor_v1() -> float:
    """Return FID v1 of training pictures in place of samples."""
    return fid_v1(to_float(load("fashion_mnist").train[-COUNT:]))


@torch.no_grad()
def _features(x: Pictures) -> Float[Tensor, "pictures features"]:
    body = _classifier().body
    return torch.cat([body(part) for part in x[:COUNT].clamp(0, 1).split(512)])


@cache
def _classifier() -> ClassifierV1:
    classifier = ClassifierV1()
    classifier.load_state_dict(load_file(WEIGHTS))
    return classifier.eval()
