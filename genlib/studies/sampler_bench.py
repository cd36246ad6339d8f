r"""Which sampler is worth its steps? The same model and the same noise, walked in several ways.

Every step costs one look of the network, Heun's two; nothing else takes time worth counting. So
quality against **looks**, and against seconds, is what a sampler is judged by: the classifier FID
of the pictures that it makes, beside that of real pictures against others.

A sampler errs because the network is asked at a few times only. Euler's error falls like the
width of a step, Heun's and DPM-Solver++'s like its square; DDPM draws new noise at each step,
which mends old errors, but wants many small steps:

$$\lVert x_0^{(n)} - x_0 \rVert = O(n^{-1}) \text{ or } O(n^{-2})$$

When the steps are many, the walks that draw nothing end at the same pictures, and what is left is
the network's own error.

**References.** J. Song et al., *Denoising diffusion implicit models*, ICLR (2021). C. Lu et al.,
*DPM-Solver++* (2022). T. Karras et al., *Elucidating the design space of diffusion-based
generative models*, NeurIPS (2022).
"""

import json
import time
from collections.abc import Iterator
from itertools import product
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from genlib.classifier import classified, classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.diffusion.base import Diffusion
from genlib.diffusion.samplers import SAMPLERS, evaluations
from genlib.family import to_float
from genlib.metrics import frechet_distance
from genlib.rng import generator
from genlib.studies.starts import Denoiser, StudyOfRun, diffusing
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

SAME = {"Euler"}  # its steps are DDIM's
STEPS = (3, 5, 10, 20, 50)
BATCH = 256  # pictures at once
SHOWN = 64  # pictures whose time is told


class Walked(NamedTuple):
    """What a sampler made in so many steps."""

    sampler: str
    steps: int
    looks: int  # of the network
    seconds: float  # for SHOWN pictures
    fid: float


class SamplerBench(StudyOfRun):
    """Quality against steps and seconds, for each sampler."""

    study: Literal["sampler_bench"] = "sampler_bench"
    start: Denoiser = Field(description="The run that is sampled.")
    pictures: int = Field(2048, ge=256, le=10_000, description="Samples of each point.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the points so far; those that were measured before are kept."""
        model = diffusing(workspace.run(self.start))
        last = model.schedule.last
        ways = list(product(compared(), [steps for steps in STEPS if steps <= last] or [last]))
        classifier, before = yield from classifier_of(self.start.dataset, workspace, len(ways))
        test = to_float(load_dataset(self.start.dataset).test.to(workspace.device))
        count = min(self.pictures, len(test) // 2)  # so that the others are others
        real, others = (classified(classifier, x).features for x in (test[:count], test[-count:]))
        found = points(files)
        _made(model, ways[0][0], 1, min(count, BATCH), workspace.device)  # the first walk is slow
        for name, steps in ways[len(found) :]:
            seconds, made = _made(model, name, steps, count, workspace.device)
            fid = frechet_distance(real, classified(classifier, made).features)
            looks = evaluations(SAMPLERS[name], model.schedule, model.schedule.times(steps))
            found.append(Walked(name, steps, looks, seconds * SHOWN / count, fid))
            document = {"points": found, "floor": frechet_distance(real, others)}
            kept = {"points.json": json.dumps(document).encode()}
            yield Progress(before + len(found), before + len(ways), kept)


def compared() -> list[str]:
    """Return the names of the samplers that are compared: all but for one of equal ones."""
    return [name for name in SAMPLERS if name not in SAME]


@torch.no_grad()
def _made(
    model: Diffusion, name: str, steps: int, count: int, device: torch.device
) -> tuple[float, Tensor]:
    """Return the seconds that so many pictures took, and the pictures."""
    rng = generator(0, device)
    noise = torch.randn(count, *model.shape, generator=rng, device=device)
    labels = torch.arange(count, device=device) % 10 if model.classes else None
    times = model.schedule.times(steps)
    began = time.perf_counter()
    parts = []
    for index in torch.arange(count, device=device).split(BATCH):
        wanted = None if labels is None else labels[index]
        *_, last = model.trajectory(noise[index], SAMPLERS[name], times, rng, wanted)
        parts.append(model.unscaled(last.x))
    made = torch.cat(parts).cpu()
    return time.perf_counter() - began, made


def points(files: Files) -> list[Walked]:
    """Return the points of `perform`, in the order in which they were measured."""
    if "points.json" not in files:
        return []
    return [Walked(*values) for values in json.loads(files["points.json"])["points"]]


def floor(files: Files) -> float:
    """Return the distance of real pictures from other real ones."""
    return float(json.loads(files["points.json"])["floor"])
