"""Experience replay: the discriminator also meets what the generator made before."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ReplayBuffer(nn.Module):
    """The last `size` generated pictures, on the device, the oldest dropped first.

    It keeps the generator from circling: a picture that fooled the discriminator once is shown
    to it again (Shrivastava et al. 2017, section 2.3).

    Args:
        size: pictures.
        lead: a buffer of its own for each of these, say for each of many seeds.
        shape: of a picture.
    """

    kept: Tensor  # the pictures; both names stay: shipped weights have them
    pushed: Tensor  # how many there were in all

    def __init__(self, size: int, lead: tuple[int, ...], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.size, self.axis = size, len(lead)
        self.register_buffer("kept", torch.zeros(*lead, size, *shape))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def exchange(self, fake: Float[Tensor, "*all"], rng: torch.Generator) -> Float[Tensor, "*all"]:
        """Push pictures, and return as many that are drawn evenly from the whole buffer."""
        batch, device = fake.shape[: self.axis + 1], fake.device
        fake = fake.movedim(self.axis, 0)[-self.size :].movedim(0, self.axis)
        count = fake.shape[self.axis]
        places = (self.pushed + torch.arange(count, device=device)) % self.size
        self.kept.index_copy_(self.axis, places, fake.to(self.kept.dtype))
        self.pushed += count
        share = torch.rand(batch, generator=rng, device=device)
        index = (share * self.pushed.clamp(max=self.size)).long()
        rest = fake.ndim - index.ndim
        index = index.view(*index.shape, *[1] * rest)
        return torch.take_along_dim(self.kept, index, self.axis)
