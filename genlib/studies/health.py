"""Is it working? What a generator makes, examined by a judge that knows real pictures.

The losses of a GAN do not say. These figures do: what is in the pictures, whether all of the data
is there, how alike the pictures are, and whether any was learned by heart. Each comes with the
same figure of real pictures against real ones, at the same number, and with a bootstrap interval.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib import metrics
from genlib.classifier import classified, classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.family import Data, Pictures, generating, to_float, to_uint8
from genlib.rng import generator
from genlib.studies.findings import COMPARED, STATISTICS, Finding, of_manifold, of_statistic
from genlib.studies.starts import Generator, StudyOfRun
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

LOOKED_AT = 10  # samples whose nearest training pictures are kept
MISSING, RARE, COLLAPSED = 0.01, 0.03, 0.8  # shares of a class
WINNING = 0.95  # of pictures judged rightly, real ones and generated ones
TWINS = 0.01  # share of real pictures that have another as near as what counts as alike


class Report(NamedTuple):
    """All that was found out about a generator."""

    pictures: int
    findings: list[Finding]
    shares: list[float]  # of samples in each class, by the judge
    real_shares: list[float]
    p_value: float  # that samples and real pictures are of one distribution
    support: float  # how many different samples there seem to be; infinite without twins
    twins: int  # pairs of samples that are alike, among COMPARED
    real_twins: int
    to_training: float  # median distance of a sample to the nearest training picture
    real_to_training: float  # that of test pictures


WORK = len(STATISTICS) + 3  # steps of the study


class Health(StudyOfRun):
    """The health of a generator of pictures."""

    study: Literal["health"] = "health"
    start: Generator = Field(description="The run whose samples are examined.")
    pictures: int = Field(2000, ge=200, le=10_000, description="Samples that are examined.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the report; it begins anew."""
        classifier, before = yield from classifier_of(self.start.dataset, workspace, WORK)
        steps = before + WORK
        data = load_dataset(self.start.dataset)
        count = min(self.pictures, len(data.test))
        with torch.no_grad():
            family = generating(workspace.run(self.start).family)
            made = family.sample(count, generator(0, workspace.device)).cpu().clamp(0, 1)
        train, test = to_float(data.train[-count:]), to_float(data.test[:count])
        yield Progress(before + 1, steps, {})
        real, fake, other = (classified(classifier, x) for x in (train, made, test))
        yield Progress(before + 2, steps, {})
        findings = of_manifold(real.features, fake.features, other.features)
        for number, name in enumerate(STATISTICS, before + 3):
            findings.append(of_statistic(name, real.features, fake.features, other.features))
            yield Progress(number, steps, {})
        classes = int(data.train_labels.max()) + 1
        known = data.train[: self.start.train.pictures or None]
        report = Report(
            count,
            findings,
            metrics.class_shares(fake.classes, classes).tolist(),
            metrics.class_shares(other.classes, classes).tolist(),
            metrics.two_sample_test(
                other.features[:COMPARED], fake.features[:COMPARED], generator(0)
            ),
            *_twins(test, made),
            *_distances(known, test, made),
        )
        kept = {
            "report.json": json.dumps(report._asdict()).encode(),
            "nearest.safetensors": save(_nearest(known, made[:LOOKED_AT])),
        }
        yield Progress(steps, steps, kept)


def _twins(test: Pictures, made: Pictures) -> tuple[float, int, int]:
    """Return the size of the generator's support, and the pairs alike of it and of real pictures.

    Alike are two that lie nearer than all but a hundredth of the real pictures do to others.
    """
    real, fake = test[:COMPARED].flatten(1), made[:COMPARED].flatten(1)
    within = float(torch.quantile(metrics.radii(test.flatten(1), 1), TWINS))
    size, pairs = metrics.support_size(fake, within)
    return size, pairs, metrics.support_size(real, within)[1]


def _distances(train: Data, test: Pictures, made: Pictures) -> tuple[float, float]:
    """Return the median distances of samples and of test pictures to the training pictures."""
    known = to_float(train).flatten(1)
    far = [metrics.nearest(x[:COMPARED].flatten(1), known)[0].median() for x in (made, test)]
    return float(far[0]), float(far[1])


def _nearest(train: Data, made: Pictures) -> dict[str, Tensor]:
    """Return some samples, and the training picture that is nearest to each."""
    _, index = metrics.nearest(made.flatten(1), to_float(train).flatten(1))
    return {"samples": to_uint8(made), "training": train[index].contiguous()}


def report(files: Files) -> Report:
    """Return the report of `perform`."""
    document: dict[str, Any] = json.loads(files["report.json"])
    document["findings"] = [Finding(*values) for values in document["findings"]]
    return Report(**document)


def nearest(files: Files) -> tuple[Tensor, Tensor]:
    """Return some samples and the training pictures nearest to them, grey levels 0 … 255."""
    tensors = load(files["nearest.safetensors"])
    return tensors["samples"], tensors["training"]


def verdict(shares: list[float], names: tuple[str, ...], right: tuple[float, float]) -> str:
    """Return one sentence on what is wrong, or that nothing is.

    Args:
        shares: of samples in each class.
        names: of the classes.
        right: the shares of real and of generated pictures that the discriminator judges rightly.
    """
    missing = [name for name, share in zip(names, shares, strict=True) if share < MISSING]
    rare = [name for name, share in zip(names, shares, strict=True) if share < RARE]
    if max(shares) > COLLAPSED:
        most = names[shares.index(max(shares))]
        return f"Mode collapse: {max(shares):.0%} of all samples are of one class, {most}."
    if missing:
        return (
            f"{len(missing)} of {len(names)} classes missing ({', '.join(missing)}): "
            "partial mode collapse."
        )
    if min(right) > WINNING:
        return (
            "All classes are there, but the discriminator wins: it judges "
            f"{right[0]:.0%} of the real and {right[1]:.0%} of the generated pictures rightly."
        )
    if rare:
        return f"All classes are there, but rare: {', '.join(rare)}."
    return (
        "Healthy: all classes are there, none is rare; the discriminator judges "
        f"{right[0]:.0%} of the real and {right[1]:.0%} of the generated pictures rightly."
    )
