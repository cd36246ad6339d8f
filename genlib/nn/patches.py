"""A transformer on the patches of a picture, conditioned by its layer norms."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.nn.conditioning import Vector

Tokens = Float[Tensor, "batch tokens width"]
HEAD = 32  # values of an attention head
LEAST = 8  # … where the width is no multiple of it


class Block(nn.Module):
    """Attention and two dense layers, scaled, shifted and gated by the conditioning (adaLN-zero).

    Peebles and Xie 2023 (arXiv:2212.09748), figure 3: the gates begin at zero, so each block
    begins as the identity.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // (HEAD if width % HEAD == 0 else LEAST)
        self.asked = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.told = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, x: Tokens, conditioning: Vector) -> Tokens:
        """Return tokens of the same shape."""
        shift, scale, gate, shift2, scale2, gate2 = self.told(conditioning)[:, None].chunk(6, 2)
        x = x + gate * self._attention(_normal(x) * (1 + scale) + shift)
        inner = self.wide(_normal(x) * (1 + scale2) + shift2)
        widened: Tensor = x + gate2 * self.narrow(F.gelu(inner, approximate="tanh"))
        return widened

    def _attention(self, x: Tokens) -> Tokens:
        qkv = self.asked(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*qkv.unbind(0))
        mixed: Tensor = self.mixed(attended.transpose(1, 2).flatten(2))
        return mixed


def _normal(x: Tokens) -> Tokens:
    return F.layer_norm(x, x.shape[-1:])


class PatchTransformer(nn.Module):
    """Pictures in, pictures out, through tokens of patch × patch pixels.

    Args:
        shape: (channels, height, width), divisible by the patch.
        patch: pixels of a patch's side.
        width: of a token, and of the conditioning vector; divisible by 8.
        depth: blocks.
        embedding: of times and class, as a vector.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        patch: int,
        width: int,
        depth: int,
        embedding: nn.Module,
    ) -> None:
        super().__init__()
        channels, height, wide = shape
        self.rows, self.patch = height // patch, patch
        tokens = self.rows * (wide // patch)
        self.told = embedding  # its name stays: shipped weights have it
        self.first = nn.Linear(channels * patch**2, width)
        self.places = nn.Parameter(0.02 * torch.randn(1, tokens, width))
        self.blocks = nn.ModuleList([Block(width) for _ in range(depth)])
        self.tuned = nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, channels * patch**2)
        for layer in (self.tuned, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def sizes(self) -> list[int]:
        """Return the values of all tokens after each block."""
        return [self.places.numel()] * (len(self.blocks) + 1)

    def forward(
        self, x: Float[Tensor, "batch channels height width"], conditioning: Vector
    ) -> Float[Tensor, "batch channels height width"]:
        """Return a tensor of x's shape."""
        conditioning = F.silu(conditioning)
        tokens = self.first(F.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2))
        tokens = tokens + self.places
        for block in self.blocks:
            tokens = block(tokens, conditioning)
        shift, scale = self.tuned(conditioning)[:, None].chunk(2, 2)
        output = self.last(_normal(tokens) * (1 + scale) + shift).transpose(1, 2)
        pictures: Tensor = F.pixel_shuffle(output.unflatten(2, (self.rows, -1)), self.patch)
        return pictures
