"""What information in the codings buys: the same model at several β.

Each is one point of the rate-distortion curve: the nats that a picture's codings say, against the
distortion that is left (A. Alemi et al., *Fixing a broken ELBO*, ICML 2018).
"""

from collections.abc import Iterator
from typing import Literal

import torch
from pydantic import Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.config import Config
from genlib.data.dataset import load as load_dataset
from genlib.family import to_float, to_uint8
from genlib.models.vae.model import COLLAPSED
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import Variational, variational
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result, list_from_json, list_to_json
from genlib.tasks.workspace import Workspace

BETAS = (0.01, 0.1, 0.3, 1.0, 2.0, 4.0, 10.0, 100.0)
SAMPLES = 16  # of the prior, for each point
PARTS = 20  # steps of the study that each training counts for


class Point(Result):
    """A trained model on the rate-distortion curve, by its test pictures."""

    beta: float
    rate: float  # nats a picture
    distortion: float  # nats a picture
    active: int  # codings that are not collapsed
    fingerprint: str


class BetaSweep(Config):
    """Rate and distortion of the same model at several β; every run is kept."""

    study: Literal["beta_sweep"] = "beta_sweep"
    start: Variational = Field(description="The run whose β is changed.")

    def specs(self) -> list[RunSpec]:
        """Return the runs of the sweep, by rising β; the one that it begins with is among them."""
        document = self.start.model_dump()
        betas = sorted({*BETAS, document["model"]["beta"]})
        models = [document["model"] | {"beta": beta} for beta in betas]
        return [RunSpec.model_validate(document | {"model": model}) for model in models]

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """The run that it begins with."""
        return (self.start,)

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long the runs take that are not finished."""
        return durations.of_missing(self.specs())

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the points so far; runs that are finished are not trained again."""
        specs, results, pictures = self.specs(), list[Point](), list[Tensor]()
        files = {}
        for number, spec in enumerate(specs):
            for part in workspace.train(spec, PARTS):
                yield Progress(PARTS * number + part, PARTS * len(specs), files)
            point, samples = _measured(workspace.run(spec), workspace.device)
            results.append(point)
            pictures.append(samples)
            files = {
                "points.json": list_to_json(results),
                "samples.safetensors": save({"samples": torch.stack(pictures)}),
            }
            yield Progress(PARTS * (number + 1), PARTS * len(specs), files)


@torch.no_grad()
def _measured(run: Run, device: torch.device) -> tuple[Point, Tensor]:
    """Return a run's point on the curve, and samples of its prior."""
    metrics, spec = run.provenance.metrics, run.spec
    family = variational(run)
    test = to_float(load_dataset(spec.dataset).test.to(device))
    active = int((family.rates(test) >= COLLAPSED).sum())
    point = Point(
        beta=spec.model.model_dump()["beta"],
        rate=metrics["test_kl"],
        distortion=metrics["test_distortion"],
        active=active,
        fingerprint=spec.fingerprint,
    )
    samples = family.sample(SAMPLES, generator(0, device))
    return point, to_uint8(samples).cpu()


def points(files: Files) -> list[Point]:
    """Return the points of `perform`."""
    return list_from_json(Point, files["points.json"])


def samples(files: Files) -> Tensor:
    """Return grey levels 0 … 255, of shape (points, SAMPLES, channels, height, width)."""
    return load(files["samples.safetensors"])["samples"]
