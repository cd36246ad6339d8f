"""Points in space and in the plane, drawn from known distributions.

A point is a picture of one pixel, with a channel for each coordinate.
"""

from collections.abc import Callable
from math import pi
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from genlib.data.catalogue import CELLS
from genlib.rng import generator


class Modes(NamedTuple):
    """A mixture of equally frequent round normal distributions."""

    centres: Float[Tensor, "modes 2"]
    deviation: float


class Labelled(NamedTuple):
    """Points in the plane, and the part of the data that each belongs to."""

    points: Float[Tensor, "count 2 1 1"]
    labels: Int64[Tensor, "count"]


def ellipse(count: int, seed: int) -> Float[Tensor, "count 3 1 1"]:
    """Return points near an ellipse that lies askew in space, more of them at its one end.

    The chapter's: half axes 1 and ½, turned, shifted, with noise of standard deviation 0.28.
    """
    rng = generator(seed)
    angles = 2 * pi * (torch.rand(count, generator=rng) ** 3 + 0.5)
    flat = torch.stack([angles.cos(), angles.sin() / 2, torch.zeros(count)], 1)
    noisy = flat + 0.28 * torch.randn(count, 3, generator=rng)
    x, y, z = pi / 29, -pi / 20, pi / 4  # the axis of the turn times its angle
    turn: Tensor = torch.linalg.matrix_exp(torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]]))
    return (noisy @ turn.T + torch.tensor([0.2, 0.0, 0.2]))[:, :, None, None]


def _ring() -> Tensor:
    angles = 2 * pi * torch.arange(8) / 8
    return torch.stack([angles.cos(), angles.sin()], 1)


MODES: dict[str, Modes] = {  # the ring and the grid: Lin et al. 2018, section 4.1
    "ring": Modes(_ring(), 0.01),
    "grid": Modes(torch.cartesian_prod(*[torch.arange(-4.0, 5.0, 2.0)] * 2), 0.05),
    "blobs": Modes(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.2),
}


def mixture(modes: Modes, count: int, rng: torch.Generator) -> Labelled:
    """Return points of a mixture."""
    labels = torch.randint(len(modes.centres), (count,), generator=rng)
    noise = torch.randn(count, 2, generator=rng)
    return Labelled((modes.centres[labels] + modes.deviation * noise)[:, :, None, None], labels)


def score(
    modes: Modes, x: Float[Tensor, "batch 2"], alpha: float, sigma: float
) -> Float[Tensor, "batch 2"]:
    """Return ∇ ln p of a mixture in noise, at x: of points α x_0 + σ ε.

    It is a mixture again, of centres α c and variance α² s² + σ².
    """
    variance = (alpha * modes.deviation) ** 2 + sigma**2
    towards = alpha * modes.centres - x[:, None]
    shares = (-towards.square().sum(2) / (2 * variance)).softmax(1)
    slope: Tensor = (shares[:, :, None] * towards).sum(1) / variance
    return slope


def moons(count: int, rng: torch.Generator) -> Labelled:
    """Return points near two half circles that reach into each other."""
    labels = torch.randint(2, (count,), generator=rng)
    angles, side = pi * torch.rand(count, generator=rng), 1 - 2 * labels
    arcs = torch.stack([side * angles.cos() + labels - 0.5, side * (angles.sin() - 0.25)], 1)
    noisy = arcs + 0.05 * torch.randn(count, 2, generator=rng)
    return Labelled(noisy[:, :, None, None], labels)


def spiral(count: int, rng: torch.Generator) -> Labelled:
    """Return points near the two arms of a spiral, evenly along their length."""
    labels = torch.randint(2, (count,), generator=rng)
    turn = 3 * pi * torch.rand(count, generator=rng).sqrt()
    angle, radius = turn + pi * labels, turn / (3 * pi)
    arms = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    noisy = arms + 0.02 * torch.randn(count, 2, generator=rng)
    return Labelled(noisy[:, :, None, None], labels)


def drawn(cells: str, count: int, rng: torch.Generator) -> Labelled:
    """Return points spread evenly over the painted cells of a drawing, in [−1, 1]².

    Args:
        cells: 16 × 16 bits as 64 hexadecimal digits, row by row from above; a drawing without a
            painted cell counts as painted all over.
        count: of points.
        rng: draws them.
    """
    bits = [int(bit) for bit in f"{int(cells, 16):0{CELLS * CELLS}b}"]
    painted = torch.nonzero(torch.tensor(bits)).flatten()
    painted = painted if len(painted) else torch.arange(CELLS * CELLS)
    cell = painted[torch.randint(len(painted), (count,), generator=rng)]
    within = torch.rand(count, 2, generator=rng)
    x, y = cell % CELLS + within[:, 0], CELLS - 1 - cell // CELLS + within[:, 1]
    points = torch.stack([x, y], 1) * (2 / CELLS) - 1
    return Labelled(points[:, :, None, None], torch.zeros(count, dtype=torch.long))


SHAPES: dict[str, Callable[[int, torch.Generator], Labelled]] = {
    "moons": moons,
    "spiral": spiral,
}


def plane(name: str, count: int, seed: int) -> Labelled:
    """Return points of a data set in the plane."""
    rng = generator(seed)
    if name in MODES:
        return mixture(MODES[name], count, rng)
    if name in SHAPES:
        return SHAPES[name](count, rng)
    return drawn(name.removeprefix("drawn-"), count, rng)
