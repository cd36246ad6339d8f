import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from genlib.rng import generator
from genlib.training.curve import ROWS, Curve

CPU = torch.device("cpu")


def written(curve: Curve, values: torch.Tensor, names: list[str]) -> Curve:
    for done, row in enumerate(values):
        curve.write(torch.tensor(done), dict(zip(names, row, strict=True)), {})
    return curve


@settings(max_examples=25)
@given(st.integers(1, 3 * ROWS), st.integers(1, 3 * ROWS))
def test_a_curve_is_the_means_over_windows_of_what_was_written(steps, count):
    count = min(count, steps)
    values = torch.rand(count, 2, generator=generator(steps))
    curve = Curve(CPU, steps)
    curve.begin("only", 0, steps)
    rows = written(curve, values, ["a", "b"]).read(count)
    ends = [0, *(row.step for row in rows)]
    assert ends[-1] == count
    assert len(rows) <= ROWS
    for row, first, last in zip(rows, ends[:-1], ends[1:], strict=True):
        mean = values[first:last].double().mean(0)
        assert row.losses == pytest.approx({"a": float(mean[0]), "b": float(mean[1])}, rel=1e-5)
        assert row.stage == "only"


def test_short_runs_keep_every_step():
    values = torch.arange(5.0)[:, None]
    curve = Curve(CPU, 5)
    curve.begin("only", 0, 5)
    rows = written(curve, values, ["loss"]).read(5)
    assert [(row.step, row.losses["loss"]) for row in rows] == [
        (1, 0), (2, 1), (3, 2), (4, 3), (5, 4)
    ]  # fmt: skip


def two_stages(first: int = 3, second: int = 4) -> Curve:
    curve = Curve(CPU, first + second)
    curve.begin("low", 0, first)
    written(curve, torch.full((first, 1), 2.0), ["mse"])
    curve.begin("high", first, second)
    return written(curve, torch.full((second, 2), 3.0), ["z", "a"])


def test_stages_keep_their_own_losses_and_their_place():
    rows = two_stages().read(7)
    assert [row.step for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.stage for row in rows] == ["low"] * 3 + ["high"] * 4
    assert rows[2].losses == {"mse": 2}
    assert rows[3].losses == {"z": 3, "a": 3}


def test_only_the_steps_asked_for_are_read():
    curve = two_stages()
    assert [row.step for row in curve.read(2)] == [1, 2]
    assert curve.read(0) == []
    assert [row.step for row in curve.read(5)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 2000.1, -2000.1])
@pytest.mark.parametrize("when", [0, 1, 5])
def test_what_is_not_finite_or_a_thousandfold_has_diverged(bad, when):
    values = torch.full((6, 1), 2.0)
    values[when] = bad
    curve = Curve(CPU, 6)
    curve.begin("only", 0, 6)
    written(curve, values, ["loss"])
    infinite = abs(bad) != 2000.1
    assert curve.diverged(1e3, wait=True) == (infinite or when > 0)
    assert curve.diverged(1e3, wait=False) == (infinite or when > 0)


def test_one_loss_of_several_is_enough():
    values = torch.ones(4, 3)
    values[2, 1] = float("nan")
    curve = Curve(CPU, 4)
    curve.begin("only", 0, 4)
    assert written(curve, values, ["a", "b", "c"]).diverged(1e3, wait=True)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_falling_steady_and_noisy_losses_have_not_diverged(scale):
    values = scale * torch.rand(50, 2, generator=generator(0)) + 0.1 * scale
    curve = Curve(CPU, 50)
    curve.begin("only", 0, 50)
    assert not written(curve, values, ["a", "b"]).diverged(1e3, wait=True)


def test_a_part_that_begins_at_zero_may_grow():
    """The KL term of a variational autoencoder does."""
    values = torch.tensor([[500.0, 0.0], [300.0, 10.0], [100.0, 30.0]])
    curve = Curve(CPU, 3)
    curve.begin("only", 0, 3)
    assert not written(curve, values, ["reconstruction", "kl"]).diverged(1e3, wait=True)


def test_divergence_at_the_end_of_a_stage_is_not_forgotten_in_the_next():
    curve = Curve(CPU, 8)
    curve.begin("low", 0, 4)
    written(curve, torch.tensor([[1.0], [1.0], [1.0], [float("nan")]]), ["mse"])
    curve.begin("high", 4, 4)
    written(curve, torch.ones(2, 1), ["mse"])
    assert curve.diverged(1e3, wait=True)


@pytest.mark.parametrize("bad", [float("nan"), 1e9])
def test_divergence_is_explained_with_what_to_change(bad):
    curve = Curve(CPU, 2)
    curve.begin("only", 0, 2)
    written(curve, torch.tensor([[1.0], [bad]]), ["loss"])
    sentence = curve.explain_divergence(0.3)
    assert "0.3" in sentence
    assert "Lower the learning rate" in sentence
    assert ("thousand" in sentence) == (bad == 1e9)


def test_a_restored_curve_reads_and_goes_on_as_the_first_one():
    values = torch.rand(9, 2, generator=generator(3))
    names = ["z", "a"]  # not in alphabetical order, which files may change
    whole, half = Curve(CPU, 9), Curve(CPU, 9)
    for curve in (whole, half):
        curve.begin("only", 0, 9)
    written(whole, values, names)
    half = written(half, values[:5], names)
    state = load(save({key: value.clone() for key, value in half.state().items()}))
    again = Curve(CPU, 9)
    again.begin("only", 0, 9)
    again.restore(state)
    assert again.read(5) == whole.read(5)
    for done in range(5, 9):
        again.write(torch.tensor(done), dict(zip(names, values[done], strict=True)), {})
    assert again.read(9) == whole.read(9)


def test_a_restored_curve_remembers_divergence_and_stages():
    first = two_stages()
    first.write(torch.tensor(3), {"z": torch.tensor(float("nan")), "a": torch.tensor(0.0)}, {})
    again = Curve(CPU, 7)
    again.begin("low", 0, 3)
    again.begin("high", 3, 4)
    again.restore(first.state())
    assert again.diverged(1e3, wait=True)
    assert again.read(6) == first.read(6)
