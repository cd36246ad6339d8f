"""What diffusion and flow matching share: noise goes in, a network learns to see through it."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.diffusion.config import DiffusionConfig
from genlib.diffusion.parameterizations import Parameterization
from genlib.diffusion.samplers import Path, Predictor, Sampler, ddim, dpm_solver, probability_flow
from genlib.diffusion.schedules import Schedule
from genlib.family import Batch, Family, Generates, Losses, Pictures, Shape, Shown
from genlib.nn import BookUNet, PatchTransformer, SpaceToDepthUNet, TimedStack
from genlib.rng import generator

SamplerName = Literal["DPM-Solver++", "DDIM", "DDPM", "Heun", "Euler"]
Labels = Int64[Tensor, "batch"]
Times = Int64[Tensor, "batch"]

SAMPLERS: dict[SamplerName, Sampler] = {
    "DPM-Solver++": dpm_solver,
    "DDIM": ddim(eta=0.0),
    "DDPM": ddim(eta=1.0),
    "Heun": probability_flow(order=2),
    "Euler": probability_flow(order=1),
}
FAR = 6.0  # where no point of the plane's data sets is any more
CLASSES = 32  # that a network has names for
UNTOLD = 0.1  # the share of pictures whose class it is not told, for guidance
STEPS = 20  # of a sample, where nobody says otherwise
LOOKS = 8  # steps of a sample while training: rough, but soon
JUDGED = 512  # pictures of a figure of merit


class Objective(NamedTuple):
    """What is learned, and at which times most.

    Attributes:
        says: what the network is asked for.
        error: of each value that it says, by `reduction="none"`.
        weights: of each time, from 0 to T.
        draw: times to train at, as shares of T in (0, 1].
    """

    says: Parameterization
    error: Callable[..., Tensor]
    weights: Float[Tensor, "times"]
    draw: Callable[[int, torch.Generator], Float[Tensor, "batch"]]


class Diffusion(Family, Generates):
    """A network that guesses what is clean in x_t, and ways from noise to data by it.

    Args:
        config: of the network.
        shape: (channels, height, width) of one picture; of points in the plane (2, 1, 1).
        schedule: of the noise.
        objective: of the training.
    """

    alphas: Tensor
    sigmas: Tensor
    weights: Tensor

    def __init__(
        self, config: DiffusionConfig, shape: Shape, schedule: Schedule, objective: Objective
    ) -> None:
        super().__init__(config, shape)
        channels, height, width = shape
        self.codings = channels * height * width
        self.pictures = height > 1
        self.classes = CLASSES if config.conditional else 0
        self.network = _network(config, shape, self.classes)
        self.objective = objective
        self.schedule = schedule  # on the CPU, for samplers
        self.register_buffer("alphas", schedule.alphas.clone(), persistent=False)
        self.register_buffer("sigmas", schedule.sigmas.clone(), persistent=False)
        self.register_buffer("weights", objective.weights.clone(), persistent=False)

    @property
    def resident(self) -> Schedule:
        """The schedule, on the device of the network."""
        return Schedule(self.alphas, self.sigmas, self.schedule.straight)

    def scaled(self, x: Pictures) -> Pictures:
        """Return pictures in [0, 1] as numbers in [−1, 1]; points stay as they are."""
        return 2 * x - 1 if self.pictures else x

    def unscaled(self, x: Pictures) -> Pictures:
        """Return numbers in [−1, 1] as pictures, clipped to [0, 1]; points stay as they are."""
        return ((x + 1) / 2).clamp(0, 1) if self.pictures else x

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the network."""
        return {"network": self.network}

    def relative_cost(self) -> float:
        """Return the share of a step in what `preview` does: one look of a sample's."""
        return 1 / (min(LOOKS, self.schedule.last) + 1)

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the loss at a random time for each picture (Ho et al. 2020, algorithm 1)."""
        x = self.scaled(batch.x)
        goal, last = self.objective, self.schedule.last
        t = (goal.draw(len(x), rng) * last).ceil().long().clamp(1, last)
        eps = torch.randn(x.shape, generator=rng, device=x.device)
        x_t, scales = self.resident.noised(x, t, eps), self.resident.at(t, x.ndim)
        said = self.said(x_t, t, self._told(batch.labels, rng))
        error = goal.error(said, goal.says.target(x, eps, *scales), reduction="none")
        yield "network", {"loss": (self.weights[t] * error.flatten(1).mean(1)).mean()}

    def _told(self, labels: Labels | None, rng: torch.Generator) -> Labels | None:
        """Return the classes of the batch, but for those that it is not told."""
        if not self.classes or labels is None:
            return None
        silent = torch.rand(len(labels), generator=rng, device=rng.device) < UNTOLD
        return labels.masked_fill(silent, self.classes)

    def said(self, x_t: Pictures, t: Times, labels: Labels | None) -> Pictures:
        """Return what the network says of x_t, each at its own time."""
        made: Tensor = self.network(x_t, t / self.schedule.last, labels)
        return made.float()

    def guess(self, x_t: Pictures, t: Times, labels: Labels | None = None) -> Pictures:
        """Return the clean pictures, scaled, that it sees in x_t."""
        said, scales = self.said(x_t, t, labels), self.resident.at(t, x_t.ndim)
        return self.objective.says.clean(x_t, said, *scales)

    def predictor(self, labels: Labels | None = None, guidance: float = 1.0) -> Predictor:
        """Return the guess at one time, for samplers; it never leaves where data can be.

        Args:
            labels: the class wanted of each picture; the class `classes` is none.
            guidance: how far to go from what it sees without a class to what it sees with it, and
                beyond (Ho and Salimans 2022, eq. 6, written for the guess).
        """

        def predict(x: Pictures, time: int) -> Pictures:
            t = torch.full((len(x),), time, device=x.device)
            clean = self.guess(x, t, labels)
            if labels is not None and guidance != 1:
                free = self.guess(x, t)
                clean = free + guidance * (clean - free)
            edge = 1.0 if self.pictures else FAR
            return clean.clamp(-edge, edge)

        return predict

    def frames(
        self,
        noise: Pictures,
        sampler: Sampler,
        times: list[int],
        rng: torch.Generator,
        labels: Labels | None = None,
        guidance: float = 1.0,
    ) -> Path:
        """Yield the frames of the way from noise to data, scaled as the network sees them."""
        return sampler(self.predictor(labels, guidance), noise, self.schedule, times, rng)

    def generate(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures that noise becomes in a few steps without fresh noise.

        What is told the class makes each class of the first ten in turn.
        """
        return self.walked(z.view(-1, *self.shape), labels=self._in_turn(z))

    def _in_turn(self, noise: Tensor) -> Labels | None:
        """Return the first ten classes in turn; none for points, which may have fewer."""
        told = self.classes and self.pictures
        return torch.arange(len(noise), device=noise.device) % 10 if told else None

    def walked(
        self,
        noise: Pictures,
        sampler: Sampler = dpm_solver,
        steps: int = STEPS,
        labels: Labels | None = None,
        guidance: float = 1.0,
        start: int | None = None,
    ) -> Pictures:
        """Return where a walk ends, in [0, 1]: from noise, or from the time `start`.

        It takes so many steps, or fewer where there are fewer times; fresh noise is of seed 0.
        """
        times = self.schedule.times(min(steps, start or self.schedule.last), start)
        rng = generator(0, noise.device)
        *_, last = self.frames(noise, sampler, times, rng, labels, guidance)
        return self.unscaled(last.x)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return new pictures; those of x with a growing part of noise; and what it sees there."""
        count, device = len(x), x.device
        fresh = torch.randn(x.shape, generator=rng, device=device)
        steps = torch.linspace(1, self.schedule.last, count, device=device)
        t = steps.round().long()
        eps = torch.randn(x.shape, generator=rng, device=device)
        x_t = self.resident.noised(self.scaled(x), t, eps)
        seen = self.guess(x_t, t)
        new = self.walked(fresh, steps=LOOKS, labels=self._in_turn(fresh))
        return torch.cat([new, self.unscaled(x_t), self.unscaled(seen)])

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error of the noise, at even times, of the first pictures."""
        x = self.scaled(x[:JUDGED])
        t = torch.linspace(1, self.schedule.last, len(x), device=x.device).round().long()
        eps = torch.randn(x.shape, generator=generator(0, x.device), device=x.device)
        x_t = self.resident.noised(x, t, eps)
        alpha, sigma = self.resident.at(t, x.ndim)
        seen = (x_t - alpha * self.guess(x_t, t)) / sigma
        return {"noise": F.mse_loss(seen, eps)}

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of a picture and what it is cut into, through the network."""
        kinds = {PatchTransformer: "block", TimedStack: "hidden"}
        network = self.network
        name = kinds.get(type(network), "maps")
        inner = [(name, size) for size in network.sizes()]
        return [("noised", self.codings), *inner, ("guess", self.codings)]


def _network(
    config: DiffusionConfig, shape: Shape, classes: int
) -> PatchTransformer | SpaceToDepthUNet | BookUNet | TimedStack:
    """Return the network for pictures of a shape; for points, dense layers."""
    width, depth = config.width, config.depth
    if shape[1] == 1:
        return TimedStack(shape[0], width, depth, classes)
    if config.network == "transformer":
        return PatchTransformer(shape, 4, width, depth, classes)
    if config.network == "U-Net":
        return SpaceToDepthUNet(shape, width, depth, classes)
    return BookUNet(shape, width, classes)
