"""What a run costs: its multiply-adds, and about how many seconds it takes."""

from functools import lru_cache

from genlib.runs.spec import RunSpec
from genlib.training import precision

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
def multiply_adds(spec: RunSpec) -> int:
    """Return those of a training step for each picture: see `genlib.training.precision`."""
    return precision.multiply_adds(spec.build())
