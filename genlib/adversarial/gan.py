"""What all GANs share as families: the two networks, and what one can ask of them."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlib.adversarial.config import SHOWN, AdversarialConfig
from genlib.adversarial.game import Game
from genlib.adversarial.levels import GrowthState
from genlib.adversarial.objectives import OBJECTIVES
from genlib.adversarial.replay import ReplayBuffer
from genlib.family import (
    Batch,
    Discriminates,
    Family,
    GaussianCodings,
    Losses,
    Pictures,
    Shape,
    Shown,
)
from genlib.metrics import energy_distance
from genlib.nn import draw_from, spectral_norm
from genlib.rng import generator

COMPARED = 1000  # pictures of each kind in the energy distance
DISCRIMINATED = 256  # pictures at once: comparing them costs the square of their number


class GAN(Family, GaussianCodings, Discriminates):
    """A family of two players; each kind of GAN brings its networks.

    Args:
        config: the rules of the game.
        shape: of a picture.
        codings: the generator's input, drawn from N(0, I).
        networks: the generator, from codings to pictures in [0, 1] or points; and the
            discriminator, from pictures, as many channels as are packed, to (batch, 1) logits.

    Attributes:
        growth: what both networks get beside their input: where they grow, how far they have.
    """

    loss_code = Game

    def __init__(
        self,
        config: AdversarialConfig,
        shape: Shape,
        codings: int,
        networks: tuple[nn.Module, nn.Module],
    ) -> None:
        super().__init__(config, shape)
        self.config, self.codings = config, codings
        self.generator, self.discriminator = networks
        self.growth: tuple[GrowthState, ...] = ()
        if config.spectral_norm:
            spectral_norm(self.discriminator)
        self.replay = ReplayBuffer(config.replay, (), shape) if config.replay else None

    @property
    def game(self) -> Game:
        """The game of the two."""
        critic = lambda x: self.discriminator(x, *self.growth)[:, 0]  # noqa: E731
        return Game(self.config, self.generate, critic, self.replay, self.codings)

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return both networks."""
        return {"discriminator": self.discriminator, "generator": self.generator}

    def learning_rate_multipliers(self) -> dict[str, float]:
        """Return the discriminator's learning rate, as a multiple of the generator's."""
        return {"discriminator": self.config.critic_rate}

    def relative_cost(self) -> float:
        """Return about how many times a plain step of both phases it costs: penalties count."""
        rules = self.config
        squared_gradient_norm = bool(rules.r1 or rules.r2) + bool(rules.gradient_penalty)
        phase_1, phase_2 = (
            rules.critic_steps * (1 + 1.5 * squared_gradient_norm),
            rules.generator_steps,
        )
        return (phase_1 + phase_2) / 2

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the losses of the discriminator's phase, then of the generator's."""
        draw_from(self, rng)
        yield from self.in_stage(batch.stage, batch.progress).game.updates(batch.x, rng)

    def discriminate(self, x: Pictures) -> Float[Tensor, "batch"]:
        """Return D's logit of each picture; with packing, of several copies of it."""
        parts = [part.repeat_interleave(self.config.packing, 0) for part in x.split(DISCRIMINATED)]
        return torch.cat([self.game.score(part) for part in parts])

    def decision_threshold(self, real: Pictures, generated: Pictures) -> Float[Tensor, ""]:
        """Return the logit from which D says real: the loss's own, or else the middle of all."""
        own = OBJECTIVES[self.config.loss].decision_threshold
        if own is not None:
            return torch.full((), own, device=real.device)
        return (self.discriminate(real).mean() + self.discriminate(generated).mean()) / 2

    def generate(self, z: Float[Tensor, "batch codings"]) -> Pictures:
        """Return the pictures of codings z."""
        return self.generator(z, *self.growth)  # type: ignore[no-any-return]

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return new pictures, each time of the same codings."""
        return self.sample(SHOWN * len(x), rng)

    def evaluate(self, x: Pictures) -> Losses:
        """Return the energy distance of samples, and the shares that D judges rightly."""
        x = x[:COMPARED]
        samples = self.sample(len(x), generator(0, x.device))
        threshold = self.decision_threshold(x, samples)
        return {
            "energy": energy_distance(x.flatten(1), samples.flatten(1)),
            "right on real": (self.discriminate(x) > threshold).float().mean(),
            "right on fake": (self.discriminate(samples) <= threshold).float().mean(),
        }
