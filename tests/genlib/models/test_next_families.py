"""The interfaces admit integer codes with a prior, a warm start, and a denoiser of two times."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from genlib.config import TrainConfig
from genlib.data.dataset import load
from genlib.diffusion.samplers import SAMPLERS
from genlib.errors import TaskError
from genlib.models import FAMILIES
from genlib.models.flow.config import FlowConfig
from genlib.models.flow.model import TIMES, FlowMatching
from genlib.rng import build, generator
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.tasks.workspace import Workspace
from genlib.training.events import Finished, Snapshot, Step
from genlib.training.loop import train
from tests.support.next_families import CODEBOOK, CODES, NEXT, MeanFlow, QuantizedAutoencoder
from tests.support.studied import CPU, workspace_of

PLANE = {"width": 32, "depth": 2}
# torch.func.jvp compiles its formulas by what torch itself no longer likes
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")
RECIPE = TrainConfig(optimizer="adam", learning_rate=3e-3, batch_size=256, epochs=3, ema=0.9)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    for name, entry in NEXT.items():
        monkeypatch.setitem(FAMILIES, name, entry)


def spec_of(family: str, dataset: str, parent: RunSpec | None = None, **model: object) -> RunSpec:
    document = {"family": family, "dataset": dataset, "model": model, "train": RECIPE}
    return RunSpec.model_validate(document | {"parent": parent})


def finished(spec: RunSpec, workspace: Workspace) -> Run:
    """Return a run as its task trains and keeps it."""
    *_, last = workspace.training(spec, {})
    return Run.from_files(last.files)


def test_integer_codes_and_then_their_prior_learn_through_the_one_loop():
    data = load("digits")
    family = build(lambda: QuantizedAutoencoder(NEXT["quantized"].config_type(), data.shape), 0)
    recipe = RECIPE.model_copy(update={"batch_size": 32, "epochs": 12, "learning_rate": 0.01})
    *events, last = train(family, data.train, data.validation, data.test[:5], recipe)
    assert isinstance(last, Finished)
    stages = [event.stage for event in events if isinstance(event, Step)]
    assert list(dict.fromkeys(stages)) == ["codes", "prior"]
    figures = [event.figures for event in events if isinstance(event, Snapshot)]
    assert figures[-1]["mse"] < 0.8 * figures[0]["mse"]
    x = data.test.float() / 255
    with torch.no_grad():
        z = last.family.encode(x)
        samples = last.family.sample(7, generator(0))
        again = last.family.sample(7, generator(0))
        nats = float(last.family.evaluate(x)["nats"])
    assert z.dtype == torch.int64
    assert z.shape == (len(x), CODES)
    assert 0 <= int(z.min()) <= int(z.max()) < CODEBOOK
    assert nats < torch.tensor(float(CODEBOOK)).log(), "better than any code after any other"
    assert samples.shape == (7, *data.shape)
    assert torch.equal(samples, again)


def test_a_run_of_integer_codes_is_kept_and_opened(tmp_path):
    run = finished(spec_of("quantized", "digits"), workspace_of(tmp_path))
    assert run.family.encode(torch.zeros(2, *run.family.shape)).dtype == torch.int64
    assert run.sample(3).shape == (3, *run.family.shape)


@pytest.fixture(scope="module")
def flow() -> Run:
    *_, run = perform(spec_of("flow", "ring", **PLANE), CPU)
    assert isinstance(run, Run)
    return run


def at(time: int, count: int) -> Tensor:
    return torch.full((count,), time)


def test_a_warm_start_begins_with_what_its_parent_predicts(flow):
    fresh = spec_of("meanflow", "ring", flow.spec, **PLANE).build(flow.family).eval()
    x = torch.randn(5, 2, 1, 1, generator=generator(1))
    for t, s in ((900, 900), (900, 0), (300, 100)):
        expected = flow.family.predict(x, at(t, 5), at(t, 5))
        torch.testing.assert_close(fresh.predict(x, at(t, 5), at(s, 5)), expected)


def test_a_run_with_a_parent_trains_from_the_store_and_opens_without_it(flow, tmp_path):
    spec = spec_of("meanflow", "ring", flow.spec, **PLANE)
    run = finished(spec, workspace_of(tmp_path, flow))
    assert run.spec == spec
    x = torch.randn(5, 2, 1, 1, generator=generator(2))
    near, far = (run.family.predict(x, at(900, 5), at(s, 5)) for s in (900, 0))
    assert not torch.allclose(near, far), "it has learned that jumps differ"
    assert run.sample(6).shape == (6, 2, 1, 1)
    weights = run.family.state_dict()
    for name, weight in flow.family.state_dict().items():
        assert not torch.equal(weights[name], weight), f"{name} has learned on"


def test_a_run_waits_for_its_parent(flow, tmp_path):
    spec = spec_of("meanflow", "ring", flow.spec, **PLANE)
    assert spec.prerequisites == (flow.spec,)
    with pytest.raises(TaskError, match="not trained yet"):
        next(workspace_of(tmp_path).training(spec, {}))
    with pytest.raises(ValueError, match="hand over"):
        next(perform(spec, CPU))
    with pytest.raises(ValueError, match="in common"):
        spec.build(spec_of("quantized", "digits").build())


def test_a_parent_is_in_the_fingerprint_and_none_is_not(flow):
    alone, child = spec_of("meanflow", "ring", **PLANE), spec_of("meanflow", "ring", flow.spec)
    assert alone.fingerprint != spec_of("meanflow", "ring", flow.spec, **PLANE).fingerprint
    assert RunSpec.model_validate_json(child.model_dump_json()).fingerprint == child.fingerprint
    document = {key: value for key, value in alone.model_dump().items() if key != "parent"}
    assert RunSpec.model_validate(document).fingerprint == alone.fingerprint


class Jumps(nn.Module):
    """A network whose mean velocity depends on both times."""

    def told(self, t: Tensor, s: Tensor, labels: Tensor | None) -> Tensor:
        return torch.stack([t, s], 1)

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        return (times @ torch.tensor([0.3, -0.2])).view(-1, 1, 1, 1) * torch.ones_like(x)


@pytest.mark.parametrize("kind", [MeanFlow, FlowMatching])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_euler_goes_from_each_time_to_the_next_by_the_mean_velocity_between(kind, steps):
    config = FlowConfig(**PLANE) if kind is FlowMatching else NEXT["meanflow"].config_type(**PLANE)
    family = build(lambda: kind(config, (2, 1, 1)), 0)
    family.network = Jumps()
    x = torch.randn(4, 2, 1, 1, generator=generator(3)) / 2
    times = family.schedule.times(steps)
    *_, end = family.trajectory(x, SAMPLERS["Euler"], times, generator(0))
    for t, s in pairwise(times):
        x = x - (t - s) / TIMES * (0.3 * t - 0.2 * s) / TIMES
    torch.testing.assert_close(end.x, x, rtol=1e-4, atol=1e-4)
