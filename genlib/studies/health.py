"""Is it working? The samples of a generator, examined by a classifier of real pictures.

The losses of a GAN do not say. These figures do: what is in the pictures, whether all of the data
is there, how alike the pictures are, and whether any was learned by heart. Each comes with the
same figure of real pictures against real ones, at the same number, and with a bootstrap interval.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib import metrics
from genlib.classifier import classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.family import Data, Pictures, generating, to_float, to_uint8
from genlib.rng import generator
from genlib.studies.findings import COMPARED, STATISTICS, Finding
from genlib.studies.reference import SAMPLES, Reference, Seen
from genlib.studies.starts import Generator, StudyOfRun
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

SHOWN = 10  # samples whose nearest training pictures are kept
TWINS = 0.01  # share of real pictures that have another as near as what counts as alike


class Report(Result):
    """The health of a generator, by samples against the reference."""

    pictures: int
    findings: list[Finding]
    shares: list[float]  # of samples in each class, by the classifier
    real_shares: list[float]
    p_value: float  # that samples and real pictures are of one distribution
    support: float  # how many different samples there seem to be; infinite without twins
    twins: int  # pairs of samples that are alike, among COMPARED
    real_twins: int
    to_training: float  # median distance of a sample to the nearest training picture
    real_to_training: float  # that of test pictures

    def finding(self, name: str) -> Finding:
        """Return the metric of that name."""
        return next(each for each in self.findings if each.name == name)

    def has(self, name: str) -> bool:
        """Return whether the metric of that name was measured."""
        return any(each.name == name for each in self.findings)


STEPS = len(STATISTICS) + 3


class Health(StudyOfRun):
    """The health of a generator of pictures.

    The shipped results are of 2,000 samples and as many training pictures.
    """

    shipped_settings: ClassVar[dict[str, Any]] = {"pictures": 2000}
    study: Literal["health"] = "health"
    start: Generator = Field(description="The run whose samples are examined.")
    pictures: int = Field(SAMPLES, ge=200, le=10_000, description="Samples that are examined.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the report; it begins anew."""
        classifier, before = yield from classifier_of(self.start.dataset, workspace, STEPS)
        steps = before + STEPS
        data = load_dataset(self.start.dataset)
        reference = Reference(classifier, data, self.pictures)
        with torch.no_grad():
            family = generating(workspace.run(self.start).family)
            fake = family.sample(reference.count, generator(0, workspace.device)).cpu()
        fake = fake.clamp(0, 1)
        yield Progress(before + 1, steps)
        samples = reference.seen(fake)
        findings = reference.manifold(samples)
        yield Progress(before + 2, steps)
        for number, name in enumerate(STATISTICS, before + 3):
            findings.append(reference.statistic(name, samples))
            yield Progress(number, steps)
        train = data.train[: self.start.train.pictures or None]
        files = {
            "report.json": report_of(reference, train, fake, samples, findings).to_json(),
            "nearest.safetensors": save(_nearest(train, fake[:SHOWN])),
        }
        yield Progress(steps, steps, files)


def report_of(
    reference: Reference, train: Data, fake: Pictures, samples: Seen, findings: list[Finding]
) -> Report:
    """Return the report of samples.

    Args:
        reference: the real pictures that they are compared with.
        train: what the generator learned from.
        fake: the samples.
        samples: the same, as they are measured.
        findings: their metrics.
    """
    support, twins, real_twins = _twins(reference, fake)
    to_training, real_to_training = _distances(train, reference, fake)
    return Report(
        pictures=reference.count,
        findings=findings,
        shares=reference.class_shares(samples).tolist(),
        real_shares=reference.class_shares(reference.real).tolist(),
        p_value=metrics.two_sample_test(
            reference.real.features[:COMPARED], samples.features[:COMPARED], generator(0)
        ),
        support=support,
        twins=twins,
        real_twins=real_twins,
        to_training=to_training,
        real_to_training=real_to_training,
    )


def _twins(reference: Reference, fake: Pictures) -> tuple[float, int, int]:
    """Return the size of the generator's support, and the pairs alike of it and of real pictures.

    Alike are two that lie nearer than all but a hundredth of the real pictures do to others.
    """
    real = to_float(reference.test[: reference.count]).flatten(1)
    within = float(torch.quantile(metrics.radii(real, 1), TWINS))
    size, pairs = metrics.support_size(fake[:COMPARED].flatten(1), within)
    return size, pairs, metrics.support_size(real[:COMPARED], within)[1]


def _distances(train: Data, reference: Reference, fake: Pictures) -> tuple[float, float]:
    """Return the median distances of samples and of test pictures to the training pictures."""
    x = to_float(train).flatten(1)
    far, real_far = (
        metrics.nearest(pictures[:COMPARED].flatten(1), x)[0].median()
        for pictures in (fake, to_float(reference.test[:COMPARED]))
    )
    return float(far), float(real_far)


def _nearest(train: Data, fake: Pictures) -> dict[str, Tensor]:
    """Return some samples, and the training picture that is nearest to each."""
    _, index = metrics.nearest(fake.flatten(1), to_float(train).flatten(1))
    return {"samples": to_uint8(fake), "training": train[index].contiguous()}


def report(files: Files) -> Report:
    """Return the report of `perform`."""
    return Report.from_json(files["report.json"])


def nearest(files: Files) -> tuple[Tensor, Tensor]:
    """Return some samples and the training pictures nearest to them, grey levels 0 … 255."""
    tensors = load(files["nearest.safetensors"])
    return tensors["samples"], tensors["training"]
