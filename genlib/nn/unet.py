"""Networks that look at a picture coarsely and finely at once, told the time and the class."""

from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.nn.conditioning import Condition

Maps = Float[Tensor, "batch channels height width"]
Made = Float[Tensor, "batch made height width"]  # with another number of channels
Other = Float[Tensor, "batch made other_height other_width"]
Told = Float[Tensor, "batch told"]
Labels = Int64[Tensor, "batch"]
GROUPS = 8  # of a group normalisation


class Residual(nn.Module):
    """Two convolutions beside a short cut; what it is told scales and shifts between them."""

    def __init__(self, given: int, made: int, told: int) -> None:
        super().__init__()
        self.calm = nn.GroupNorm(GROUPS, given)
        self.first = nn.Conv2d(given, made, 3, padding=1)
        self.told = nn.Linear(told, 2 * made)
        self.calm2 = nn.GroupNorm(GROUPS, made)
        self.second = nn.Conv2d(made, made, 3, padding=1)
        self.short = nn.Conv2d(given, made, 1) if given != made else nn.Identity()
        for weight in self.second.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Maps, told: Told) -> Made:
        """Return maps of the same height and width."""
        h = self.first(F.silu(self.calm(x)))
        scale, shift = self.told(F.silu(told))[:, :, None, None].chunk(2, 1)
        h = self.second(F.silu(self.calm2(h) * (1 + scale) + shift))
        made: Tensor = h + self.short(x)
        return made


class SpaceToDepthUNet(nn.Module):
    """A U-Net of residual blocks whose finest maps have half the picture's height and width.

    Four pixels become four channels first: a quarter of the places, a quarter of the time.

    Args:
        shape: (channels, height, width), divisible by four.
        width: channels of the finest maps, half those of the coarse ones; divisible by 8.
        depth: residual blocks of each level.
        classes: see Condition.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, depth: int, classes: int) -> None:
        super().__init__()
        told, wide = 4 * width, 2 * width
        self.told = Condition(told, classes)
        places = shape[1] * shape[2]
        self.units = [width * places // 4, wide * places // 16, width * places // 4]
        self.first = nn.Conv2d(4 * shape[0], width, 3, padding=1)
        fine = [Residual(width, width, told) for _ in range(depth)]
        coarse = [Residual(width, wide, told), *(Residual(wide, wide, told) for _ in range(depth))]
        back = [Residual(width + wide, width, told)]
        back += [Residual(2 * width, width, told) for _ in range(depth)]
        self.down, self.middle, self.up = map(nn.ModuleList, (fine, coarse, back))
        self.calm = nn.GroupNorm(GROUPS, width)
        self.last = nn.Conv2d(width, 4 * shape[0], 3, padding=1)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)

    def sizes(self) -> list[int]:
        """Return the values of the maps at each level, down and up again."""
        return self.units

    def forward(self, x: Maps, t: Float[Tensor, "batch"], labels: Labels | None) -> Maps:
        """Return a tensor of x's shape, of pictures x at times t in [0, 1]."""
        told = self.told(t, labels)
        h = self.first(F.pixel_unshuffle(x, 2))
        crossing = [h]
        for block in self.down:
            h = block(h, told)
            crossing.append(h)
        h = F.avg_pool2d(h, 2)
        for block in self.middle:
            h = block(h, told)
        h = F.interpolate(h, scale_factor=2.0)
        for block in self.up:
            h = block(torch.cat([h, crossing.pop()], 1), told)
        made: Tensor = F.pixel_shuffle(self.last(F.silu(self.calm(h))), 2)
        return made


class Separable(nn.Sequential):
    """A convolution channel by channel, then one of single places, then batch normalisation."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(given, given, 3, padding=1, groups=given),
            nn.Conv2d(given, made, 1),
            nn.BatchNorm2d(made),
        )


class BookUNet(nn.Module):
    """The chapter's small U-Net: separable convolutions on 32, 16, 8 and 4 pixels, and back.

    Args:
        shape: (channels, height, width).
        width: channels of the finest maps; they double at every halving.
        classes: see Condition.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, classes: int) -> None:
        super().__init__()
        channels, height, wide = shape
        self.margin = [(-size % 8) // 2 for size in (wide, wide, height, height)]
        self.told = Condition(4 * width, classes)
        self.first = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()
        )
        sizes = [width, 2 * width, 4 * width, 8 * width]
        places = (height + 2 * self.margin[2]) * (wide + 2 * self.margin[0])
        halves = [size * places // 4**level for level, size in enumerate(sizes)]
        self.units = [*halves, *halves[2::-1]]
        self.begun = nn.Linear(4 * width, width)
        self.down = nn.ModuleList(Down(*pair, 4 * width) for pair in pairwise(sizes))
        crossed = [2 * size for size in sizes[2::-1]]  # what comes up, and what crosses
        given = [sizes[3], *crossed[:2]]
        self.up = nn.ModuleList(
            Up(*pair, 4 * width) for pair in zip(given, sizes[2::-1], strict=True)
        )
        self.last = nn.Conv2d(crossed[2], channels, 3, padding=1)

    def sizes(self) -> list[int]:
        """Return the values of the maps at each level, down and up again."""
        return self.units

    def forward(self, x: Maps, t: Float[Tensor, "batch"], labels: Labels | None) -> Maps:
        """Return a tensor of x's shape, of pictures x at times t in [0, 1]."""
        told = self.told(t, labels)
        h = self.first(F.pad(x, self.margin)) + self.begun(told)[:, :, None, None]
        crossing = []
        for level in self.down:
            crossing.append(h)
            h = level(h, told)
        for level in self.up:
            h = torch.cat([level(h, told), crossing.pop()], 1)
        made: Tensor = F.pad(self.last(h), [-size for size in self.margin])
        return made


class Down(nn.Module):
    """Halve maps: two separable convolutions beside a short cut, and what it is told added."""

    def __init__(self, given: int, made: int, told: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            Separable(given, made), Separable(made, made), nn.MaxPool2d(3, 2, padding=1)
        )
        self.short = nn.Conv2d(given, made, 1, stride=2)
        self.told = nn.Linear(told, made)

    def forward(self, x: Maps, told: Told) -> Other:
        """Return maps of half the height and width."""
        made: Tensor = self.main(x) + self.short(x) + self.told(told)[:, :, None, None]
        return made


class Up(nn.Module):
    """Double maps: two separable convolutions beside a short cut, and what it is told added."""

    def __init__(self, given: int, made: int, told: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            Separable(given, made), nn.Upsample(scale_factor=2), Separable(made, made)
        )
        self.short = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(given, made, 1))
        self.told = nn.Linear(told, made)

    def forward(self, x: Maps, told: Told) -> Other:
        """Return maps of twice the height and width."""
        made: Tensor = self.main(x) + self.short(x) + self.told(told)[:, :, None, None]
        return made
