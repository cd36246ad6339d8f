"""Conditioned networks that look at a picture coarsely and finely at once."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.nn.conditioning import Vector

Maps = Float[Tensor, "batch channels height width"]
Mapped = Float[Tensor, "batch out height width"]  # with another number of channels
Resized = Float[Tensor, "batch out other_height other_width"]
GROUPS = 8  # of a group normalisation


class Residual(nn.Module):
    """Two convolutions beside a short cut; the conditioning scales and shifts between them."""

    def __init__(self, fan_in: int, fan_out: int, conditioning: int) -> None:
        super().__init__()
        self.calm = nn.GroupNorm(GROUPS, fan_in)
        self.first = nn.Conv2d(fan_in, fan_out, 3, padding=1)
        self.told = nn.Linear(conditioning, 2 * fan_out)
        self.calm2 = nn.GroupNorm(GROUPS, fan_out)
        self.second = nn.Conv2d(fan_out, fan_out, 3, padding=1)
        self.short = nn.Conv2d(fan_in, fan_out, 1) if fan_in != fan_out else nn.Identity()
        for weight in self.second.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Maps, conditioning: Vector) -> Mapped:
        """Return maps of the same height and width."""
        h = self.first(F.silu(self.calm(x)))
        scale, shift = self.told(F.silu(conditioning))[:, :, None, None].chunk(2, 1)
        h = self.second(F.silu(self.calm2(h) * (1 + scale) + shift))
        output: Tensor = h + self.short(x)
        return output


class SpaceToDepthUNet(nn.Module):
    """A U-Net of residual blocks whose finest maps have half the picture's height and width.

    Four pixels become four channels first: a quarter of the places, a quarter of the time.

    Args:
        shape: (channels, height, width), divisible by four.
        width: channels of the finest maps, half those of the coarse ones; divisible by 8.
        depth: residual blocks of each level.
        embedding: of times and class, as a vector of 4 · width.
    """

    def __init__(
        self, shape: tuple[int, int, int], width: int, depth: int, embedding: nn.Module
    ) -> None:
        super().__init__()
        vector, wide = 4 * width, 2 * width
        self.told = embedding  # its name stays: shipped weights have it
        places = shape[1] * shape[2]
        self.units = [width * places // 4, wide * places // 16, width * places // 4]
        self.first = nn.Conv2d(4 * shape[0], width, 3, padding=1)
        fine = [Residual(width, width, vector) for _ in range(depth)]
        coarse = [Residual(width, wide, vector)]
        coarse += [Residual(wide, wide, vector) for _ in range(depth)]
        back = [Residual(width + wide, width, vector)]
        back += [Residual(2 * width, width, vector) for _ in range(depth)]
        self.down, self.middle, self.up = map(nn.ModuleList, (fine, coarse, back))
        self.calm = nn.GroupNorm(GROUPS, width)
        self.last = nn.Conv2d(width, 4 * shape[0], 3, padding=1)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)

    def sizes(self) -> list[int]:
        """Return the values of the maps at each level, down and up again."""
        return self.units

    def forward(self, x: Maps, conditioning: Vector) -> Maps:
        """Return a tensor of x's shape."""
        h = self.first(F.pixel_unshuffle(x, 2))
        crossing = [h]
        for block in self.down:
            h = block(h, conditioning)
            crossing.append(h)
        h = F.avg_pool2d(h, 2)
        for block in self.middle:
            h = block(h, conditioning)
        h = F.interpolate(h, scale_factor=2.0)
        for block in self.up:
            h = block(torch.cat([h, crossing.pop()], 1), conditioning)
        output: Tensor = F.pixel_shuffle(self.last(F.silu(self.calm(h))), 2)
        return output


class Separable(nn.Sequential):
    """A convolution channel by channel, then one of single places, then batch normalisation."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(fan_in, fan_in, 3, padding=1, groups=fan_in),
            nn.Conv2d(fan_in, fan_out, 1),
            nn.BatchNorm2d(fan_out),
        )


class BookUNet(nn.Module):
    """The chapter's small U-Net: separable convolutions on 32, 16, 8 and 4 pixels, and back.

    Args:
        shape: (channels, height, width).
        width: channels of the finest maps; they double at every halving.
        embedding: of times and class, as a vector of 4 · width.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, embedding: nn.Module) -> None:
        super().__init__()
        channels, height, wide = shape
        self.margin = [(-size % 8) // 2 for size in (wide, wide, height, height)]
        self.told = embedding  # its name stays: shipped weights have it
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
        fan_in = [sizes[3], *crossed[:2]]
        self.up = nn.ModuleList(
            Up(*pair, 4 * width) for pair in zip(fan_in, sizes[2::-1], strict=True)
        )
        self.last = nn.Conv2d(crossed[2], channels, 3, padding=1)

    def sizes(self) -> list[int]:
        """Return the values of the maps at each level, down and up again."""
        return self.units

    def forward(self, x: Maps, conditioning: Vector) -> Maps:
        """Return a tensor of x's shape."""
        h = self.first(F.pad(x, self.margin)) + self.begun(conditioning)[:, :, None, None]
        crossing = []
        for level in self.down:
            crossing.append(h)
            h = level(h, conditioning)
        for level in self.up:
            h = torch.cat([level(h, conditioning), crossing.pop()], 1)
        output: Tensor = F.pad(self.last(h), [-size for size in self.margin])
        return output


class Down(nn.Module):
    """Halve maps: two separable convolutions beside a short cut, and the conditioning added."""

    def __init__(self, fan_in: int, fan_out: int, conditioning: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            Separable(fan_in, fan_out), Separable(fan_out, fan_out), nn.MaxPool2d(3, 2, padding=1)
        )
        self.short = nn.Conv2d(fan_in, fan_out, 1, stride=2)
        self.told = nn.Linear(conditioning, fan_out)

    def forward(self, x: Maps, conditioning: Vector) -> Resized:
        """Return maps of half the height and width."""
        added = self.told(conditioning)[:, :, None, None]
        output: Tensor = self.main(x) + self.short(x) + added
        return output


class Up(nn.Module):
    """Double maps: two separable convolutions beside a short cut, and the conditioning added."""

    def __init__(self, fan_in: int, fan_out: int, conditioning: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            Separable(fan_in, fan_out), nn.Upsample(scale_factor=2), Separable(fan_out, fan_out)
        )
        self.short = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(fan_in, fan_out, 1))
        self.told = nn.Linear(conditioning, fan_out)

    def forward(self, x: Maps, conditioning: Vector) -> Resized:
        """Return maps of twice the height and width."""
        added = self.told(conditioning)[:, :, None, None]
        output: Tensor = self.main(x) + self.short(x) + added
        return output
