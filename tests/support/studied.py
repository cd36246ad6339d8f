"""Small finished runs for the tests of studies."""

import functools
from pathlib import Path

import torch

from genlib.config import TrainConfig
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.studies.few_labels import FewLabels
from genlib.tasks.workspace import Workspace

CPU = torch.device("cpu")


@functools.cache
def trained(family: str = "stacked", epochs: int = 10, **model: object) -> Run:
    """Return a run of a second or two on scikit-learn's digits."""
    document = {"family": family, "dataset": "digits", "model": model}
    train = TrainConfig(batch_size=64, epochs=epochs)
    *_, run = perform(RunSpec.model_validate(document | {"train": train}), CPU)
    assert isinstance(run, Run)
    return run


def workspace_of(folder: Path, *runs: Run) -> Workspace:
    """Return a bench in an empty folder, with finished runs in its store."""
    store = Store(folder)
    for run in runs:
        store.write_run(run.spec.fingerprint, run.to_files())
    return Workspace(store, CPU)


def few_labels_of(run: Run, steps: int = 50) -> FewLabels:
    return FewLabels(start=run.spec, seeds=2, steps=steps)
