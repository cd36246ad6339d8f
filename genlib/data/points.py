"""Points in space, drawn from known distributions."""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from genlib.rng import generator

Points = Float[Tensor, "count 3 1 1"]


def ellipse(count: int, seed: int) -> Points:
    """Return points near an ellipse that lies askew in space, more of them at its one end.

    The chapter's: half axes 1 and ½, turned, shifted, with noise of standard deviation 0.28.
    A point is a picture of one pixel with three channels.
    """
    rng = generator(seed)
    angles = 2 * pi * (torch.rand(count, generator=rng) ** 3 + 0.5)
    flat = torch.stack([angles.cos(), angles.sin() / 2, torch.zeros(count)], 1)
    noisy = flat + 0.28 * torch.randn(count, 3, generator=rng)
    x, y, z = pi / 29, -pi / 20, pi / 4  # the axis of the turn times its angle
    turn: Tensor = torch.linalg.matrix_exp(torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]]))
    return (noisy @ turn.T + torch.tensor([0.2, 0.0, 0.2]))[:, :, None, None]
