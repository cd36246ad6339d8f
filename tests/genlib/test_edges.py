"""Numbers at the edges give a result or one sentence: no traceback, no NaN, no endless wait."""

import math
from typing import Any

import numpy as np
import pytest
import torch

import genlib
from genlib.diffusion.samplers import SAMPLERS, ddim
from genlib.errors import TaskError
from genlib.models import FAMILIES
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.code_map import by_tsne

LEAST: dict[str, dict[str, Any]] = {  # as small as a family may be
    **{name: {"width": 8, "depth": 1} for name in ("ddpm", "flow")},
    **{name: {"filters": 4, "most_filters": 16} for name in ("progressive", "stylegan")},
    "dcgan": {"filters": 8},
}
SHORT = {"epochs": 1, "pictures": 16, "progress": False}
POINTS = "gan2d", "ddpm", "flow"  # families whose config has no number of codings
HEAVY = "convolutional", "dcgan", "progressive", "stylegan", "ddpm", "flow"


def marked(family: str) -> Any:
    """Return a family; one of convolutions takes long, and is left to the whole gate."""
    return pytest.param(family, marks=pytest.mark.slow) if family in HEAVY else family


every_family = pytest.mark.parametrize("family", [marked(family) for family in FAMILIES])


def trained(family: str, **knobs: Any) -> Run:
    kinds = FAMILIES[family].learns
    dataset = "digits" if "pictures" in kinds else "moons"
    return genlib.train(family, dataset=dataset, **(SHORT | LEAST.get(family, {}) | knobs))


def check(run: Run) -> None:
    """Check that all that a run measured, draws and codes is a finite number."""
    assert all(math.isfinite(value) for value in run.provenance.metrics.values())
    abilities = FAMILIES[run.spec.family].abilities
    if "generates" in abilities:
        assert run.sample(2).isfinite().all()
    if "encodes" in abilities:
        assert run.encode(torch.rand(1, *run.family.shape)).isfinite().all()


@every_family
@pytest.mark.parametrize(
    "knobs",
    [
        {"batch_size": 1, "pictures": 3},
        {"batch_size": 4096},
        {"pictures": 1},
        {"precision": "bfloat16"},
    ],
    ids=lambda knobs: ", ".join(f"{name} {value}" for name, value in knobs.items()),
)
def test_few_pictures_any_batch_and_bfloat16_on_a_cpu_give_a_result(home, family: str, knobs):
    check(trained(family, **knobs))


@every_family
def test_a_learning_rate_of_10_is_a_result_or_a_sentence(home, family: str):
    sentence = ""
    try:
        check(trained(family, learning_rate=10.0, epochs=3))
    except TaskError as error:
        sentence = str(error)
    assert not sentence or "Lower the learning rate" in sentence


@pytest.mark.parametrize("family", [marked(n) for n in FAMILIES if n not in POINTS])
def test_more_codings_than_pixels_give_a_result(home, family: str):
    limits = FAMILIES[family].config_type.model_json_schema()["properties"]["codings"]
    check(trained(family, codings=limits["maximum"]))


@pytest.mark.parametrize("prediction", ["noise", "picture", "velocity"])
@pytest.mark.parametrize("schedule", ["cosine", "linear", "sigmoid", "linear, not scaled"])
@pytest.mark.parametrize("timesteps", [1, 2])
def test_each_sampler_takes_one_step_of_each_parameterization(timesteps, schedule, prediction):
    spec = RunSpec.of_preset("ddpm", dataset="digits")
    changed = {"timesteps": timesteps, "schedule": schedule, "prediction": prediction}
    model = spec.model.model_copy(update=LEAST["ddpm"] | changed | {"conditional": True})
    diffusion: Any = spec.model_copy(update={"model": model}).build()
    noise, labels = torch.randn(2, 1, 8, 8, generator=generator(0)), torch.tensor([0, 1])
    for sampler in (*SAMPLERS.values(), ddim(1.0), ddim(0.3)):
        for guidance in (0.0, 1.0, 5.0):
            for steps in {1, timesteps}:
                times = diffusion.schedule.times(steps)
                way = diffusion.trajectory(noise, sampler, times, generator(0), labels, guidance)
                assert all(frame.x.isfinite().all() for frame in way)


@pytest.mark.parametrize("count", [3, 20, 60])
def test_more_neighbors_are_asked_for_than_there_are_points(count: int):
    codings = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    *_, places = by_tsne(codings, 100.0)
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
