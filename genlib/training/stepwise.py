"""A game played by hand: one player moves at a time, and a step can be seen in slow motion."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from genlib.adversarial.gan import GAN
from genlib.config import TrainConfig
from genlib.data.dataset import Dataset
from genlib.family import Family, Shown
from genlib.rng import generator
from genlib.training.curve import Curve
from genlib.training.loop import Training

PLAYERS = {"D": frozenset({"discriminator"}), "G": frozenset({"generator"}), "B": None}
LEAST = 500  # moves that a game has room for
PULL = 0.5  # how far a strong pull moves a point in slow motion, in deviations of the data


class Part(NamedTuple):
    """A part of a step: what happens, and what the family previews then."""

    caption: str
    shown: Shown


class StepwiseGame:
    """A game that waits for moves.

    Args:
        family: a GAN, before its first step or trained already; it is copied.
        data: what it learns.
        config: its recipe.

    Raises:
        TypeError: it is no GAN.
    """

    def __init__(self, family: Family, data: Dataset, config: TrainConfig) -> None:
        if not isinstance(family, GAN):
            raise TypeError(f"{type(family).__name__} is no game of two players")
        self.family = copy.deepcopy(family).train().requires_grad_()
        count = config.pictures or len(data.train)
        steps = max(1, count // config.batch_size) * config.epochs
        longer = config.epochs * -(-LEAST // steps)  # a short recipe's rates, and then on
        recipe = config.model_copy(update={"epochs": max(config.epochs, longer)})
        self.training = Training(self.family, data.train, recipe)
        # the table of a long recipe would be large in every state that is kept
        self.training.curve = Curve(self.training.device, LEAST)
        self.training.curve.begin("", 0, LEAST)
        self.showcase = data.test[data.showcase()]

    def move(self, letter: str) -> None:
        """Let the players of a letter of PLAYERS move once."""
        self.training.moving = PLAYERS[letter]
        self.training.advance()

    @torch.no_grad()
    def preview(self) -> Shown:
        """Return what the family previews now, always of the same codings."""
        self.family.eval()
        shown = self.family.preview(self.showcase, generator(0))
        self.family.train()
        return shown

    def losses(self) -> dict[str, float]:
        """Return the losses of the last move."""
        return self.training.curve.losses_of(self.training.step)

    def slow_motion(self) -> list[Part]:
        """Take the next step, and return the parts of both its phases."""
        before = self.preview()
        self.move("D")
        after_d, loss_d = self.preview(), self.losses()["discriminator"]
        self.family.eval()
        pulled = self._pulled(after_d)
        self.family.train()
        self.move("G")
        after_g, loss_g = self.preview(), self.losses()["generator"]
        return [
            Part("Phase 1, 1 of 5. Codings are drawn; G turns them into points.", before),
            Part("Phase 1, 2 of 5. D gets these and as many real points, mixed.", before),
            Part("Phase 1, 3 of 5. D says of each how real it looks: the field.", before),
            Part(f"Phase 1, 4 of 5. How wrong is D? Its loss is {loss_d:.3f}.", before),
            Part("Phase 1, 5 of 5. D's weights move, and with them the field. G waits.", after_d),
            Part("Phase 2, 1 of 4. New codings, new points; D judges them.", after_d),
            Part(f"Phase 2, 2 of 4. How little is D fooled? G's loss is {loss_g:.3f}.", after_d),
            Part("Phase 2, 3 of 4. Through D, each point is pulled uphill in the field.", pulled),
            Part("Phase 2, 4 of 4. G's weights follow the pull, all points at once.", after_g),
        ]

    def _pulled(self, shown: Shown) -> Shown:
        """Return a preview whose samples have gone where the generator's gradient pulls them."""
        samples, *rest = shown.chunk(3)
        samples = samples.detach().requires_grad_()
        x = self.showcase[: len(samples)]
        losses = self.family.game.generator_losses(x, samples, generator(0))
        (gradient,) = torch.autograd.grad(losses["generator"], samples)
        norms: Tensor = gradient.flatten(1).norm(dim=1)
        strong = norms.quantile(0.9).clamp(min=1e-12)
        reach = PULL * self.showcase.std() / norms.clamp(min=strong)
        pulled = samples.detach() - gradient * reach.view(-1, 1, 1, 1)
        return torch.cat([pulled, *rest])
