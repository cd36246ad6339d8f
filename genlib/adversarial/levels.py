"""The levels that a network grows through, with to_rgb and from_rgb of each."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.family import Pictures, Shape
from genlib.nn import fade_in

SMALLEST = 4  # pixels: the side of the first pictures


class GrowthState(NamedTuple):
    """How far two networks have grown."""

    level: int  # 0 is the smallest size; each one more doubles it
    alpha: float | Float[Tensor, ""] = 1.0  # how far that level has faded in

    @property
    def fading(self) -> bool:
        """Whether the level below is seen, too; a number on the device is never read."""
        return self.level > 0 and not (isinstance(self.alpha, float) and self.alpha >= 1)


def sides(shape: Shape) -> list[int]:
    """Return the sides of all levels: 4, 8, … pixels, until a picture of that shape fits."""
    levels = [SMALLEST]
    while levels[-1] < max(shape[1:]):
        levels.append(2 * levels[-1])
    return levels


def padded(x: Pictures, side: int) -> Float[Tensor, "batch channels side side"]:
    """Return pictures in the middle of black squares."""
    down, right = side - x.shape[2], side - x.shape[3]
    return F.pad(x, [right // 2, right - right // 2, down // 2, down - down // 2])


def cropped(x: Pictures, shape: Shape) -> Float[Tensor, "batch channels lower narrower"]:
    """Return the middle of pictures: the inverse of `padded`, once they are as large."""
    top, left = (x.shape[2] - shape[1]) // 2, (x.shape[3] - shape[2]) // 2
    return x[:, :, top : top + shape[1], left : left + shape[2]]


def true_pixels(x: Pictures, side: int) -> Float[Tensor, "batch channels rows columns"]:
    """Return pictures of a level without the repetition: one pixel for each that one can see.

    Args:
        x: pictures of full size.
        side: of the level.
    """
    whole = sides((x.shape[1], x.shape[2], x.shape[3]))[-1]
    factor = whole // side
    rows, columns = (
        [
            min(max(0, block * factor + factor // 2 - (whole - seen) // 2), seen - 1)
            for block in range(side)
            if -factor < block * factor - (whole - seen) // 2 < seen
        ]
        for seen in x.shape[2:]
    )
    return x[:, :, rows][:, :, :, columns]


class LevelConvolutions(nn.ModuleList):
    """A convolution of 1 × 1 for each level that is ever shown.

    Args:
        channels: (in, out) of each level.
        growing: whether all levels are shown; otherwise the last one is.
    """

    def __init__(self, channels: list[tuple[int, int]], *, growing: bool) -> None:
        first = 0 if growing else len(channels) - 1
        super().__init__([nn.Conv2d(*ends, 1) for ends in channels[first:]])
        self.first = first

    def of(self, level: int) -> nn.Module:
        """Return the convolution of a level."""
        return self[level - self.first]


def to_rgb(filters: list[int], pictures: int, *, growing: bool) -> LevelConvolutions:
    """Return the convolutions from the maps of each level to pictures of so many channels."""
    return LevelConvolutions([(count, pictures) for count in filters], growing=growing)


def from_rgb(filters: list[int], pictures: int, *, growing: bool) -> LevelConvolutions:
    """Return the convolutions from pictures of so many channels to the maps of each level."""
    return LevelConvolutions([(pictures, count) for count in filters], growing=growing)


def to_pictures(
    convolutions: LevelConvolutions,
    below: Tensor,
    maps: Tensor,
    growth: GrowthState,
    shape: Shape,
) -> Pictures:
    """Return the pictures, in [0, 1] and of full size, of maps of a level and of the one below.

    Args:
        convolutions: of `to_rgb`.
        below: maps of the level below, half as large.
        maps: of the level.
        growth: the level, and how far it has faded in.
        shape: of a picture.
    """
    x = convolutions.of(growth.level)(maps)
    if growth.fading:
        x = fade_in(convolutions.of(growth.level - 1)(below), x, growth.alpha)
    return cropped(F.interpolate(x.sigmoid(), sides(shape)[-1]), shape)


class GrowingNetwork(nn.Module):
    """A network with a block for each level, and to_rgb or from_rgb for each that is shown."""

    blocks: nn.ModuleList
    colours: LevelConvolutions  # its name stays: shipped weights have it

    def used(self, levels: range) -> nn.ModuleList:
        """Return the network without the blocks of higher levels, and to_rgb of those alone."""
        grown = self.blocks, self.colours
        parts = [part for part in self.children() if part not in grown]
        convolutions = [self.colours.of(level) for level in levels]
        return nn.ModuleList([*parts, *self.blocks[: levels.stop], *convolutions])
