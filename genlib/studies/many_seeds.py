"""The same game many times at once, from different seeds.

A single game of two small networks leaves a machine mostly idle: its matrices are too small.
`torch.func.vmap` lays the weights of all games side by side and plays them as one.
"""

import copy
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from genlib.adversarial.game import Game
from genlib.adversarial.replay import ReplayBuffer
from genlib.data import DATASETS
from genlib.data.dataset import load
from genlib.errors import TaskError
from genlib.family import Batch, Family, Losses, Pictures, Shown, to_float
from genlib.models.gan2d.config import GAN2DConfig
from genlib.models.gan2d.model import CODINGS, PlaneGAN
from genlib.rng import build, generator
from genlib.runs.spec import RunSpec
from genlib.training.events import Diverged, Finished, Step
from genlib.training.loop import train

PAIRS = 2**20  # of points that may be compared at once, in all games together


class Stacked(nn.Module):
    """As many copies of a network as there are, each with weights of its own.

    Args:
        networks: alike but for their weights.
    """

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.hollow = [copy.deepcopy(networks[0]).to("meta")]  # in a list: it is no part of this
        weights, statistics = stack_module_state(networks)
        self.weights = nn.ParameterDict({key.replace(".", "/"): weights[key] for key in weights})
        for key, value in statistics.items():
            self.register_buffer(key.replace(".", "/"), value)

    def forward(self, x: Float[Tensor, "games batch *rest"]) -> Tensor:
        """Return what each network makes of its own batch."""
        state = {**dict(self.weights.items()), **dict(self.named_buffers())}
        named = {key.replace("/", "."): value for key, value in state.items()}

        def one(own: dict[str, Tensor], batch: Tensor) -> Tensor:
            y: Tensor = functional_call(self.hollow[0], own, (batch,))
            return y

        return vmap(one)(named, x)


class ManySeeds(Family):
    """A game of points in the plane, played from many seeds at once.

    Args:
        spec: the game of the first seed; the others count on from it.
        seeds: how many.
    """

    def __init__(self, spec: RunSpec, seeds: int) -> None:
        config = GAN2DConfig.model_validate(spec.model)
        shape, first = DATASETS[spec.dataset].shape, spec.train.seed
        super().__init__(config, shape)
        games = [build(lambda: PlaneGAN(config, shape), first + game) for game in range(seeds)]
        self.config: GAN2DConfig = config
        self.seeds = seeds
        self.generator = Stacked([game.generator for game in games])
        self.discriminator = Stacked([game.discriminator for game in games])
        size = config.replay
        self.replay = ReplayBuffer(size, (seeds,), self.shape) if size else None
        self.pace = games[0].learning_rate_multipliers()

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return all discriminators as one player, and all generators as the other."""
        return {"discriminator": self.discriminator, "generator": self.generator}

    def learning_rate_multipliers(self) -> dict[str, float]:
        """Return the paces of the one game."""
        return self.pace

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the losses of both phases, summed over the games."""
        critic = lambda x: self.discriminator(x)[..., 0]  # noqa: E731
        lead = (self.seeds,)
        game = Game(self.config, self.generator, critic, self.replay, CODINGS, lead)
        yield from game.updates(batch.x.view(self.seeds, -1, *self.shape), rng)

    def samples(self, count: int, rng: torch.Generator) -> Float[Tensor, "games count 2"]:
        """Return samples of each game."""
        z = torch.randn(self.seeds, count, CODINGS, generator=rng, device=rng.device)
        samples: Tensor = self.generator(z)
        return samples.flatten(2)

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return nothing new: only the end of many games is looked at."""
        return x

    def evaluate(self, x: Pictures) -> Losses:
        """Return no figures."""
        return {}

    def sizes(self) -> list[tuple[str, int]]:
        """Return no layers: it is not drawn."""
        return []


def play(
    spec: RunSpec, seeds: int, count: int, device: torch.device
) -> Iterator[tuple[int, int, Float[Tensor, "games count 2"] | None]]:
    """Train from many seeds; yield (step, steps, samples of each game), these at the end alone.

    Raises:
        TaskError: a game diverged, or the recipe would mix the games or play them otherwise.
    """
    if spec.train.optimizer == "muon" or spec.train.clip:
        raise TaskError("Many games at once need an optimizer other than Muon, and no clipping.")
    if spec.train.precision == "bfloat16":  # vmap would leave it out, unlike the single game
        raise TaskError("Many games at once are played in float32: choose that precision.")
    rules = GAN2DConfig.model_validate(spec.model)
    if rules.minibatch_discrimination and seeds * spec.train.batch_size**2 > PAIRS:
        raise TaskError("Comparing so many points at once takes too much memory: fewer seeds.")
    points = load(spec.dataset).train[: spec.train.pictures or None]
    images = to_float(points).to(device).repeat(seeds, 1, 1, 1)
    batch = min(spec.train.batch_size, len(points)) * seeds
    recipe = spec.train.model_copy(update={"batch_size": batch, "pictures": 0})
    steps = 0
    for event in train(ManySeeds(spec, seeds).to(device), images, images[:1], images[:1], recipe):
        if isinstance(event, Step):
            steps = event.steps
            if event.step % 100 == 0:
                yield event.step, steps, None
        elif isinstance(event, Diverged):
            raise TaskError(f"One of the games at least: {event.sentence}")
        elif isinstance(event, Finished) and isinstance(event.family, ManySeeds):
            games = event.family
            with torch.no_grad():
                yield steps, steps, games.samples(count, generator(spec.train.seed, device))
