"""The blocks of networks that see through noise."""

import torch
from torch import Tensor, nn

from genlib.nn.patches import Block, PatchTransformer
from genlib.nn.unet import Residual
from genlib.rng import build, generator


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(1))


@torch.no_grad()
def test_blocks_begin_as_the_identity():
    conditioning = normal(3, 32)
    tokens, maps = normal(3, 5, 32), normal(3, 8, 4, 4)
    assert torch.equal(build(lambda: Block(32), 0)(tokens, conditioning), tokens)
    assert torch.equal(build(lambda: Residual(8, 8, 32), 0)(maps, conditioning), maps)


@torch.no_grad()
def test_patches_come_back_to_their_places():
    """While blocks are the identity, a patch of what is said follows from that of x alone."""
    network = build(lambda: PatchTransformer((2, 8, 12), 4, 32, 1, nn.Identity()), 0)
    conditioning = normal(1, 32)
    network.last.weight.copy_(normal(*network.last.weight.shape))
    x = normal(1, 2, 8, 12)
    before = network(x, conditioning)
    x[0, 1, 5, 2] += 1  # in the second row of patches, and the first column
    moved = (network(x, conditioning) != before).nonzero()
    assert set(moved[:, 2].tolist()) == set(range(4, 8))
    assert set(moved[:, 3].tolist()) == set(range(4))
