"""GANs that begin with pictures of 4 × 4 pixels, and double their size when those are good."""

import copy
import math
from itertools import pairwise
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.adversarial.batchwise import logit_head
from genlib.adversarial.config import GrowingConfig
from genlib.adversarial.gan import GAN
from genlib.adversarial.levels import (
    SMALLEST,
    GrowingNetwork,
    GrowthState,
    from_rgb,
    padded,
    sides,
)
from genlib.family import Pictures, Shape, Stage
from genlib.nn import MinibatchStd, equalise, fade_in

Model = TypeVar("Model", bound="GrowingGAN")


def channels(config: GrowingConfig, levels: int) -> list[int]:
    """Return the filters of each level."""
    return [
        min(config.most_filters, config.filters * 2 ** (levels - 1 - level))
        for level in range(levels)
    ]


class GrowingCritic(GrowingNetwork):
    """A discriminator that takes pictures of any level's size apart, down to 4 × 4.

    At α = 0 it sees the level below alone.

    Args:
        config: of the family.
        shape: of the pictures, whatever the level; they are padded, then averaged to its size.
    """

    def __init__(self, config: GrowingConfig, shape: Shape) -> None:
        super().__init__()
        self.sides = sides(shape)
        filters = channels(config, len(self.sides))
        self.colours = from_rgb(filters, config.packing * shape[0], growing=config.growing)
        self.blocks = nn.ModuleList([self._last(config, filters[0])])
        for wide, narrow in pairwise(filters):
            self.blocks.append(self._halving(narrow, wide))
        equalise(self, at_run_time=config.equalised)

    @staticmethod
    def _halving(fan_in: int, fan_out: int) -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(fan_in, fan_in, 3, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.LeakyReLU(0.2), nn.AvgPool2d(2)),
        )

    @staticmethod
    def _last(config: GrowingConfig, filters: int) -> nn.Module:
        more = int(config.minibatch_std)
        return nn.Sequential(
            *([MinibatchStd()] if more else []),
            *(nn.Conv2d(filters + more, filters, 3, padding=1), nn.LeakyReLU(0.2), nn.Flatten()),
            *(nn.Linear(filters * SMALLEST**2, filters), nn.LeakyReLU(0.2)),
            logit_head(filters, batchwise=config.minibatch_discrimination),
        )

    def forward(self, x: Pictures, growth: GrowthState) -> Float[Tensor, "batch 1"]:
        """Return a logit of each picture, as it looks at that level."""
        x = padded(x, self.sides[-1])
        x = F.avg_pool2d(x, self.sides[-1] // self.sides[growth.level])
        h = F.leaky_relu(self.colours.of(growth.level)(x), 0.2)
        for level in range(growth.level, 0, -1):
            h = self.blocks[level](h)
            if level == growth.level and growth.fading:
                below = self.colours.of(level - 1)(F.avg_pool2d(x, 2))
                h = fade_in(F.leaky_relu(below, 0.2), h, growth.alpha)
        return self.blocks[0](h)  # type: ignore[no-any-return]


class GrowingGAN(GAN):
    """A GAN that grows; each kind brings its generator.

    Args:
        config: of the family.
        shape: of a picture.
        generator: from codings, and how far it has grown, to pictures in [0, 1] of that shape.
    """

    config: GrowingConfig
    generator: GrowingNetwork
    discriminator: GrowingCritic

    def __init__(self, config: GrowingConfig, shape: Shape, generator: GrowingNetwork) -> None:
        super().__init__(config, shape, config.codings, (generator, GrowingCritic(config, shape)))
        self.sides = sides(shape)
        self.growth = (GrowthState(len(self.sides) - 1),)

    def stages(self) -> tuple[Stage, ...]:
        """Return a stage for each size, each twice as long as the one before; or a single one."""
        if not self.config.growing:
            return (Stage("train", 1.0),)
        return tuple(Stage(f"{side} × {side}", side / sum(self.sides)) for side in self.sides)

    def in_stage(self: Model, stage: str, progress: float | Tensor) -> Model:
        """Return a view of both networks, grown as far as they are in a stage."""
        view = copy.copy(self)
        view.growth = (self.growth_state(stage, progress),)
        return view

    def growth_state(self, stage: str, progress: float | Tensor) -> GrowthState:
        """Return how far both networks have grown in a stage; outside training, fully."""
        if not stage or not self.config.growing:
            return GrowthState(len(self.sides) - 1)
        level = [f"{side} × {side}" for side in self.sides].index(stage)
        if not level or not self.config.fading:
            return GrowthState(level)
        return GrowthState(level, torch.as_tensor(progress / self.config.fading).clamp(max=1.0))

    def phase(self, share: float) -> str:
        """Return the size that is trained after that share of all steps, with its α."""
        if not self.config.growing:
            return ""
        stages, level, began = self.stages(), 0, 0.0
        while level + 1 < len(stages) and share >= began + stages[level].share:
            began += stages[level].share
            level += 1
        fading = stages[level].share * self.config.fading if level else 0.0
        alpha = min(1.0, (share - began) / fading) if fading else 1.0
        return f"{stages[level].name}, α = {alpha:.2f}"

    def players(self, stage: str) -> dict[str, nn.Module]:
        """Return the parts of both networks that a stage uses."""
        growth = self.growth_state(stage, 0.0)
        levels = range(growth.level - growth.fading, growth.level + 1)
        networks: dict[str, GrowingNetwork] = {
            "discriminator": self.discriminator,
            "generator": self.generator,
        }
        return {name: network.used(levels) for name, network in networks.items()}

    def relative_cost(self) -> float:
        """Return that of a GAN; levels cost about the same, and are not always all there."""
        count = len(self.sides)
        levels = enumerate(self.stages(), 1) if self.config.growing else [(count, Stage("", 1.0))]
        return super().relative_cost() * sum(
            stage.share * level / count for level, stage in levels
        )

    def grown_sizes(self) -> list[tuple[str, int]]:
        """Return the values of each layer from the smallest maps to the logit."""
        counts = channels(self.config, len(self.sides))
        maps = [
            (f"{side}²", count * side**2) for side, count in zip(self.sides, counts, strict=True)
        ]
        return [*maps, ("picture", math.prod(self.shape)), *reversed(maps), ("real?", 1)]
