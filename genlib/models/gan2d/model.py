"""The networks of a GAN of points in the plane, and what its preview shows."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlib.adversarial.batchwise import logit_head
from genlib.adversarial.gan import GAN
from genlib.family import Pictures, Shape, Shown
from genlib.models.gan2d.config import GAN2DConfig
from genlib.nn import ACTIVATIONS, stack

CODINGS = 2  # so that the plane of the codings can be drawn, and what becomes of it
REACH = 2.5  # standard deviations of the codings to which it is drawn


class PlaneGAN(GAN):
    """A GAN of points in the plane."""

    def __init__(self, config: GAN2DConfig, shape: Shape) -> None:
        size, hidden, kind = math.prod(shape), config.hidden, config.activation
        drawing = stack([CODINGS, hidden, hidden, size], kind)
        seeing = stack([config.packing * size, hidden, hidden], kind)
        last = logit_head(hidden, batchwise=config.minibatch_discrimination)
        networks = (
            nn.Sequential(drawing, nn.Unflatten(1, shape)),
            nn.Sequential(nn.Flatten(), seeing, ACTIVATIONS[kind](), last),
        )
        super().__init__(config, shape, CODINGS, networks)
        self.hidden = hidden

    def preview(self, x: Pictures, rng: torch.Generator) -> Shown:
        """Return samples; a square grid of codings, bent to points; and D over the data's place.

        The field's points hold, for each place of a square grid over the data, row by row from
        below, the sigmoid of D's score less its decision threshold in their first channel.
        """
        side = math.isqrt(len(x))
        line = torch.linspace(-REACH, REACH, side, device=x.device)
        bent = self.generate(torch.cartesian_prod(line, line).view(-1, CODINGS))
        places, samples = grid(x, side), self.sample(len(x), rng)
        odds = (self.discriminate(places) - self.decision_threshold(x, samples)).sigmoid()
        field = torch.zeros_like(places)
        field[:, 0] = odds.view(-1, 1, 1)
        return torch.cat([samples, bent, field])

    def sizes(self) -> list[tuple[str, int]]:
        """Return the units of each layer, through both networks."""
        hidden = "hidden", self.hidden
        both = ("codings", CODINGS), hidden, hidden, ("point", math.prod(self.shape))
        return [*both, hidden, hidden, ("real?", 1)]


def grid(x: Pictures, side: int) -> Shown:
    """Return a square grid of side × side places around points, row by row from below."""
    low, high = window(x)
    line = torch.linspace(0, 1, side, device=x.device)
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    flat = torch.stack([columns.flatten(), rows.flatten()], 1)
    places: Tensor = low + flat * (high - low)
    return places.view(-1, *x.shape[1:])


def window(x: Pictures) -> tuple[Float[Tensor, "2"], Float[Tensor, "2"]]:
    """Return the corners of the square around points, with a quarter of their width as margin."""
    flat = x.flatten(1)
    low, high = flat.amin(0), flat.amax(0)
    half = 0.75 * (high - low).max()
    middle = (low + high) / 2
    return middle - half, middle + half
