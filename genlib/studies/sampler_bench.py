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
from genlib.studies.reference import SAMPLES, Reference
from genlib.studies.starts import Denoiser, StudyOfRun, diffusing
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

SAME = {"Euler"}  # its steps are DDIM's
STEPS = (3, 5, 10, 20, 50)
BATCH = 256  # pictures at once
SHOWN = 64  # pictures of an evaluation whose time is measured
REPEATS = 7  # of that; the shortest time counts


class Point(Result):
    """The quality and the cost of a sampler with so many steps."""

    sampler: str
    steps: int
    nfe: int  # evaluations of the network
    seconds: float  # for SHOWN pictures; in version 1 timed once, see Quality.seconds
    fid: float  # classifier FID
    pixel_fid: float | None = None  # version 1 did not measure it


class Quality(Result):
    """The points so far, in the order in which they were measured."""

    points: list[Point]
    floor: float  # the classifier FID of real pictures
    pixel_floor: float | None = None  # the pixel FID of real pictures
    pictures: int | None = None  # samples; version 1 does not say
    evaluation: float | None = None  # seconds of SHOWN pictures; version 1 did not measure it

    @property
    def shortest(self) -> float:
        """The shortest seconds of one evaluation of SHOWN pictures, of all points."""
        return min(point.seconds / point.nfe for point in self.points)

    @property
    def seconds(self) -> list[float]:
        """The seconds of SHOWN pictures at each point: equal NFE cost equal time."""
        return [point.nfe * self.shortest for point in self.points]


class SamplerBench(StudyOfRun):
    """Quality against steps and seconds, for each sampler.

    The shipped results are of 2,048 samples and as many test pictures.
    """

    shipped_settings: ClassVar[dict[str, Any]] = {"pictures": 2048}
    study: Literal["sampler_bench"] = "sampler_bench"
    start: Denoiser = Field(description="The run that is sampled.")
    pictures: int = Field(SAMPLES, ge=256, le=10_000, description="Samples of each point.")

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
        cost = earlier.evaluation if earlier is not None else None
        cost = cost or evaluation_seconds(model, workspace.device)
        for name, steps in ways[len(points) :]:
            fake = sampled(model, name, steps, reference.count, workspace.device)
            nfe = evaluations(SAMPLERS[name], model.schedule, model.schedule.times(steps))
            seen = reference.seen(fake)
            fids = {"fid": reference.fid(seen), "pixel_fid": reference.pixel_fid(seen)}
            points.append(Point(sampler=name, steps=steps, nfe=nfe, seconds=nfe * cost, **fids))
            result = Quality(
                points=points,
                floor=reference.fid_floor,
                pixel_floor=reference.pixel_fid_floor,
                pictures=reference.count,
                evaluation=cost,
            )
            yield Progress(
                before + len(points), before + len(ways), {"points.json": result.to_json()}
            )


def compared() -> list[str]:
    """Return the names of the samplers that are compared: all but for one of equal ones."""
    return [name for name in SAMPLERS if name not in SAME]


@torch.no_grad()
def evaluation_seconds(model: Diffusion, device: torch.device) -> float:
    """Return the seconds of one evaluation of SHOWN pictures: the shortest after a warm-up."""
    x = torch.randn(SHOWN, *model.shape, generator=generator(0, device), device=device)
    predict, last = model.predictor(_labels(model, SHOWN, device)), model.schedule.last

    def timed() -> float:
        began = time.perf_counter()
        predict(x, last, 0).cpu()  # which waits for a GPU
        return time.perf_counter() - began

    timed()  # warms up
    return min(timed() for _ in range(REPEATS))


@torch.no_grad()
def sampled(model: Diffusion, name: str, steps: int, count: int, device: torch.device) -> Tensor:
    """Return so many samples, on the CPU."""
    rng = generator(0, device)
    noise = torch.randn(count, *model.shape, generator=rng, device=device)
    labels = _labels(model, count, device)
    times = model.schedule.times(steps)
    parts = []
    for index in torch.arange(count, device=device).split(BATCH):
        classes = None if labels is None else labels[index]
        *_, last = model.trajectory(noise[index], SAMPLERS[name], times, rng, classes)
        parts.append(model.unscaled(last.x))
    return torch.cat(parts).cpu()


def _labels(model: Diffusion, count: int, device: torch.device) -> Tensor | None:
    """Return one class after the other, for a model that is told the class."""
    return torch.arange(count, device=device) % 10 if model.classes else None


def quality(files: Files) -> Quality | None:
    """Return what `perform` measured so far, None before the first point."""
    content = files.get("points.json")
    return None if content is None else Quality.from_json(content)
