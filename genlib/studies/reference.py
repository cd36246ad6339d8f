"""The one reference of every metric in a classifier's features: which real pictures, how many.

Classifier FID, KID, precision, recall, density, coverage, Vendi score and class shares depend on
the number of pictures, so they are comparable only where that number and the real pictures are
the same. Everywhere here as many samples are compared with the last training pictures. The
**floor** of a metric is what it says of the first test pictures in place of samples: real against
real, at the same number.
"""

from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from genlib import metrics
from genlib.classifier import Classified, Classifier, classified
from genlib.data.dataset import Dataset
from genlib.errors import TaskError
from genlib.family import Pictures, to_float
from genlib.studies.findings import Features, Finding, of_manifold, of_statistic

PICTURES = 2000  # of each kind, wherever a data set has as many


class Reference:
    """Real pictures by a classifier's features.

    Args:
        classifier: of the data set.
        data: the data set.
        pictures: of each kind, if the data set has as many.

    Raises:
        TaskError: they are more than PICTURES.
    """

    def __init__(self, classifier: Classifier, data: Dataset, pictures: int = PICTURES) -> None:
        if pictures > PICTURES:
            raise TaskError(f"Metrics of samples are of at most {PICTURES:,} pictures here.")
        self.classifier = classifier
        self.count = min(pictures, len(data.train), len(data.test))
        self.classes = int(data.train_labels.max()) + 1
        self.train = data.train[-self.count :]
        self.test = data.test[: self.count]

    @cached_property
    def real(self) -> Features:
        """The features of training pictures."""
        return self.classified(to_float(self.train)).features

    @cached_property
    def other(self) -> Classified:
        """The features and classes of test pictures, which say the floor of each metric."""
        return self.classified(to_float(self.test))

    def classified(self, x: Pictures) -> Classified:
        """Return the features and the classes of pictures in [0, 1]."""
        return classified(self.classifier, x)

    def fid(self, fake: Features) -> float:
        """Return the classifier FID of samples, by their features."""
        return metrics.frechet_distance(self.real, fake)

    @cached_property
    def fid_floor(self) -> float:
        """The classifier FID of real pictures."""
        return self.fid(self.other.features)

    def statistic(self, name: str, fake: Features) -> Finding:
        """Return one of STATISTICS of samples, by their features."""
        return of_statistic(name, self.real, fake, self.other.features)

    def manifold(self, fake: Features) -> list[Finding]:
        """Return precision, recall, density and coverage of samples, by their features."""
        return of_manifold(self.real, fake, self.other.features)

    def coverage(self, fake: Features) -> Finding:
        """Return the coverage alone."""
        return next(each for each in self.manifold(fake) if each.name == "coverage")

    def class_shares(self, samples: Classified) -> Float[Tensor, "classes"]:
        """Return the share of samples in each class."""
        return metrics.class_shares(samples.classes, self.classes)
