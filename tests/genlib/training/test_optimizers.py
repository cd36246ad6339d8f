import copy
import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn
from torch.optim import Muon

from genlib.config import Optimizer, TrainConfig
from genlib.rng import build, generator
from genlib.training.optimizers import (
    FlatMuon,
    average_rates,
    descend,
    follow,
    make_optimizers,
    rate_factors,
)

CPU = torch.device("cpu")
EVERY = pytest.mark.parametrize("name", get_args(Optimizer))
X = torch.randn(32, 6, generator=generator(0))
Y = torch.randn(32, 4, generator=generator(1))


def network() -> nn.Module:
    return build(lambda: nn.Linear(6, 4), 0)


def quadratic(model: nn.Module) -> torch.Tensor:
    return (model(X) - Y).square().mean()


def slide(model: nn.Module, config: TrainConfig, factors: torch.Tensor) -> list[float]:
    weights = list(model.parameters())
    optimizers, losses = make_optimizers(config, weights, CPU), []
    for factor in factors:
        loss = quadratic(model)
        losses.append(float(loss.detach()))
        descend(weights, optimizers, loss, factor, config.clip)
    return losses


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
@pytest.mark.parametrize("steps", [1, 7, 200])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
def test_rate_factors_are_their_closed_forms(decay, steps, warmup):
    fall = {
        "none": lambda s: 1.0,
        "linear": lambda s: 1 - s / steps,
        "cosine": lambda s: (1 + math.cos(math.pi * s / steps)) / 2,
    }[decay]
    warm = max(1, round(warmup * steps))
    expected = [min(1, (s + 1) / warm) * fall(s) for s in range(steps)]
    factors = rate_factors(TrainConfig(decay=decay, warmup=warmup), steps)
    assert factors.tolist() == pytest.approx(expected, abs=1e-6)


@given(st.integers(1, 500), st.floats(0, 0.5), st.sampled_from(["none", "linear", "cosine"]))
def test_every_step_has_a_rate_above_zero_and_none_above_the_peak(steps, warmup, decay):
    factors = rate_factors(TrainConfig(decay=decay, warmup=warmup), steps)
    assert len(factors) == steps
    assert (factors > 0).all()
    assert (factors <= 1).all()


def test_average_forgets_the_start_first_and_then_moves_at_its_rate():
    rates = average_rates(TrainConfig(ema=0.99), 5_000)
    assert float(rates[0]) == pytest.approx(0.9)
    assert float(rates[90]) == pytest.approx(1 - 91 / 100)
    assert rates[-1] == pytest.approx(0.01)
    assert (rates.diff() <= 0).all()
    assert average_rates(TrainConfig(ema=0.0), 3).tolist() == [1, 1, 1]


@EVERY
def test_every_optimiser_descends_a_quadratic_to_its_least_squares(name):
    config = TrainConfig(optimizer=name, learning_rate=0.05)
    losses = slide(network(), config, torch.linspace(1, 0.01, 300))
    with_bias = torch.cat([X, torch.ones(len(X), 1)], 1)
    best = torch.linalg.lstsq(with_bias, Y).solution
    least = float((with_bias @ best - Y).square().mean())
    assert losses[0] > 1.1 * least
    assert losses[-1] == pytest.approx(least, rel=2e-3)


@EVERY
def test_scaling_the_step_is_setting_the_learning_rate(name):
    """Every optimizer's step is proportional to its rate, so the oracle sets `lr` instead."""
    config = TrainConfig(optimizer=name, learning_rate=0.02)
    factors = rate_factors(TrainConfig(warmup=0.3, decay="cosine"), 25)
    model = network()
    oracle = copy.deepcopy(model)
    slide(model, config, factors)
    optimizers = make_optimizers(config, oracle.parameters(), CPU)
    for factor in factors.tolist():
        oracle.zero_grad()
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = 0.02 * factor
        quadratic(oracle).backward()
        for optimizer in optimizers:
            optimizer.step()
    for mine, theirs in zip(model.parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


@EVERY
def test_a_factor_of_zero_moves_nothing(name):
    model = network()
    before = copy.deepcopy(model)
    slide(model, TrainConfig(optimizer=name, learning_rate=1), torch.zeros(3))
    for weight, start in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(weight, start)


@pytest.mark.parametrize("clip", [0.01, 0.1, 100.0])
def test_clipping_bounds_the_norm_of_the_gradient_and_keeps_its_direction(clip):
    """The first step of SGD at rate 1 is the gradient itself."""
    model = network()
    start = [weight.detach().clone() for weight in model.parameters()]
    slope = torch.autograd.grad(quadratic(model), list(model.parameters()))
    config = TrainConfig(optimizer="sgd", learning_rate=1, clip=clip)
    slide(model, config, torch.ones(1))
    pairs = zip(start, model.parameters(), strict=True)
    step = torch.cat([(old - new).flatten() for old, new in pairs]).detach()
    full = torch.cat([part.flatten() for part in slope])
    assert float(step.norm()) == pytest.approx(min(clip, float(full.norm())), rel=1e-3)
    assert float(torch.cosine_similarity(step, full, dim=0)) == pytest.approx(1, abs=1e-4)


def test_muons_step_has_equal_singular_values():
    """Newton–Schulz reaches 0.7 … 1.2 of orthogonal; the gradient's own spread is far wider."""
    weight = nn.Parameter(torch.zeros(6, 6))
    scales = torch.diag(torch.logspace(0, -2, 6))
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator(2)))[0]
    optimizers = make_optimizers(TrainConfig(optimizer="muon", learning_rate=1), [weight], CPU)
    descend([weight], optimizers, (weight * (turn @ scales)).sum(), torch.tensor(1.0), 0.0)
    values = torch.linalg.svdvals(weight.detach())
    assert float(values.max() / values.min()) < 2


SHAPES = [(6, 4), (3, 8), (5, 3, 3, 3), (4, 2, 5), (2, 3, 4, 5, 2)]


def drawn(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed))


def step_along(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], step: int) -> None:
    for index, weight in enumerate(weights):
        weight.grad = drawn((len(weight), weight[0].numel()), 100 * step + index).view_as(weight)
    optimizer.step()


@pytest.mark.parametrize("options", [{}, {"lr": 0.1, "weight_decay": 0, "nesterov": False}])
@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw"])
def test_flat_muon_is_torchs_muon_on_the_flattened_weights_step_by_step(options, adjust):
    weights = [nn.Parameter(drawn(shape, seed)) for seed, shape in enumerate(SHAPES)]
    oracles = [nn.Parameter(weight.detach().flatten(1).clone()) for weight in weights]
    mine = FlatMuon(weights, adjust_lr_fn=adjust, **options)
    theirs = Muon(oracles, adjust_lr_fn=adjust, **options)
    for step in range(5):
        before = [weight.detach().clone() for weight in weights]
        step_along(mine, weights, step)
        step_along(theirs, oracles, step)
        for weight, oracle, start in zip(weights, oracles, before, strict=True):
            assert torch.equal(weight.flatten(1), oracle)
            assert not torch.equal(weight, start)


def test_flat_muon_moves_the_filters_of_the_module_itself():
    model = build(lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(3, 2, 3)), 0)
    x, weights = torch.ones(1, 2, 5, 5), list(model.parameters())
    optimizers = make_optimizers(TrainConfig(learning_rate=0.01), weights, CPU)
    losses, places = [], [weight.data_ptr() for weight in weights]
    for _ in range(100):
        loss = (model(x) - x).square().mean()
        losses.append(float(loss.detach()))
        descend(weights, optimizers, loss, torch.tensor(1.0), 0.0)
    assert losses[-1] < 0.1 * losses[0]
    assert [weight.data_ptr() for weight in model.parameters()] == places


def test_flat_muon_leaves_a_weight_without_a_gradient_alone():
    one, other = (nn.Parameter(drawn((3, 2, 2, 2), seed)) for seed in (0, 1))
    start = other.detach().clone()
    optimizer = FlatMuon([one, other])
    one.grad = drawn((3, 2, 2, 2), 2)
    optimizer.step()
    assert torch.equal(other, start)
    assert not torch.equal(one, drawn((3, 2, 2, 2), 0))


def test_flat_muon_goes_on_from_its_state_with_the_same_bits():
    weights = [nn.Parameter(drawn(shape, seed)) for seed, shape in enumerate(SHAPES)]
    optimizer = FlatMuon(weights, lr=0.1)
    for step in range(3):
        step_along(optimizer, weights, step)
    state = optimizer.state_dict()
    momenta = {str(key): value["momentum_buffer"] for key, value in state["state"].items()}
    written = load(save(momenta))
    again = [nn.Parameter(weight.detach().clone()) for weight in weights]
    resumed = FlatMuon(again, lr=0.1)
    resumed.load_state_dict(
        {
            "state": {int(key): {"momentum_buffer": value} for key, value in written.items()},
            "param_groups": resumed.state_dict()["param_groups"],
        }
    )
    for step in range(3, 6):
        step_along(optimizer, weights, step)
        step_along(resumed, again, step)
    for one, other in zip(weights, again, strict=True):
        assert torch.equal(one, other)


@EVERY
@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 3, 3)])
def test_any_shape_of_weight_can_be_all_that_a_player_has(name, shape):
    weight = nn.Parameter(torch.ones(shape))
    config = TrainConfig(optimizer=name, learning_rate=0.01)
    optimizers = make_optimizers(config, [weight], CPU)
    descend([weight], optimizers, weight.square().sum(), torch.tensor(1.0), 0.0)
    assert (weight < 1).all() or name == "muon"
    assert float(weight.detach().square().sum()) < weight.numel()


def test_every_weight_is_in_exactly_one_optimiser():
    weights = list(network().parameters())
    for name in get_args(Optimizer):
        parts = make_optimizers(TrainConfig(optimizer=name), weights, CPU)
        held = [w for part in parts for group in part.param_groups for w in group["params"]]
        assert sorted(w.data_ptr() for w in held) == sorted(w.data_ptr() for w in weights)
        assert sum(w.numel() for w in held) == sum(w.numel() for w in weights)


def test_the_weight_average_is_the_sum_of_the_weights_by_their_shares():
    model = network()
    average, start = copy.deepcopy(model), copy.deepcopy(model)
    rates, seen = [0.9, 0.5, 0.1], []
    for step, rate in enumerate(rates):
        with torch.no_grad():
            for weight in model.parameters():
                weight.normal_(generator=generator(step))
        seen.append([weight.detach().clone() for weight in model.parameters()])
        follow(average, model, torch.tensor(rate))
    shares = [0.9 * 0.5 * 0.9, 0.5 * 0.9, 0.1]
    for index, (stored, old) in enumerate(
        zip(average.parameters(), start.parameters(), strict=True)
    ):
        expected = 0.1 * 0.5 * 0.9 * old
        for share, weights in zip(shares, seen, strict=True):
            expected = expected + share * weights[index]
        torch.testing.assert_close(stored, expected, rtol=1e-5, atol=1e-6)


def test_statistics_are_copied_not_averaged():
    model = nn.BatchNorm1d(6)
    average = copy.deepcopy(model)
    model(10 + X)
    follow(average, model, torch.tensor(0.25))
    for stored, value in zip(average.buffers(), model.buffers(), strict=True):
        assert torch.equal(stored, value)
