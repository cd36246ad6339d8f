"""The sizes that a network grows through, and what both players know of them."""

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
    found = [SMALLEST]
    while found[-1] < max(shape[1:]):
        found.append(2 * found[-1])
    return found


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


class RGBConvolutions(nn.ModuleList):
    """A convolution of 1 × 1 for each level that is ever shown: from maps to pictures, or back.

    Args:
        filters: of each level.
        pictures: the channels of pictures.
        growing: whether all levels are shown; otherwise the last one is.
        back: from pictures to maps.
    """

    def __init__(
        self, filters: list[int], pictures: int, *, growing: bool, back: bool = False
    ) -> None:
        ends = [(pictures, count) if back else (count, pictures) for count in filters]
        first = 0 if growing else len(filters) - 1
        super().__init__([nn.Conv2d(*end, 1) for end in ends[first:]])
        self.first = first

    def at(self, level: int) -> nn.Module:
        """Return the convolution of a level."""
        return self[level - self.first]


def drawn(
    colours: RGBConvolutions, below: Tensor, maps: Tensor, at: GrowthState, shape: Shape
) -> Pictures:
    """Return the pictures, in [0, 1] and of full size, of maps of a level and of the one below.

    Args:
        colours: from maps to pictures.
        below: of the level below, half as large.
        maps: of the level.
        at: the level, and how far it has faded in.
        shape: of a picture.
    """
    made = colours.at(at.level)(maps)
    if at.fading:
        made = fade_in(colours.at(at.level - 1)(below), made, at.alpha)
    return cropped(F.interpolate(made.sigmoid(), sides(shape)[-1]), shape)


class Grows(nn.Module):
    """A network with a block for each level, and colours for each that is ever shown."""

    blocks: nn.ModuleList
    colours: RGBConvolutions

    def used(self, levels: range) -> nn.ModuleList:
        """Return the network without the blocks of higher levels, and the colours of others."""
        grown = self.blocks, self.colours
        parts = [part for part in self.children() if part not in grown]
        colours = [self.colours.at(level) for level in levels]
        return nn.ModuleList([*parts, *self.blocks[: levels.stop], *colours])
