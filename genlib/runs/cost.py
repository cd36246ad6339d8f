"""What a run costs: its multiply-adds, and about how many seconds it takes."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genlib.data import DATASETS
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec

STEP_EFFORT = 3e7  # multiply-adds that the fixed effort of a step is worth


def estimated_seconds(spec: RunSpec, known: Run) -> float:
    """Return about how long a run takes here, from one of its family that was measured.

    A step costs the multiply-adds of its pictures, and a fixed effort that is worth about
    STEP_EFFORT of them.
    """

    def relative_cost(wanted: RunSpec) -> float:
        count = wanted.train.pictures or DATASETS[wanted.dataset].pictures
        batch = min(wanted.train.batch_size, count)
        steps = wanted.train.epochs * (count // batch)
        return steps * (STEP_EFFORT + batch * multiply_adds(wanted))

    return known.provenance.seconds * relative_cost(spec) / relative_cost(known.spec)


@lru_cache(maxsize=256)
@torch.no_grad()
def multiply_adds(spec: RunSpec) -> int:
    """Return the multiply-adds of a step for each picture, but for a factor of the family.

    A layer uses its weights once at each place: of its output, or of what it spreads out.
    """
    counts = [0]

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor | tuple[Any, ...]) -> None:
        weights = sum(weight.numel() for weight in layer.parameters(recurse=False))
        made = output if isinstance(output, Tensor) else output[0]
        places = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else made
        counts.append(weights * places.numel() // places.shape[1 if places.ndim == 4 else -1])

    family = spec.build()
    for layer in list(family.modules()):
        if parametrize.is_parametrized(layer):  # making its weight costs next to nothing
            parametrize.remove_parametrizations(layer, "weight")
        layer.register_forward_hook(count)
    family.preview(torch.zeros(1, *DATASETS[spec.dataset].shape), generator(0))
    return round(sum(counts) * family.relative_cost())
