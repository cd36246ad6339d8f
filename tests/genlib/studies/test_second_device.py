"""Every study, sampler, metric and classifier computes where its tensors are, on a second device.

There a tensor or a generator on the wrong device is an error, as on CUDA. What is drawn without a
generator is counted: nothing may be.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from annotated_types import Ge
from pydantic import ValidationError
from torch import Tensor

from genlib import metrics
from genlib.classifier import ClassifierSpec
from genlib.config import Config
from genlib.diffusion.samplers import SAMPLERS
from genlib.family import Generates
from genlib.rng import generator
from genlib.runs.run import Run, perform
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies import STUDIES
from genlib.studies.starts import diffusing
from genlib.tasks.workspace import Workspace
from tests.support.fakegpu import DEVICE, fake_gpu
from tests.support.second_device import small
from tests.support.studied import CPU

STARTS = ("stacked", "vae", "gan", "ddpm", "stylegan", "progressive", "gan2d")
PARTS = 3  # progresses of each study: what it does first, and what it does after


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    """A finished run of each family that a study may begin with, hardly trained."""
    finished = {}
    for family in STARTS:
        *_, run = perform(small(family, train={"epochs": 1}), CPU)
        finished[family] = run
    spec = small("vae", "binary pixels", train={"epochs": 1})
    *_, finished["binary pixels"] = perform(spec, CPU)
    return finished


@pytest.fixture(scope="module")
def workspace(runs, tmp_path_factory) -> Workspace:
    """A store with these runs and a classifier, which was trained on the device."""
    store = open_store(Settings(home=tmp_path_factory.mktemp("store")))
    for run in runs.values():
        store.write_run(run.spec.fingerprint, run.to_files())
    there = Workspace(store, DEVICE)
    with fake_gpu() as gpu:
        spec = ClassifierSpec(dataset="digits", steps=10, batch_size=64)
        *_, last = spec.perform(there, {})
        assert not gpu.hidden
    store.write_run(ClassifierSpec(dataset="digits").fingerprint, last.files)
    return there


def least(kind: type[Config], runs: dict[str, Run]) -> Config:
    """Return the study with the least of everything, of the first run that it takes."""
    document: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        limits = [each.ge for each in field.metadata if isinstance(each, Ge)]
        if limits and name != "seed":
            document[name] = limits[0]
    if "dataset" in kind.model_fields:
        return kind.model_validate(document | {"dataset": "digits"})
    for run in runs.values():
        try:
            return kind.model_validate(document | {"start": run.spec})
        except ValidationError:
            continue
    raise AssertionError(f"no run to begin {kind.__name__} with")


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_computes_on_a_second_device(name, runs, workspace):
    study = least(STUDIES[name].load(), runs)
    with fake_gpu() as gpu:
        parts = list(itertools.islice(study.perform(workspace, {}), PARTS))
        assert parts
        assert not gpu.hidden


@pytest.mark.parametrize("name", [name for name in STARTS if name != "stacked"])
def test_every_sample_is_drawn_where_the_generator_is(name, runs, workspace):
    with fake_gpu() as gpu:
        model = workspace.run(runs[name].spec).family
        assert isinstance(model, Generates)
        samples = model.sample(4, generator(0, DEVICE))
        assert samples.device == DEVICE
        assert not gpu.hidden
    expected = runs[name].family.sample(4, generator(0))
    torch.testing.assert_close(samples.inner, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_walks_there_as_on_the_cpu(name, runs, workspace):
    run, sampler = runs["ddpm"], SAMPLERS[name]
    start = torch.randn(2, *run.family.shape, generator=generator(0))
    with torch.no_grad():
        expected = diffusing(run).reverse(start, sampler, 3)
        with fake_gpu() as gpu:
            model = diffusing(workspace.run(run.spec))
            walked = model.reverse(start.to(DEVICE), sampler, 3)
            assert not gpu.hidden
    torch.testing.assert_close(walked.inner, expected, rtol=1e-4, atol=1e-4)


X, Y = (torch.randn(60, 4, generator=generator(seed)) for seed in (1, 2))
LABELS = torch.arange(60) % 3
POINTS = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
MEASURES: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Any]] = {
    "frechet_distance": lambda x, y, _, __: metrics.frechet_distance(x, y),
    "kernel_distance": lambda x, y, _, __: metrics.kernel_distance(x, y),
    "vendi_of_features": lambda x, _, __, ___: metrics.vendi_of_features(x),
    "support_size": lambda x, _, __, ___: metrics.support_size(x, 1.0),
    "count_modes": lambda x, _, __, points: metrics.count_modes(x[:, :2], points, 0.5),
    "class_shares": lambda _, __, labels, ___: metrics.class_shares(labels, 3),
    "effective_modes": lambda x, _, __, ___: metrics.effective_modes(x.abs().sum(0)),
    "energy_distance": lambda x, y, _, __: metrics.energy_distance(x, y),
    "manifold": lambda x, y, _, __: [part.mean() for part in metrics.manifold(x, y)],
    "like_neighbors": lambda x, _, labels, __: metrics.like_neighbors(x, labels).mean(),
    "importance_bound": lambda x, _, __, ___: metrics.importance_bound(x, 20),
    "pca_error": lambda x, y, _, __: metrics.pca_error(x, y, 2),
}


def numbers(value: Any) -> list[float]:
    """Return a measure's numbers, wherever they are."""
    if isinstance(value, Tensor):
        return value.flatten().tolist()
    return [float(part) for part in (value if isinstance(value, list | tuple) else [value])]


@pytest.mark.parametrize("name", MEASURES)
def test_every_metric_measures_there_what_it_does_on_the_cpu(name):
    inputs = (X, Y, LABELS, POINTS)
    expected = numbers(MEASURES[name](*inputs))
    with fake_gpu() as gpu:
        actual = numbers(MEASURES[name](*(each.to(DEVICE) for each in inputs)))
        assert not gpu.hidden
    assert actual == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_two_samples_are_told_apart_there():
    """Which splits are tried depends on the device's own generator."""
    with fake_gpu() as gpu:
        rng = generator(0, DEVICE)
        near = metrics.two_sample_test(X.to(DEVICE), Y.to(DEVICE), rng)
        far = metrics.two_sample_test(X.to(DEVICE), 2 + Y.to(DEVICE), rng)
        assert not gpu.hidden
    assert far < 0.01 < near
