"""What a run costs: its multiply-adds, and about how many seconds it takes."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genlib.data import DATASETS
from genlib.rng import generator
from genlib.runs.spec import RunSpec

STEP_OVERHEAD = 3e7  # multiply-adds that take as long as the fixed overhead of a step


def estimated_seconds(spec: RunSpec, measured: RunSpec, seconds: float) -> float:
    """Return about how many seconds a run takes where another one of its family was measured.

    Args:
        spec: the run to estimate.
        measured: the run that was measured.
        seconds: of the training of `measured`.
    """
    return seconds * training_cost(spec) / training_cost(measured)


def training_cost(spec: RunSpec) -> float:
    """Return the multiply-adds of a training, up to a factor of the family.

    A step costs the multiply-adds of its pictures, and a fixed overhead, STEP_OVERHEAD.
    """
    return spec.steps * (STEP_OVERHEAD + spec.batch_size * multiply_adds(spec))


@lru_cache(maxsize=256)
@torch.no_grad()
def multiply_adds(spec: RunSpec) -> int:
    """Return the multiply-adds of a training step for each picture, up to a factor of the family.

    A layer uses its weights once at each place: of its output, or of what it spreads out.
    """
    counts = [0]

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor | tuple[Any, ...]) -> None:
        weights = sum(weight.numel() for weight in layer.parameters(recurse=False))
        outputs = output if isinstance(output, Tensor) else output[0]
        places = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else outputs
        counts.append(weights * places.numel() // places.shape[1 if places.ndim == 4 else -1])

    family = spec.build()
    for layer in list(family.modules()):
        if parametrize.is_parametrized(layer):  # making its weight costs next to nothing
            parametrize.remove_parametrizations(layer, "weight")
        layer.register_forward_hook(count)
    family.preview(torch.zeros(1, *DATASETS[spec.dataset].shape), generator(0))
    return round(sum(counts) * family.relative_cost())
