"""Pictures as they might be: moved, mirrored, blurred, noisy, and two in one.

A classifier that has seen only clean pictures puts every soft one into the same few classes. One
that has seen such pictures too, with their true classes, looks at what generators draw as a person
does. All draws come from a generator that is given, on the device of the pictures.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from genlib.family import Pictures, to_float

SHIFT = 2  # pixels by which pictures are moved at most
BLUR = 1 / 24  # of the picture's side: the largest deviation of a blur
NOISE = 0.2  # the largest deviation of noise
MIXED = 0.5  # the largest share of the other picture

Targets = Float[Tensor, "batch classes"]


def moved(
    images: UInt8[Tensor, "batch channels height width"], rng: torch.Generator, *, mirror: bool
) -> Pictures:
    """Return pictures, each moved by up to SHIFT pixels, and half of them mirrored if asked."""
    count, _, height, width = images.shape
    padded = F.pad(images, [SHIFT] * 4)
    device = images.device
    index = torch.arange(count, device=device)[:, None, None]
    rows, columns = (
        torch.randint(2 * SHIFT + 1, (count, 1), generator=rng, device=device)
        + torch.arange(side, device=device)
        for side in (height, width)
    )
    if mirror:
        flip = torch.rand(count, 1, generator=rng, device=device) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    placed = padded.movedim(1, 3)[index, rows[:, :, None], columns[:, None, :]]
    return to_float(placed.movedim(3, 1))


def corrupted(x: Pictures, targets: Targets, rng: torch.Generator) -> tuple[Pictures, Targets]:
    """Return pictures in [0, 1], half of them blurred, half noisy, half mixed, and their classes.

    Each has strengths of its own, drawn evenly. Where two pictures are mixed, so are their classes
    (mixup: H. Zhang et al., ICLR 2018).
    """
    x = blurred(x, _drawn(x, BLUR * x.shape[-1], rng))
    noise = torch.randn(x.shape, generator=rng, device=x.device)
    x = (x + _drawn(x, NOISE, rng)[:, None, None, None] * noise).clamp(0, 1)
    share = _drawn(x, MIXED, rng)
    mixed = x.lerp(x.roll(1, 0), share[:, None, None, None])
    return mixed, targets.lerp(targets.roll(1, 0), share[:, None])


def blurred(x: Pictures, deviations: Float[Tensor, "batch"]) -> Pictures:
    """Return pictures, each blurred by a Gaussian of its own deviation, in pixels.

    At the border the weights of the pixels that are there are scaled to sum to one.
    """
    rows, columns = (_weights(side, deviations)[:, None] for side in x.shape[2:])
    return rows @ x @ columns.mT


def _weights(side: int, deviations: Float[Tensor, "batch"]) -> Float[Tensor, "batch side side"]:
    place = torch.arange(side, device=deviations.device)
    far = (place[:, None] - place).square()
    weights: Tensor = torch.softmax(
        -far / (2 * deviations.clamp(min=1e-3).square())[:, None, None], dim=2
    )
    return weights


def _drawn(x: Pictures, most: float, rng: torch.Generator) -> Float[Tensor, "batch"]:
    """Return for each picture 0 or, as often, a number below `most`."""
    on, level = torch.rand(2, len(x), generator=rng, device=x.device)
    strength: Tensor = most * level * (on < 0.5)
    return strength
