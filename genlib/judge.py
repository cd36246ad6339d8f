"""The judge: a frozen classifier, whose features and decisions say what is in generated pictures.

Metrics of generated pictures need features in which distances mean something. Those of Inception,
made for photographs, say little of small grey pictures, so each data set has a classifier of its
own here: a small residual network (K. He et al., *Deep residual learning for image recognition*,
CVPR 2016). Figures in its features are called by their name: "classifier FID".
"""

import json
from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int64, UInt8
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.bench import Bench
from genlib.config import Config, TrainConfig
from genlib.data import DATASETS, Dataset, DatasetName
from genlib.data import load as load_dataset
from genlib.events import Files, Measured
from genlib.family import Pictures, to_float
from genlib.optimisers import average_rates, descend, follow, make_optimisers, rate_factors
from genlib.rng import build, generator

MIRRORED = {"fashion_mnist", "cifar10"}  # whose classes a mirror does not change
SHIFT = 2  # pixels by which training pictures are moved at most
SMOOTHING = 0.05  # of the labels


class Residual(nn.Module):
    """x + f(x), with f two normalised convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return x + self.layers(x)  # type: ignore[no-any-return]


class Judge(nn.Module):
    """A residual classifier of pictures of one size."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(2), Residual(width)),
            *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.MaxPool2d(2), Residual(2 * width)),
            *(nn.BatchNorm2d(2 * width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x: Pictures) -> Float[Tensor, "batch classes"]:
        """Return the logits of each class."""
        return self.head(self.body(x))  # type: ignore[no-any-return]


class Opinion(NamedTuple):
    """What a judge makes of pictures: their features, and the class of each."""

    features: Float[Tensor, "pictures features"]
    classes: Int64[Tensor, "pictures"]


@torch.no_grad()
def judged(judge: Judge, x: Pictures) -> Opinion:
    """Return a judge's opinion of pictures in [0, 1], on the CPU."""
    device = judge.head.weight.device
    features = torch.cat([judge.body(part.clamp(0, 1).to(device)) for part in x.split(1000)])
    return Opinion(features.cpu(), judge.head(features).argmax(1).cpu())


class JudgeSpec(Config):
    """Which judge: of what data, and how it was trained."""

    study: Literal["judge"] = "judge"
    dataset: DatasetName
    width: int = Field(32, ge=8, le=128, description="Channels of the first block.")
    train: TrainConfig = TrainConfig(batch_size=256, learning_rate=0.006, epochs=10, ema=0.99)

    def perform(self, bench: Bench, files: Files) -> Iterator[Measured]:
        """Yield how far it is, at last the judge; it begins anew, whatever `files` hold."""
        data = load_dataset(self.dataset).to(bench.device)
        steps = self.train.epochs * (len(data.train) // self.train.batch_size)
        for step, judge in enumerate(self._trained(data, steps), 1):
            if step == steps:
                yield Measured(steps, steps, _to_files(judge, data))
            elif step % 10 == 0:
                yield Measured(step, steps, {})

    def build(self) -> Judge:
        """Return the untrained judge, its weights drawn from the seed."""
        source = DATASETS[self.dataset]
        make = lambda: Judge(source.shape[0], len(source.classes), self.width)  # noqa: E731
        return build(make, self.train.seed)

    def read(self, files: Files, device: torch.device) -> Judge:
        """Return the frozen judge of the files of `perform`."""
        judge = self.build()
        judge.load_state_dict(load(files["model.safetensors"]))
        return judge.eval().requires_grad_(requires_grad=False).to(device)

    def _trained(self, data: Dataset, steps: int) -> Iterator[Judge]:
        """Yield the judge of the averaged weights after each step."""
        config, device = self.train, data.train.device
        judge, average = self.build().to(device), self.build().to(device)
        weights, rng = list(judge.parameters()), generator(config.seed, device)
        optimisers = make_optimisers(config, weights, device)
        rates = rate_factors(config, steps).to(device)
        averages = average_rates(config, steps).to(device)
        for step in range(steps):
            within = step % (steps // config.epochs) * config.batch_size
            if within == 0:
                order = torch.randperm(len(data.train), generator=rng, device=device)
            index = order[within : within + config.batch_size]
            x = varied(data.train[index], rng, mirror=self.dataset in MIRRORED)
            labels = data.train_labels[index]
            loss = F.cross_entropy(judge(x), labels, label_smoothing=SMOOTHING)
            descend(weights, optimisers, loss, rates[step], config.clip)
            follow(average, judge, averages[step])
            yield average


def varied(
    images: UInt8[Tensor, "batch channels height width"], rng: torch.Generator, *, mirror: bool
) -> Pictures:
    """Return pictures, each moved by up to SHIFT pixels, and half of them mirrored if asked."""
    count, _, height, width = images.shape
    padded = F.pad(images, [SHIFT] * 4)
    device = images.device
    index = torch.arange(count, device=device)[:, None, None]
    rows, columns = (
        torch.randint(2 * SHIFT + 1, (count, 1), generator=rng, device=device)
        + torch.arange(side, device=device)
        for side in (height, width)
    )
    if mirror:
        flip = torch.rand(count, 1, generator=rng, device=device) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    moved = padded.movedim(1, 3)[index, rows[:, :, None], columns[:, None, :]]
    return to_float(moved.movedim(3, 1))


def _to_files(judge: Judge, data: Dataset) -> Files:
    """Return the judge, and its accuracy on the test pictures."""
    classes = judged(judge.eval(), to_float(data.test)).classes
    accuracy = float((classes == data.test_labels.cpu()).float().mean())
    document = {"test_accuracy": accuracy}
    return {
        "model.safetensors": save({k: v.cpu() for k, v in judge.state_dict().items()}),
        "judge.json": json.dumps(document).encode(),
    }


def judge_of(dataset: DatasetName, bench: Bench) -> Generator[Measured, None, Judge]:
    """Return the judge of a data set, trained first and kept where there is none yet."""
    spec = JudgeSpec(dataset=dataset)
    files = bench.store.read_run(spec.fingerprint)
    if files is None:
        for event in spec.perform(bench, {}):
            files = event.files
            yield Measured(event.step, event.steps, {})
        bench.store.write_run(spec.fingerprint, files or {})
    return spec.read(files or {}, bench.device)
