"""What surrounds a CUDA graph: its memory, its collector, its failures, its device."""

import gc
import logging
import weakref

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from genlib.config import Optimizer, TrainConfig
from genlib.models import FAMILIES
from genlib.rng import generator
from genlib.training.cuda_graph import WARM_UP, CudaGraphStep
from genlib.training.curve import Curve
from genlib.training.loop import Training
from genlib.training.precision import LARGE, autocast_type, multiply_adds
from tests.genlib.training.test_loop import EVERY, IMAGES
from tests.support.fakegpu import DEVICE, SECOND, fake_gpu
from tests.support.second_device import small
from tests.support.toys import Denoiser, Duel, initialized

CPU = torch.device("cpu")


def training(make=Denoiser, device=DEVICE, **recipe) -> Training:
    config = TrainConfig(**({"batch_size": 5, "epochs": 5, "optimizer": "adam"} | recipe))
    return Training(initialized(make).to(device), IMAGES.to(device), config)


def advanced(run: Training, steps: int) -> Training:
    for _ in range(steps):
        run.advance()
    return run


def test_a_finished_training_is_freed_at_once():
    """A cycle would keep it, and a graph's memory, until Python's collector comes by."""
    with fake_gpu():
        run = advanced(training(), WARM_UP + 2)
        references = [weakref.ref(run.graph_step.graph), weakref.ref(run)]
        gc.disable()
        try:
            del run
            assert [reference() for reference in references] == [None, None]
        finally:
            gc.enable()


def test_nothing_is_collected_during_a_capture():
    was_on = []
    with fake_gpu():
        step = CudaGraphStep(DEVICE, generator(0, DEVICE))
        for _ in range(WARM_UP + 1):
            step(lambda: was_on.append(gc.isenabled()))
    assert was_on == [True] * WARM_UP + [False]
    assert gc.isenabled()


def test_a_capture_that_fails_leaves_an_eager_step_that_draws_the_same(caplog):
    """The host reads the device here in every step, which no graph can hold."""
    numbers: dict[str, list[float]] = {"graph": [], "plain": []}
    with fake_gpu():
        rng, plain = generator(0, DEVICE), generator(0, DEVICE)
        step = CudaGraphStep(DEVICE, rng)

        def draw(name: str, rng: torch.Generator) -> None:
            numbers[name].append(float(torch.rand((), generator=rng, device=DEVICE)))

        with caplog.at_level(logging.WARNING):
            for _ in range(WARM_UP + 3):
                step(lambda: draw("graph", rng))
                draw("plain", plain)
    assert numbers["graph"] == numbers["plain"]
    assert step.graph is None
    assert len(caplog.records) == 1


def test_no_room_during_a_capture_is_no_other_error():
    calls = []

    def step() -> None:
        calls.append(None)
        if len(calls) > WARM_UP:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with fake_gpu():
        replay = CudaGraphStep(DEVICE, generator(0, DEVICE))
        for _ in range(WARM_UP):
            replay(step)
        with pytest.raises(torch.OutOfMemoryError):
            replay(step)


def test_a_second_gpu_captures_its_own_stream_and_waits_for_its_own_copies():
    """Both belong to the current device otherwise, which is the first one."""
    with fake_gpu() as gpu:
        count, curve = torch.zeros((), device=SECOND), Curve(SECOND, 10)
        curve.begin("train", 0, 10)
        step = CudaGraphStep(SECOND, generator(0, SECOND))
        for _ in range(WARM_UP + 3):
            step(lambda: count.add_(1))
            curve.worst.copy_(count)
            assert not curve.diverged(10.0, wait=False)
        assert step.graph is not None
        assert float(count) == WARM_UP + 3
        assert gpu.current == DEVICE
        curve.worst.copy_(100 * count)
        curve.diverged(10.0, wait=False)
        assert curve.diverged(10.0, wait=False)


def test_who_waits_for_a_gpu_burns_no_core():
    with fake_gpu():
        assert Curve(DEVICE, 10)._copied.blocking


@EVERY
@pytest.mark.parametrize(("here", "there"), [(CPU, DEVICE), (DEVICE, CPU)], ids=["to", "from"])
def test_a_checkpoint_goes_on_on_another_kind_of_device(here, there, optimizer: Optimizer):
    with fake_gpu():
        state = save(advanced(training(Duel, here, optimizer=optimizer), 7).state())
        ends = []
        for _ in range(2):
            run = training(Duel, there, optimizer=optimizer)
            run.restore(load(state))
            assert run.step == 7
            for name, value in load(state).items():
                if name != "rng" and name != "seconds":
                    assert torch.equal(run.state()[name], value), name
            ends.append(advanced(run, run.steps - 7).state())
        assert torch.equal(ends[0]["rng"], ends[1]["rng"])
        assert all(value.isfinite().all() for value in ends[0].values())


def test_the_averaged_copy_of_an_lstm_lies_in_one_piece(monkeypatch):
    flat = []
    monkeypatch.setattr(nn.LSTM, "flatten_parameters", lambda lstm: flat.append(lstm))
    with fake_gpu():
        spec = small("recurrent")
        family = spec.build().to(DEVICE)
        run = Training(family, torch.zeros(16, *family.shape, device=DEVICE), spec.train)
        copies = [module for module in run.average.modules() if isinstance(module, nn.LSTM)]
    assert len(copies) == 3
    assert {id(module) for module in copies} <= {id(module) for module in flat}


def of_preset(name: str, preset: str, batch_size: int, precision: str = "auto"):
    """Return the type that a preset's step would compute with on an H200."""
    entry = FAMILIES[name].presets[preset]
    spec = small(name, preset, train={"precision": precision})
    with fake_gpu(bfloat16=True):
        assert entry.train.precision == "auto"
        return autocast_type(spec.build(), spec.train, batch_size, DEVICE)


def test_bfloat16_is_taken_where_arithmetic_costs_more_than_launches():
    assert of_preset("linear", "ellipse", 4096) is None
    assert of_preset("stacked", "fast", 512) is None
    assert of_preset("gan2d", "cured", 4096) is None
    assert of_preset("ddpm", "in the plane", 512) is None
    work = multiply_adds(small("ddpm", "best").build())
    enough = int(LARGE // work) + 1
    assert of_preset("ddpm", "best", enough) == torch.bfloat16
    assert of_preset("ddpm", "best", enough // 2) is None
    assert of_preset("linear", "ellipse", 64, "bfloat16") == torch.bfloat16
    assert of_preset("ddpm", "best", enough, "float32") is None


def test_a_game_in_the_plane_is_played_as_many_at_once_are():
    """`vmap` knows no autocast: `genlib.studies.many_seeds` plays in float32, however large."""
    most = {"hidden": 512, "critic_steps": 5, "minibatch_discrimination": True}
    spec = small("gan2d", model=most)
    with fake_gpu(bfloat16=True):
        assert autocast_type(spec.build(), spec.train, 10**6, DEVICE) is None


def test_a_card_that_only_emulates_bfloat16_trains_in_float32():
    spec = small("ddpm", "best")
    with fake_gpu(bfloat16=False):
        assert autocast_type(spec.build(), spec.train, 10**6, DEVICE) is None
    assert autocast_type(spec.build(), spec.train, 10**6, CPU) is None
