"""Two photographs that come with scikit-learn, for models of photographs."""

from functools import lru_cache

import torch
from jaxtyping import Float
from sklearn.datasets import load_sample_images
from torch import Tensor
from torch.nn import functional as F


@lru_cache(maxsize=4)
def photographs(side: int) -> Float[Tensor, "2 3 side side"]:
    """Return the middle square of each, in [0, 1], at `side` × `side` pixels."""
    photos = [torch.tensor(image).permute(2, 0, 1) / 255 for image in load_sample_images().images]
    return torch.stack([_middle(image, side) for image in photos])


def _middle(image: Float[Tensor, "3 height width"], side: int) -> Float[Tensor, "3 side side"]:
    """Return the middle square of a picture at another size."""
    height, width = image.shape[1:]
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = image[None, :, top : top + least, left : left + least]
    small = F.interpolate(square, (side, side), mode="bilinear", antialias=True)
    return small[0].clamp(0, 1)
