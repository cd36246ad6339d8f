"""The numbers that the forward pass of a training step computes with."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genlib.config import TrainConfig
from genlib.device import GRAPHED
from genlib.family import Family
from genlib.rng import generator

LARGE = 1e10  # multiply-adds of a step whose arithmetic takes longer than starting its kernels


def autocast_type(
    family: Family, config: TrainConfig, batch_size: int, device: torch.device
) -> torch.dtype | None:
    """Return the type of the forward pass under autocast, or None for plain float32.

    `auto` is bfloat16 where the GPU computes it natively and a step on pictures is LARGE. A
    smaller step waits for its kernels, and casting the weights anew adds to them. Points stay in
    float32: their lessons are about digits that bfloat16 lacks, and many games at once
    (`genlib.studies.many_seeds`) would leave autocast out. A T4 only emulates bfloat16, and
    float16 would need loss scaling, so it trains in float32; so do the CPU and Apple's GPUs.
    """
    if config.precision != "auto":
        return torch.bfloat16 if config.precision == "bfloat16" else None
    if device.type not in GRAPHED or torch.cuda.get_device_capability(device) < (8, 0):
        return None
    if family.shape[1:] == (1, 1):
        return None
    return torch.bfloat16 if batch_size * multiply_adds(family) >= LARGE else None


@torch.no_grad()
def multiply_adds(family: Family) -> int:
    """Return the multiply-adds of a training step for each picture, up to a factor of the family.

    A layer uses its weights once at each place: of its output, or of what it spreads out.
    """
    counts = [0]

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor | tuple[Any, ...]) -> None:
        weights = sum(weight.numel() for weight in layer.parameters(recurse=False))
        outputs = output if isinstance(output, Tensor) else output[0]
        places = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else outputs
        counts.append(weights * places.numel() // places.shape[1 if places.ndim == 4 else -1])

    counted = copy.deepcopy(family).cpu()
    for layer in list(counted.modules()):
        if parametrize.is_parametrized(layer):  # making its weight costs next to nothing
            parametrize.remove_parametrizations(layer, "weight")
        layer.register_forward_hook(count)
    counted.preview(torch.zeros(1, *family.shape), generator(0))
    return round(sum(counts) * family.relative_cost())
