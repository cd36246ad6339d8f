r"""Which sampler is worth its steps? The same model and the same noise, by several samplers.

Every step evaluates the network once, Heun's twice; nothing else takes time worth counting. So
quality against the **number of function evaluations** (NFE), and against seconds, is what a
sampler is measured by: the classifier FID of its samples, beside that of real pictures.

A sampler errs because it evaluates the network at a few times only. With $n$ steps DDIM's error
falls like $n^{-1}$. Heun's falls like $n^{-2}$ on the straight paths of flow matching, like
$n^{-1}$ with the sigmoid schedule, and in between with cosine, because the steps are even in $t$.
DDPM draws new noise at each step, which corrects old errors, but it wants many small steps.

With many steps, all samplers without fresh noise end at the same pictures. These are the ones
that the network stands for, and they need not have the best FID: the network errs too, and the
FID is measured by one classifier.

**Seconds** are the NFE times the seconds of one evaluation: the shortest of several, after a
warm-up.

**References.** J. Song et al., *Denoising diffusion implicit models*, ICLR (2021). C. Lu et al.,
*DPM-Solver++* (2022). T. Karras et al., *Elucidating the design space of diffusion-based
generative models*, NeurIPS (2022).
"""

import time
from collections.abc import Iterator
from itertools import product
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from genlib.classifier import classifier_of
from genlib.data.dataset import load as load_dataset
from genlib.diffusion.diffusion import Diffusion
from genlib.diffusion.samplers import SAMPLERS, evaluations
from genlib.rng import generator
from genlib.studies.reference import PICTURES, Reference
from genlib.studies.starts import Denoiser, StudyOfRun, diffusing
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

SAME = {"Euler"}  # its steps are DDIM's
STEPS = (3, 5, 10, 20, 50)
BATCH = 256  # pictures at once
SHOWN = 64  # pictures whose sampling time is measured


class Point(Result):
    """The quality and the cost of a sampler with so many steps."""

    sampler: str
    steps: int
    nfe: int  # evaluations of the network
    seconds: float  # for SHOWN pictures
    fid: float  # classifier FID


class Quality(Result):
    """The points so far, in the order in which they were measured."""

    points: list[Point]
    floor: float  # the classifier FID of real pictures
    pictures: int | None = None  # of each kind; version 1 does not say


class SamplerBench(StudyOfRun):
    """Quality against steps and seconds, for each sampler.

    The shipped results are of 2,048 samples and as many test pictures, not of the Reference.
    """

    shipped_settings: ClassVar[dict[str, Any]] = {"pictures": 2048}
    study: Literal["sampler_bench"] = "sampler_bench"
    start: Denoiser = Field(description="The run that is sampled.")
    pictures: int = Field(PICTURES, ge=256, le=10_000, description="Samples of each point.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the points so far; those that were measured before are kept."""
        model = diffusing(workspace.run(self.start))
        last = model.schedule.last
        ways = list(product(compared(), [steps for steps in STEPS if steps <= last] or [last]))
        classifier, before = yield from classifier_of(self.start.dataset, workspace, len(ways))
        data = load_dataset(self.start.dataset).to(workspace.device)
        reference = Reference(classifier, data, self.pictures)
        earlier = quality(files)
        points = [] if earlier is None else list(earlier.points)
        sampled(model, ways[0][0], 1, min(reference.count, BATCH), workspace.device)  # warms up
        for name, steps in ways[len(points) :]:
            seconds, fake = sampled(model, name, steps, reference.count, workspace.device)
            point = Point(
                sampler=name,
                steps=steps,
                nfe=evaluations(SAMPLERS[name], model.schedule, model.schedule.times(steps)),
                seconds=seconds * SHOWN / reference.count,
                fid=reference.fid(reference.classified(fake).features),
            )
            points.append(point)
            result = Quality(points=points, floor=reference.fid_floor, pictures=reference.count)
            yield Progress(
                before + len(points), before + len(ways), {"points.json": result.to_json()}
            )


def compared() -> list[str]:
    """Return the names of the samplers that are compared: all but for one of equal ones."""
    return [name for name in SAMPLERS if name not in SAME]


@torch.no_grad()
def sampled(
    model: Diffusion, name: str, steps: int, count: int, device: torch.device
) -> tuple[float, Tensor]:
    """Return the seconds that so many samples took, and the samples."""
    rng = generator(0, device)
    noise = torch.randn(count, *model.shape, generator=rng, device=device)
    labels = torch.arange(count, device=device) % 10 if model.classes else None
    times = model.schedule.times(steps)
    began = time.perf_counter()
    parts = []
    for index in torch.arange(count, device=device).split(BATCH):
        classes = None if labels is None else labels[index]
        *_, last = model.trajectory(noise[index], SAMPLERS[name], times, rng, classes)
        parts.append(model.unscaled(last.x))
    samples = torch.cat(parts).cpu()
    return time.perf_counter() - began, samples


def quality(files: Files) -> Quality | None:
    """Return what `perform` measured so far, None before the first point."""
    content = files.get("points.json")
    return None if content is None else Quality.from_json(content)
