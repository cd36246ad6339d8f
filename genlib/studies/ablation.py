r"""What is each ingredient for? Leave one out at a time, with the same seed and as many steps.

A model with five new ideas in it says little of any one of them. So each is switched off by
itself, all else alike, and what comes of it is judged: by the classifier FID against the time of
training, by coverage, and by the classes that are still there. One seed is one throw of the dice:
a difference smaller than the intervals says nothing.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib import metrics
from genlib.adversarial.config import GrowingConfig
from genlib.classifier import Classified, Classifier, classified, classifier_of
from genlib.config import Config
from genlib.data.dataset import Dataset
from genlib.data.dataset import load as load_dataset
from genlib.family import generating, to_float, to_uint8
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.studies.findings import Finding, coverage, of_statistic
from genlib.studies.starts import Growing
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace
from genlib.training.loop import Training

LOOKS = 10  # at the pictures of each training, its end included
QUICK = 1000  # samples of a look on the way
SHOWN = 20  # samples of each that are kept
WHOLE = "everything"


class Look(NamedTuple):
    """The classifier FID of QUICK samples on the way."""

    seconds: float  # of training until then
    step: int
    fid: float


class Ablated(NamedTuple):
    """What became of a model without one of its ingredients."""

    name: str  # of what is missing; WHOLE where nothing is
    looks: list[Look]
    findings: list[Finding]  # at the end: classifier FID, coverage; none where it diverged
    shares: list[float]  # of samples in each class


class Ablation(Config):
    """The same training without each of its ingredients in turn."""

    study: Literal["ablation"] = "ablation"
    start: Growing = Field(description="The model that has all of them.")
    pictures: int = Field(2000, ge=200, le=10_000, description="Samples that are judged.")

    def specs(self) -> dict[str, RunSpec]:
        """Return what is trained, by what is missing; what the start lacks is left out once."""
        document = self.start.model_dump()
        changed = {
            name: RunSpec.model_validate(document | {"model": document["model"] | knobs})
            for name, knobs in ingredients(self.start).items()
        }
        return {WHOLE: self.start} | {
            name: spec for name, spec in changed.items() if spec != self.start
        }

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it trains all that it compares."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long all of its runs take."""
        return sum((durations.of_run(spec) or 0.0 for spec in self.specs().values()), 0.0)

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield what is known so far; what is in `files` is not trained again."""
        specs, found = self.specs(), ablated(files)
        pictures = list(samples(files)) if found else []
        steps = LOOKS * len(specs)
        classifier, before = yield from classifier_of(self.start.dataset, workspace, steps)
        data = load_dataset(self.start.dataset).to(workspace.device)
        referee = Referee(classifier, data, self.pictures)
        kept = dict(files)
        for name, spec in list(specs.items())[len(found) :]:
            done = before + LOOKS * len(found)
            training = Training(spec.build().to(workspace.device), data.train, spec.train)
            looks = list[Look]()
            for look in looked(training, referee):
                looks.append(look)
                yield Progress(min(done + len(looks), before + steps - 1), before + steps, kept)
            findings, shares, made = referee.at_the_end(training)
            found.append(Ablated(name, looks, findings, shares))
            pictures.append(to_uint8(made).cpu())
            kept = {
                "ablation.json": json.dumps(found).encode(),
                "samples.safetensors": save({"samples": torch.stack(pictures)}),
            }
            yield Progress(before + LOOKS * len(found), before + steps, kept)


def ingredients(spec: RunSpec) -> Mapping[str, Mapping[str, Any]]:
    """Return the knobs that leave out each ingredient of a family, by its name."""
    return spec.model.ingredients if isinstance(spec.model, GrowingConfig) else {}


class Referee:
    """A judge, and the real pictures that samples are compared with.

    Args:
        judge: of the data set.
        data: the real pictures, on the judge's device.
        count: of the samples at the end, if there are as many test pictures.
    """

    def __init__(self, classifier: Classifier, data: Dataset, count: int) -> None:
        self.classifier, self.count = classifier, min(count, len(data.test))
        self.classes = int(data.train_labels.max()) + 1
        self.real = classified(classifier, to_float(data.train[-self.count :])).features
        self.other = classified(classifier, to_float(data.test[: self.count])).features

    def fid(self, training: Training) -> float:
        """Return the classifier FID of samples on the way; NaN where some are not finite."""
        made = sampled(training, min(QUICK, self.count))
        if not bool(made.isfinite().all()):
            return math.nan
        return metrics.frechet_distance(self.real, classified(self.classifier, made).features)

    def at_the_end(self, training: Training) -> tuple[list[Finding], list[float], Tensor]:
        """Return FID and coverage, the share of each class, and some samples."""
        made = sampled(training, self.count)
        if training.diverged(wait=True) or not bool(made.isfinite().all()):
            return [], [], made[:SHOWN].nan_to_num()
        seen: Classified = classified(self.classifier, made)
        places = self.real, seen.features, self.other
        found = [of_statistic("classifier FID", *places), coverage(*places)]
        shares = metrics.class_shares(seen.classes, self.classes).tolist()
        return found, shares, made[:SHOWN]


@torch.no_grad()
def sampled(training: Training, count: int) -> Tensor:
    """Return samples of the averaged weights, each time of the same codings."""
    with training.ema_model() as average:
        return generating(average).sample(count, generator(0, training.device))


def looked(training: Training, referee: Referee) -> Iterator[Look]:
    """Train to the end, or until it diverges; the clock stands still while one looks."""
    marks = {round(training.steps * look / LOOKS) for look in range(1, LOOKS + 1)}
    seconds, began = 0.0, time.perf_counter()
    while training.step < training.steps and not training.diverged():
        training.advance()
        if training.step in marks:
            seconds += time.perf_counter() - began
            fid = referee.fid(training)
            if math.isnan(fid):
                return
            yield Look(seconds, training.step, fid)
            began = time.perf_counter()


def ablated(files: Files) -> list[Ablated]:
    """Return what `perform` found so far, the whole model first."""
    return [
        Ablated(
            name,
            [Look(*look) for look in looks],
            [Finding(*finding) for finding in findings],
            shares,
        )
        for name, looks, findings, shares in json.loads(files.get("ablation.json", b"[]"))
    ]


def samples(files: Files) -> Tensor:
    """Return grey levels 0 … 255, of shape (models, SHOWN, channels, height, width)."""
    return load(files["samples.safetensors"])["samples"]
