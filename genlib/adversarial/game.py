"""The game: a generator draws, a discriminator tells real from drawn, and they take turns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlib.adversarial.batchwise import packed
from genlib.adversarial.config import AdversarialConfig
from genlib.adversarial.objectives import (
    OBJECTIVES,
    Logits,
    gradient_penalty,
    squared_gradient_norm,
)
from genlib.adversarial.replay import ReplayBuffer
from genlib.family import Losses


@dataclass(frozen=True)
class Game:
    """Both players and the rules.

    All of it works on batches of shape (*lead, batch, …): `lead` is empty for one game, and the
    number of games where many are played at once. Losses are means over a batch, summed over
    the games.

    Attributes:
        config: the rules.
        generate: G, from codings z to pictures.
        critic: D, from pictures, packed where the rules say so, to a logit each.
        replay: the buffer of earlier pictures, where the rules have one.
        codings: the dimensions of z.
        lead: of all batches.
    """

    config: AdversarialConfig
    generate: Callable[[Tensor], Tensor]
    critic: Callable[[Tensor], Tensor]
    replay: ReplayBuffer | None
    codings: int
    lead: tuple[int, ...] = ()

    def updates(self, x: Tensor, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the losses of phase 1, the discriminator's, and of phase 2, the generator's."""
        for _ in range(self.config.critic_steps):
            with torch.no_grad():
                fake = self.generate(self.draw(x, rng))
            if self.replay is not None:
                fake = self.replay.exchange(fake, rng)
            yield "discriminator", self.critic_losses(x, fake, rng)
        for _ in range(self.config.generator_steps):
            fake = self.generate(self.draw(x, rng))
            yield "generator", self.generator_losses(x, fake, rng)

    def draw(self, x: Tensor, rng: torch.Generator) -> Float[Tensor, "*lead batch codings"]:
        """Return codings z from N(0, I), one for each picture of a batch."""
        shape = *x.shape[: len(self.lead) + 1], self.codings
        return torch.randn(shape, generator=rng, device=x.device)

    def critic_losses(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Losses:
        """Return what the discriminator minimises."""
        rules = self.config
        real = self.noised(real, rng).detach().requires_grad_(rules.r1 > 0)
        fake = self.noised(fake, rng).detach().requires_grad_(rules.r2 > 0)
        on_real, on_fake = self.logits(real, fake)
        terms = {"discriminator": OBJECTIVES[rules.loss].critic(on_real, on_fake, rules.smoothing)}
        flat = {"R1": (rules.r1, real), "R2": (rules.r2, fake)}  # Mescheder et al. 2018, eq. 9
        flat = {name: (weight, x) for name, (weight, x) in flat.items() if weight}
        if flat:
            logits = torch.cat([on_real, on_fake], -1)
            norms = squared_gradient_norm(logits, *(x for _, x in flat.values()))
            for (name, (weight, _)), squared in zip(flat.items(), norms, strict=True):
                terms[name] = weight / 2 * squared
        if rules.gradient_penalty:
            batch = real.shape[: len(self.lead) + 1]
            share = torch.rand(batch, generator=rng, device=real.device)
            penalty = gradient_penalty(self.score, real, fake, share)
            terms["gradient penalty"] = rules.gradient_penalty * penalty
        return {name: self.total(values) for name, values in terms.items()}

    def generator_losses(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Losses:
        """Return what the generator minimises."""
        objective, fake = OBJECTIVES[self.config.loss], self.noised(fake, rng)
        if objective.paired:
            on_real, on_fake = self.logits(self.noised(real, rng), fake)
        else:
            on_fake = self.score(fake)
            on_real = torch.zeros_like(on_fake)
        return {"generator": self.total(objective.generator(on_real, on_fake))}

    def noised(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return what the discriminator sees of pictures: with noise, where the rules say so."""
        if not self.config.instance_noise:
            return x
        noise = torch.randn(x.shape, generator=rng, device=x.device)
        return x + self.config.instance_noise * noise

    def score(self, x: Tensor) -> Logits:
        """Return the discriminator's logits."""
        return self.critic(packed(x, self.config.packing, len(self.lead))).float()

    def logits(self, real: Tensor, fake: Tensor) -> tuple[Logits, Logits]:
        """Return the logits of both, judged in one batch, as the book does it.

        Where D compares the pictures of a batch, each has its own: the others would give it away.
        """
        if self.config.batchwise:
            return self.score(real), self.score(fake)
        axis = len(self.lead)
        both = [packed(part, self.config.packing, axis) for part in (real, fake)]
        on_real, on_fake = self.critic(torch.cat(both, axis)).float().chunk(2, axis)
        return on_real, on_fake

    def total(self, values: Logits) -> Float[Tensor, ""]:
        """Return the mean over the batch, summed over the games."""
        return values.mean(-1).sum()
