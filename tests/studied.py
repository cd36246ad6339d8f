"""Small finished runs for the tests of studies."""

import functools

import torch

from genlib.config import TrainConfig
from genlib.runs import Run, RunSpec, perform
from genlib.studies import FewLabels

CPU = torch.device("cpu")


@functools.cache
def trained(family: str = "stacked", epochs: int = 10, **model: object) -> Run:
    """Return a run of a second or two on scikit-learn's digits."""
    document = {"family": family, "dataset": "digits", "model": model}
    train = TrainConfig(batch_size=64, epochs=epochs)
    *_, run = perform(RunSpec.model_validate(document | {"train": train}), CPU)
    assert isinstance(run, Run)
    return run


def few_labels_of(run: Run, steps: int = 50) -> FewLabels:
    return FewLabels(start=run.spec, seeds=2, steps=steps)
