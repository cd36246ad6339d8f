"""What diffusion and flow matching share: a network that sees through noise, and ways to data."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.diffusion.config import PREVIEW_NFE, DiffusionConfig
from genlib.diffusion.parameterizations import Parameterization
from genlib.diffusion.samplers import Predictor, Sampler, Trajectory, dpm_solver
from genlib.diffusion.schedules import Schedule
from genlib.family import Batch, Family, GaussianCodings, Losses, Pictures, Shape, Shown
from genlib.nn import BookUNet, ConditionedStack, PatchTransformer, SpaceToDepthUNet
from genlib.rng import generator

Labels = Int64[Tensor, "batch"]
Times = Int64[Tensor, "batch"]
Network = PatchTransformer | SpaceToDepthUNet | BookUNet | ConditionedStack

FAR = 6.0  # where no point of the plane's data sets is any more
CLASSES = 32  # that an embedding has room for
LABEL_DROPOUT = 0.1  # the share of pictures trained without their class, for guidance
STEPS = 20  # of a sample, where nobody says otherwise
EVALUATED = 512  # pictures of a figure of merit


class Objective(NamedTuple):
    """What is learned, and at which times most.

    Attributes:
        parameterization: what the network predicts.
        error: of each value that it predicts, by `reduction="none"`.
        weights: of each time, from 0 to T.
        draw: times to train at, as shares of T in (0, 1].
    """

    parameterization: Parameterization
    error: Callable[..., Tensor]
    weights: Float[Tensor, "times"]
    draw: Callable[[int, torch.Generator], Float[Tensor, "batch"]]


class Diffusion(Family, GaussianCodings):
    """A network that sees x̂_0 in x_t, and ways from noise to data by it.

    Args:
        config: of the network.
        shape: (channels, height, width) of one picture; of points in the plane (2, 1, 1).
        network: from x_t and a conditioning vector to what the objective predicts.
        schedule: of the noise.
        objective: of the training.
    """

    alphas: Tensor
    sigmas: Tensor
    weights: Tensor

    def __init__(
        self,
        config: DiffusionConfig,
        shape: Shape,
        network: Network,
        schedule: Schedule,
        objective: Objective,
    ) -> None:
        super().__init__(config, shape)
        channels, height, width = shape
        self.codings = channels * height * width
        self.pictures = height > 1
        self.classes = classes(config)
        self.network = network
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
        """Return the share of a step in what `preview` does: one function evaluation of many."""
        return 1 / (min(PREVIEW_NFE, self.schedule.last) + 1)

    def denoising_loss(self, batch: Batch, rng: torch.Generator) -> Float[Tensor, ""]:
        """Return the loss at a random time for each picture (Ho et al. 2020, algorithm 1)."""
        x = self.scaled(batch.x)
        goal, last = self.objective, self.schedule.last
        t = (goal.draw(len(x), rng) * last).ceil().long().clamp(1, last)
        eps = torch.randn(x.shape, generator=rng, device=x.device)
        x_t, scales = self.resident.noised(x, t, eps), self.resident.at(t, x.ndim)
        output = self.output(x_t, t, t, self.label_dropout(batch.labels, rng))
        target = goal.parameterization.target(x, eps, *scales)
        error = goal.error(output, target, reduction="none")
        return (self.weights[t] * error.flatten(1).mean(1)).mean()

    def label_dropout(self, labels: Labels | None, rng: torch.Generator) -> Labels | None:
        """Return the classes of a batch, a random tenth of them as the class that is none."""
        if not self.classes or labels is None:
            return None
        dropped = torch.rand(len(labels), generator=rng, device=rng.device) < LABEL_DROPOUT
        return labels.masked_fill(dropped, self.classes)

    def output(self, x_t: Pictures, t: Times, s: Times, labels: Labels | None = None) -> Pictures:
        """Return the network's output for x_t, each at its own time t on the way to a time s."""
        last = self.schedule.last
        conditioning = self.network.told(t / last, s / last, labels)
        output: Tensor = self.network(x_t, conditioning)
        return output.float()

    def predict(self, x_t: Pictures, t: Times, s: Times, labels: Labels | None = None) -> Pictures:
        """Return x̂_0, scaled: the data that the network sees in x_t.

        Args:
            x_t: data in noise, scaled.
            t: the time of each.
            s: the time to go to from there; t itself asks for the present x̂_0. It makes a
                difference to networks alone that are trained for jumps.
            labels: the class of each; the class `classes` is none.
        """
        output, scales = self.output(x_t, t, s, labels), self.resident.at(t, x_t.ndim)
        return self.objective.parameterization.x0_hat(x_t, output, *scales)

    def predictor(self, labels: Labels | None = None, guidance: float = 1.0) -> Predictor:
        """Return the prediction at one time, for samplers; it never leaves where data can be.

        Args:
            labels: the class wanted of each picture; the class `classes` is none.
            guidance: how far to go from x̂_0 without a class to x̂_0 with it, and beyond (Ho and
                Salimans 2022, eq. 6, written for x̂_0).
        """

        def predict(x: Pictures, time: int, to: int) -> Pictures:
            t, s = (torch.full((len(x),), each, device=x.device) for each in (time, to))
            x0_hat = self.predict(x, t, s, labels)
            if labels is not None and guidance != 1:
                unconditional = self.predict(x, t, s)
                x0_hat = unconditional + guidance * (x0_hat - unconditional)
            edge = 1.0 if self.pictures else FAR
            return x0_hat.clamp(-edge, edge)

        return predict

    def trajectory(
        self,
        noise: Pictures,
        sampler: Sampler,
        times: list[int],
        rng: torch.Generator,
        labels: Labels | None = None,
        guidance: float = 1.0,
    ) -> Trajectory:
        """Yield the frames of the way from noise to data, scaled as the network sees them."""
        return sampler(self.predictor(labels, guidance), noise, self.schedule, times, rng)

    def generate(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures that noise becomes in a few steps without fresh noise.

        A class-conditional model makes each class of the first ten in turn.
        """
        return self.reverse(z.view(-1, *self.shape), labels=self._in_turn(z))

    def _in_turn(self, noise: Tensor) -> Labels | None:
        """Return the first ten classes in turn; none for points, which may have fewer."""
        conditional = self.classes and self.pictures
        return torch.arange(len(noise), device=noise.device) % 10 if conditional else None

    def reverse(
        self,
        noise: Pictures,
        sampler: Sampler = dpm_solver,
        steps: int = STEPS,
        labels: Labels | None = None,
        guidance: float = 1.0,
        start: int | None = None,
    ) -> Pictures:
        """Return where the reverse process ends, in [0, 1]: from noise, or from the time `start`.

        It takes so many steps, or fewer where there are fewer times; fresh noise is of seed 0.
        """
        times = self.schedule.times(min(steps, start or self.schedule.last), start)
        rng = generator(0, noise.device)
        *_, last = self.trajectory(noise, sampler, times, rng, labels, guidance)
        return self.unscaled(last.x)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return new pictures; those of x with a growing part of noise; and x̂_0 of these."""
        count, device = len(x), x.device
        noise = torch.randn(x.shape, generator=rng, device=device)
        steps = torch.linspace(1, self.schedule.last, count, device=device)
        t = steps.round().long()
        eps = torch.randn(x.shape, generator=rng, device=device)
        x_t = self.resident.noised(self.scaled(x), t, eps)
        x0_hat = self.predict(x_t, t, t)
        samples = self.reverse(noise, steps=PREVIEW_NFE, labels=self._in_turn(noise))
        return torch.cat([samples, self.unscaled(x_t), self.unscaled(x0_hat)])

    def evaluate(self, x: Pictures) -> Losses:
        """Return the mean squared error of the noise, at even times, of the first pictures."""
        x = self.scaled(x[:EVALUATED])
        t = torch.linspace(1, self.schedule.last, len(x), device=x.device).round().long()
        eps = torch.randn(x.shape, generator=generator(0, x.device), device=x.device)
        x_t = self.resident.noised(x, t, eps)
        alpha, sigma = self.resident.at(t, x.ndim)
        eps_hat = (x_t - alpha * self.predict(x_t, t, t)) / sigma
        return {"noise": F.mse_loss(eps_hat, eps)}

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of a picture and what it is cut into, through the network."""
        kinds = {PatchTransformer: "block", ConditionedStack: "hidden"}
        network = self.network
        name = kinds.get(type(network), "maps")
        inner = [(name, size) for size in network.sizes()]
        return [("noised", self.codings), *inner, ("guess", self.codings)]


def classes(config: DiffusionConfig) -> int:
    """Return how many classes a model is conditioned on, at most; 0 where it is on none."""
    return CLASSES if config.conditional else 0


def network_of(
    config: DiffusionConfig, shape: Shape, embedding: Callable[[int, int], nn.Module]
) -> Network:
    """Return the network for pictures of a shape; for points, dense layers.

    Args:
        config: which network.
        shape: of a picture.
        embedding: (values of the conditioning vector, classes) → the embedding of times t and s
            in [0, 1], and of classes or None, as that vector.
    """
    width, depth, names = config.width, config.depth, classes(config)
    if shape[1] == 1:
        return ConditionedStack(shape[0], width, depth, embedding(width, names))
    if config.network == "transformer":
        return PatchTransformer(shape, 4, width, depth, embedding(width, names))
    if config.network == "U-Net":
        return SpaceToDepthUNet(shape, width, depth, embedding(4 * width, names))
    return BookUNet(shape, width, embedding(4 * width, names))
