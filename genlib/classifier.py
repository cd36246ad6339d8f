"""A frozen classifier, whose features and decisions say what is in generated pictures.

Metrics of generated pictures need features in which distances mean something. Those of Inception,
made for photographs, say little of small grey pictures, so each data set has a classifier of its
own here: a small residual network (K. He et al., *Deep residual learning for image recognition*,
CVPR 2016). Metrics in its features are called by its name: "classifier FID".
"""

import math
from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.augmentation import corrupted, moved
from genlib.config import Config, TrainConfig
from genlib.data import DATASETS, DatasetName
from genlib.data.dataset import Dataset
from genlib.data.dataset import load as load_dataset
from genlib.family import Pictures, to_float
from genlib.rng import build, generator
from genlib.runs.spec import RunSpec
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace
from genlib.training.optimizers import (
    average_rates,
    descend,
    follow,
    make_optimizers,
    rate_factors,
)

MIRRORED = {"fashion_mnist", "cifar10"}  # whose classes a mirror does not change
SMOOTHING = 0.05  # of the labels
RECIPE = TrainConfig(learning_rate=0.006, ema=0.99)  # with Muon, a warm-up and a linear decay


class PreActivation(nn.Module):
    """x + f(x), with f two normalized convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return x + self.layers(x)  # type: ignore[no-any-return]


Levels = Literal["shapes", "details and shapes"]
FIRST = 3  # layers of the first block


class Classifier(nn.Module):
    """A residual classifier of pictures of one size."""

    def __init__(self, channels: int, classes: int, width: int, levels: Levels = "shapes") -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(2), PreActivation(width)),
            *(
                nn.Conv2d(width, 2 * width, 3, padding=1),
                nn.MaxPool2d(2),
                PreActivation(2 * width),
            ),
            *(nn.BatchNorm2d(2 * width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
        both = levels == "details and shapes"
        self.details = nn.BatchNorm2d(width) if both else None
        self.head = nn.Linear(3 * width if both else 2 * width, classes)

    def features(self, x: Pictures) -> Float[Tensor, "batch features"]:
        """Return the mean of each map after its ReLU: of the last block, or of both."""
        details = self.body[:FIRST](x)
        shapes: Tensor = self.body[FIRST:](details)
        if self.details is None:
            return shapes
        return torch.cat([self.details(details).relu().mean((2, 3)), shapes], 1)

    def forward(self, x: Pictures) -> Float[Tensor, "batch classes"]:
        """Return the logits of each class."""
        return self.head(self.features(x))  # type: ignore[no-any-return]


class Classified(NamedTuple):
    """The features of pictures, and the class of each, by a classifier."""

    features: Float[Tensor, "pictures features"]
    classes: Int64[Tensor, "pictures"]


@torch.no_grad()
def classified(classifier: Classifier, x: Pictures) -> Classified:
    """Return the features and the classes of pictures in [0, 1], on the CPU."""
    device = classifier.head.weight.device
    features = torch.cat(
        [classifier.features(part.clamp(0, 1).to(device)) for part in x.split(1000)]
    )
    return Classified(features.cpu(), classifier.head(features).argmax(1).cpu())


class Quality(Result):
    """How good a classifier is."""

    test_accuracy: float


class ClassifierSpec(Config):
    """A classifier: of which data, and how it is trained. Its study is called "judge"."""

    study: Literal["judge"] = "judge"
    dataset: DatasetName
    width: int = Field(32, ge=8, le=128, description="Channels of the first block.")
    steps: int = Field(2500, ge=10, le=100_000, description="Steps of training.")
    batch_size: int = Field(256, ge=1, le=4096, description="Pictures of a step.")
    seed: int = Field(0, ge=0, le=9_999, description="The start of all randomness.")
    levels: Levels = Field(
        "shapes",
        description="The maps whose means are the features: of the last block, or of both.",
        json_schema_extra={"since": 2},
    )
    corrupted: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of the steps that see blurred, noisy and mixed pictures; those "
        "after them see clean ones alone.",
        json_schema_extra={"since": 2},
    )

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it begins with a data set."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long it takes: for each pixel as long as that of Fashion-MNIST."""
        measured = ClassifierSpec(dataset="fashion_mnist")
        seconds = durations.of_study(measured)
        return None if seconds is None else seconds * self._pixels() / measured._pixels()

    def _pixels(self) -> int:
        return math.prod(DATASETS[self.dataset].shape[1:])

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the classifier; it begins anew, whatever `files` hold."""
        data = load_dataset(self.dataset).to(workspace.device)
        for step, classifier in enumerate(self._trained(data), 1):
            if step == self.steps:
                yield Progress(step, step, _to_files(classifier, data))
            elif step % 10 == 0:
                yield Progress(step, self.steps)

    def build(self) -> Classifier:
        """Return the untrained classifier, its weights drawn from the seed."""
        source = DATASETS[self.dataset]

        def make() -> Classifier:
            return Classifier(source.shape[0], len(source.classes), self.width, self.levels)

        return build(make, self.seed)

    def read(self, files: Files, device: torch.device) -> Classifier:
        """Return the frozen classifier of the files of `perform`."""
        classifier = self.build()
        classifier.load_state_dict(load(files["model.safetensors"]))
        return classifier.eval().requires_grad_(requires_grad=False).to(device)

    def _trained(self, data: Dataset) -> Iterator[Classifier]:
        """Yield the classifier of the averaged weights (EMA) after each step."""
        device, size = data.train.device, len(data.train)
        classifier, average = self.build().to(device), self.build().to(device)
        weights, rng = list(classifier.parameters()), generator(self.seed, device)
        optimizers = make_optimizers(RECIPE, weights, device)
        rates = rate_factors(RECIPE, self.steps).to(device)
        averages = average_rates(RECIPE, self.steps).to(device)
        classes = torch.eye(classifier.head.out_features, device=device)
        for step, (rate, share) in enumerate(zip(rates, averages, strict=True)):
            index = torch.randint(size, (self.batch_size,), generator=rng, device=device)
            x = moved(data.train[index], rng, mirror=self.dataset in MIRRORED)
            targets = classes[data.train_labels[index]]
            if step < self.corrupted * self.steps:
                x, targets = corrupted(x, targets, rng)
            loss = F.cross_entropy(classifier(x), targets, label_smoothing=SMOOTHING)
            descend(weights, optimizers, loss, rate, RECIPE.clip)
            follow(average, classifier, share)
            yield average


def _to_files(classifier: Classifier, data: Dataset) -> Files:
    """Return the classifier, and its accuracy on the test pictures."""
    classes = classified(classifier.eval(), to_float(data.test)).classes
    accuracy = float((classes == data.test_labels.cpu()).float().mean())
    return {
        "model.safetensors": save({k: v.cpu() for k, v in classifier.state_dict().items()}),
        "judge.json": Quality(test_accuracy=accuracy).to_json(),
    }


def classifier_of(
    dataset: DatasetName, workspace: Workspace, more: int
) -> Generator[Progress, None, tuple[Classifier, int]]:
    """Return the classifier of a data set, and the steps that its training took.

    Where there is none yet it is trained and kept; `more` steps of a study are to follow.
    """
    spec = ClassifierSpec(dataset=dataset)
    files = workspace.store.read_run(spec.fingerprint)
    if files is not None:
        return spec.read(files, workspace.device), 0
    trained: Files = {}
    for progress in spec.perform(workspace, {}):
        trained = progress.files
        yield Progress(progress.step, progress.steps + more)
    workspace.store.write_run(spec.fingerprint, trained)
    return spec.read(trained, workspace.device), spec.steps
