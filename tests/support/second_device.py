"""Runs on the fake second device: what is trained there, and the knobs that change a step."""

import typing
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from annotated_types import Ge, Le
from torch import Tensor

from genlib.config import Config, Nonlinearity, TrainConfig
from genlib.data import DATASETS
from genlib.data.dataset import load
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.training import cuda_graph
from genlib.training.loop import Training
from tests.support.fakegpu import DEVICE, NAME, FakeGPU, fake_gpu

WARM_UP, STEPS = 1, 3  # of each stage: one eager step, then two replays
EAGER = 10**9
CARDS = [
    pytest.param(DEVICE, id="fakegpu"),
    pytest.param(torch.device("cuda", 0), id="cuda", marks=pytest.mark.gpu),
]
# What has few and small layers comes first: there a knob costs least to try.
CHEAPEST = (
    *("linear", "gan2d", "stacked", "sparse", "vae", "denoising", "gan", "recurrent"),
    *("convolutional", "ddpm", "flow", "progressive", "dcgan", "stylegan"),
)


def small(name: str, preset: str | None = None, model=(), train=()) -> RunSpec:
    """Return a preset on small data, and so short that all of its stages have a graph."""
    start = FAMILIES[name].presets[preset or next(iter(FAMILIES[name].presets))]
    dataset = "digits" if DATASETS[start.dataset].kind == "pictures" else start.dataset
    batch = 8 if dataset == "digits" else 30
    recipe = {"batch_size": batch, "epochs": 30, "pictures": batch * 2}
    return RunSpec.model_validate(
        {
            "family": name,
            "dataset": dataset,
            "model": start.model_for(dataset).model_dump() | dict(model),
            "train": start.train.model_dump() | recipe | dict(train),
        }
    )


def on_card(device: torch.device) -> AbstractContextManager[FakeGPU | None]:
    """Have the fake device in the block, where it is that one."""
    return fake_gpu() if device.type == NAME else nullcontext()


def trained(
    spec: RunSpec, warm_up: int, device: torch.device = DEVICE, *, last: bool = False
) -> dict[str, Tensor]:
    """Return all that changes, after some steps of each stage, or of the last one alone."""
    with on_card(device) as gpu, pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_graph, "WARM_UP", warm_up)
        data = load(spec.dataset).to(device)
        run = Training(spec.build().to(device), data.train, spec.train, data.train_labels)
        for stage in range(len(run.ends) - 1 if last else 0, len(run.ends)):
            while run.stage < stage:
                run._enter(run.stage + 1)
            for _ in range(STEPS):
                run.graph_step(run._step)
            assert (run.graph_step.graph is None) == (warm_up == EAGER)
        run.measured(data.test[data.showcase()][:8], data.validation[:16])
        assert gpu is None or not gpu.hidden
        return {key: value for key, value in run.state().items() if key != "seconds"}


def knobs(config: type[Config]) -> Iterator[tuple[str, typing.Any]]:
    """Yield each field with each other choice that it has, or turned on where it is off."""
    for name, field in config.model_fields.items():
        if typing.get_origin(field.annotation) is typing.Literal:
            choices = typing.get_args(field.annotation)
            yield from ((name, choice) for choice in choices if choice != field.default)
        elif isinstance(field.default, bool):
            yield name, not field.default
        elif isinstance(field.default, int | float):
            limits = {type(each): each for each in field.metadata}
            if Ge in limits and field.default == limits[Ge].ge:
                most = limits[Le].le if Le in limits else 1
                yield name, field.default + min(1 if isinstance(field.default, int) else 0.5, most)


def each_knob_once() -> list[tuple[str, str, typing.Any]]:
    """Return (family, field, value) of each knob, in the cheapest family that has it.

    Of losses and networks that is every choice; of other fields, one that is not the default.
    """
    chosen: dict[tuple[str, typing.Any], tuple[str, str, typing.Any]] = {}
    for family in CHEAPEST:
        for field, value in knobs(FAMILIES[family].config_type):
            which = value if field in ("loss", "network") else None
            same = "activation" if value in typing.get_args(Nonlinearity) else field
            chosen.setdefault((same, which), (family, field, value))
    return list(chosen.values())


def recipe_knobs() -> list[tuple[str, typing.Any]]:
    """Return the knobs of the recipe."""
    others = [knob for knob in knobs(TrainConfig) if knob[0] not in ("pictures", "seed")]
    return [("ema", 0.0), *others]
