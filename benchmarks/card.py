"""The card that `benchmarks.gpu` measures."""

import sys
from typing import Any

import torch

from benchmarks.judging import clock
from genlib.data import DATASETS
from genlib.data.dataset import load
from genlib.device import GRAPHED, available
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.training import cuda_graph
from genlib.training.loop import Training

Figures = dict[str, Any]


class Card:
    """The device, and whether all is to be small."""

    def __init__(self, *, dry: bool) -> None:
        self.dry = dry
        self.device = torch.device("cpu") if dry else available()[0]
        if not dry and self.device.type not in GRAPHED:
            sys.exit("There is no CUDA device here; try --dry.")
        self.dataset = "digits" if dry else "fashion_mnist"

    def spec(self, preset: str, **recipe: Any) -> RunSpec:
        """Return a preset such as "ddpm/fast" with some of its recipe changed."""
        family, _, which = preset.partition("/")
        entry = FAMILIES[family].presets[which or next(iter(FAMILIES[family].presets))]
        pictures = DATASETS[entry.dataset].kind == "pictures"
        spec = RunSpec.of_preset(family, which or None, self.dataset if pictures else None)
        return spec.model_copy(update={"train": spec.train.model_copy(update=recipe)})

    def training(self, spec: RunSpec) -> Training:
        """Return the training of a run, before its first step."""
        data = load(spec.dataset).to(self.device)
        return Training(spec.build().to(self.device), data.train, spec.train, data.train_labels)

    def milliseconds(self, run: Training, steps: int) -> float:
        """Return how long a step takes, once its graph is there."""
        for _ in range(cuda_graph.WARM_UP + 2):
            run.advance()
        began = clock(self.device)
        for _ in range(steps):
            run.advance()
        return round(1000 * (clock(self.device) - began) / steps, 3)
