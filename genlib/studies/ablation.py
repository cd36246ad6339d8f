r"""What is each ingredient for? Leave one out at a time, with the same seed and as many steps.

A model with five new ideas in it says little of any one of them. So each is switched off by
itself, all else alike, and its samples are measured: by the classifier FID against the time of
training, by coverage, and by the classes that are still there. One seed is one throw of the dice:
the intervals are those of the samples of one training and say nothing of another seed. So one
ablation proves no ingredient better or worse.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.adversarial.config import GrowingConfig
from genlib.classifier import classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.family import generating, to_uint8
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.studies.findings import CLASSIFIER_FID, PIXEL_FID, Finding
from genlib.studies.reference import SAMPLES, Reference
from genlib.studies.starts import Growing, MeasuredStudy
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result, list_from_json, list_to_json
from genlib.tasks.workspace import Workspace
from genlib.training.loop import Training

EVALUATIONS = 10  # of each training, its end included
QUICK = 1000  # samples of an evaluation before the end
SHOWN = 20  # samples of each variant that are kept
WHOLE = "everything"
VARIETY = "recall", "coverage"


class Evaluation(Result):
    """The classifier FID of QUICK samples during training."""

    seconds: float  # of training until then
    step: int
    fid: float  # NaN where the samples are not finite


class Variant(Result):
    """A model without one of its ingredients."""

    name: str  # of what is missing; WHOLE where nothing is
    evaluations: list[Evaluation]
    findings: list[Finding]  # at the end; none where it diverged
    shares: list[float]  # of samples in each class


class Ablation(MeasuredStudy):
    """The same training without each of its ingredients in turn.

    The shipped results are of 2,000 samples and as many training pictures.
    """

    shipped_settings: ClassVar[dict[str, Any]] = {"pictures": 2000}
    study: Literal["ablation"] = "ablation"
    start: Growing = Field(description="The model that has all of them.")
    pictures: int = Field(SAMPLES, ge=200, le=10_000, description="Samples that are measured.")

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
        """Yield the variants so far; what is in `files` is not trained again."""
        specs, finished = self.specs(), variants(files)
        pictures = list(samples(files)) if finished else []
        classifier, before = yield from classifier_of(
            self.start.dataset, workspace, EVALUATIONS * len(specs)
        )
        steps = before + EVALUATIONS * len(specs)
        data = load_dataset(self.start.dataset).to(workspace.device)
        reference = Reference(classifier, data, self.pictures)
        for name, spec in list(specs.items())[len(finished) :]:
            done = before + EVALUATIONS * len(finished)
            training = Training(spec.build().to(workspace.device), data.train, spec.train)
            evaluations = list[Evaluation]()
            for evaluation in evaluated(training, reference):
                evaluations.append(evaluation)
                yield Progress(min(done + len(evaluations), steps - 1), steps, files)
            findings, shares, shown = at_the_end(training, reference)
            finished.append(
                Variant(name=name, evaluations=evaluations, findings=findings, shares=shares)
            )
            pictures.append(to_uint8(shown).cpu())
            files = {
                "ablation.json": list_to_json(finished),
                "samples.safetensors": save({"samples": torch.stack(pictures)}),
            }
            yield Progress(done + EVALUATIONS, steps, files)


def ingredients(spec: RunSpec) -> Mapping[str, Mapping[str, Any]]:
    """Return the knobs that leave out each ingredient of a family, by its name."""
    return spec.model.ingredients if isinstance(spec.model, GrowingConfig) else {}


@torch.no_grad()
def sampled(training: Training, count: int) -> Tensor:
    """Return samples of the averaged weights, each time of the same codings."""
    with training.ema_model() as average:
        return generating(average).sample(count, generator(0, training.device))


def evaluated(training: Training, reference: Reference) -> Iterator[Evaluation]:
    """Train to the end, or until it diverges; the clock stands still during an evaluation."""
    marks = {round(training.steps * mark / EVALUATIONS) for mark in range(1, EVALUATIONS + 1)}
    seconds, began = 0.0, time.perf_counter()
    while training.step < training.steps and not training.diverged():
        training.advance()
        if training.step in marks:
            seconds += time.perf_counter() - began
            fake = sampled(training, min(QUICK, reference.count))
            if not bool(fake.isfinite().all()):
                return
            fid = reference.fid(reference.seen(fake))
            yield Evaluation(seconds=seconds, step=training.step, fid=fid)
            began = time.perf_counter()


def at_the_end(
    training: Training, reference: Reference
) -> tuple[list[Finding], list[float], Tensor]:
    """Return both FIDs, recall and coverage, the share of each class, and some samples."""
    fake = sampled(training, reference.count)
    if training.diverged(wait=True) or not bool(fake.isfinite().all()):
        return [], [], fake[:SHOWN].nan_to_num()
    seen = reference.seen(fake)
    findings = [reference.statistic(name, seen) for name in (CLASSIFIER_FID, PIXEL_FID)]
    findings += [each for each in reference.manifold(seen) if each.name in VARIETY]
    return findings, reference.class_shares(seen).tolist(), fake[:SHOWN]


def variants(files: Files) -> list[Variant]:
    """Return the variants of `perform` so far, the whole model first."""
    return list_from_json(Variant, files.get("ablation.json", b"[]"))


def samples(files: Files) -> Tensor:
    """Return grey levels 0 … 255, of shape (variants, SHOWN, channels, height, width)."""
    return load(files["samples.safetensors"])["samples"]
