"""The one measure of generated pictures: which real pictures, how many, in which features.

Classifier FID, KID, precision, recall, density, coverage, Vendi score and class shares depend on
the number of pictures, so they are comparable only where that number and the real pictures are
the same. Everywhere here SAMPLES samples are compared with all test pictures, which no generator
has learned from. A data set with fewer test pictures is compared with as many samples. The
**floor** of a metric is what it says of as many training pictures in place of samples: real
against real.

Beside the classifier FID stands the **pixel FID**: the same distance in the first COMPONENTS
principal components of the pixels, which no classifier has chosen. Where the two put generators
into another order, neither order is sure.
"""

from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from genlib import metrics
from genlib.classifier import Classifier, classified
from genlib.data.dataset import Dataset
from genlib.family import Pictures, to_float
from genlib.studies.findings import PIXEL_FID, Features, Finding, of_manifold, of_statistic

SAMPLES = 5000  # wherever a data set has as many test pictures
COMPONENTS = 50  # of the pixels


class Seen(NamedTuple):
    """Pictures as they are measured."""

    features: Features  # of the classifier
    classes: Int64[Tensor, "pictures"]  # by the classifier
    pixels: Features  # their principal components


class Reference:
    """All test pictures of a data set, with which samples are compared.

    Args:
        classifier: of the data set.
        data: the data set.
        samples: to compare, if there are as many test pictures.
    """

    def __init__(self, classifier: Classifier, data: Dataset, samples: int = SAMPLES) -> None:
        self.classifier = classifier
        self.count = min(samples, len(data.train), len(data.test))
        self.classes = int(data.train_labels.max()) + 1
        self.test = data.test
        self.train = data.train[-self.count :]

    @cached_property
    def real(self) -> Seen:
        """All test pictures."""
        return self.seen(to_float(self.test))

    @cached_property
    def other(self) -> Seen:
        """As many training pictures as samples, which say the floor of each metric."""
        return self.seen(to_float(self.train))

    @cached_property
    def _axes(self) -> tuple[Float[Tensor, "pixels"], Float[Tensor, "pixels components"]]:
        """The mean of the test pictures, and the axes along which they vary most."""
        pixels = to_float(self.test).flatten(1).cpu()
        _, axes = torch.linalg.eigh(pixels.double().T.cov())
        return pixels.mean(0), axes[:, -COMPONENTS:].float()

    def seen(self, x: Pictures) -> Seen:
        """Return pictures in [0, 1] as they are measured, on the CPU."""
        mean, axes = self._axes
        pixels = (x.clamp(0, 1).flatten(1).cpu() - mean) @ axes
        return Seen(*classified(self.classifier, x), pixels)

    def fid(self, fake: Seen) -> float:
        """Return the classifier FID of samples."""
        return metrics.frechet_distance(self.real.features, fake.features)

    def pixel_fid(self, fake: Seen) -> float:
        """Return the pixel FID of samples."""
        return metrics.frechet_distance(self.real.pixels, fake.pixels)

    @cached_property
    def fid_floor(self) -> float:
        """The classifier FID of real pictures."""
        return self.fid(self.other)

    @cached_property
    def pixel_fid_floor(self) -> float:
        """The pixel FID of real pictures."""
        return self.pixel_fid(self.other)

    def statistic(self, name: str, fake: Seen) -> Finding:
        """Return one of STATISTICS of samples."""
        if name == PIXEL_FID:
            return of_statistic(name, self.real.pixels, fake.pixels, self.other.pixels)
        return of_statistic(name, self.real.features, fake.features, self.other.features)

    def manifold(self, fake: Seen) -> list[Finding]:
        """Return precision, recall, density and coverage of samples."""
        return of_manifold(self.real.features, fake.features, self.other.features)

    def class_shares(self, fake: Seen) -> Float[Tensor, "classes"]:
        """Return the share of samples in each class."""
        return metrics.class_shares(fake.classes, self.classes)
