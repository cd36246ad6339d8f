"""Paths through a latent space: traversals, interpolations and grids of codings."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

FRAMES = 60  # of a film at most; of longer paths it shows so many moments
PARALLEL = 1e-4  # the sine of an angle below which an arc is a line
Codings = Float[Tensor, "batch codings"]


def traversal(
    z: Float[Tensor, "codings"], order: list[int], values: Float[Tensor, "steps"]
) -> Float[Tensor, "chosen steps codings"]:
    """Return, for each coding in `order`, copies of z with that coding set to each value."""
    rows = z.repeat(len(order), len(values), 1)
    for row, coding in enumerate(order):
        rows[row, :, coding] = values
    return rows


def interpolation(
    first: Float[Tensor, "*shape"], last: Float[Tensor, "*shape"], steps: int
) -> Float[Tensor, "steps *shape"]:
    """Return `steps` points from the first to the last on a straight line, both included."""
    share = torch.linspace(0, 1, steps, device=first.device).view(-1, *[1] * first.ndim)
    return torch.lerp(first, last, share)


def spherical_interpolation(
    first: Float[Tensor, "*shape"], last: Float[Tensor, "*shape"], steps: int
) -> Float[Tensor, "steps *shape"]:
    """Return `steps` points from the first to the last along a great circle, both included.

    Noise of many dimensions lies near a sphere, and so do the points between (Shoemake 1985).
    """
    share = torch.linspace(0, 1, steps, device=first.device).view(-1, *[1] * first.ndim)
    cosine = (first * last).sum() / (first.norm() * last.norm())
    angle = cosine.clamp(-1, 1).acos()
    if float(angle.sin()) < PARALLEL:
        return interpolation(first, last, steps)
    parts = ((1 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin()
    between: Tensor = parts[0] * first + parts[1] * last
    return between


def semantic_grid(
    z: Float[Tensor, "batch codings"], rows: int, columns: int
) -> Float[Tensor, "_ codings"]:
    """Return codings on a grid of 2·rows − 1 by 2·columns − 1, row by row.

    The given ones, rows times columns of them, stand at every other place; between them are
    their bilinear means. The chapter resizes a grid of codings in the same way, but moves its
    corners a little.
    """
    grid = z.view(rows, columns, -1).movedim(2, 0)[None]
    size = 2 * rows - 1, 2 * columns - 1
    resized = F.interpolate(grid, size, mode="bilinear", align_corners=True)
    return resized[0].flatten(1).T


def spread(count: int, most: int) -> list[int]:
    """Return indices of at most so many of a list's items, evenly, with its first and its last."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, most))})
