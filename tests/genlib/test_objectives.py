import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_squared_error
from torch.distributions import Bernoulli, kl_divergence

from genlib.objectives import (
    RECONSTRUCTIONS,
    bernoulli_kl,
    cross_entropy,
    entropy_floor,
    excess_cross_entropy,
    squared_error,
)
from genlib.rng import generator


def pictures(seed: int) -> torch.Tensor:
    return torch.rand(4, 1, 5, 5, generator=generator(seed))


def test_squared_error_is_scikit_learns():
    x, other = pictures(0), pictures(1)
    expected = mean_squared_error(x.flatten(), other.flatten())
    assert float(squared_error(other, x)) == pytest.approx(expected, rel=1e-6)


def test_cross_entropy_of_black_and_white_pictures_is_scikit_learns_log_loss():
    x, logits = pictures(0).round(), 6 * pictures(1) - 3
    expected = log_loss(x.flatten(), logits.double().sigmoid().flatten())
    assert float(cross_entropy(logits, x)) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_of_grey_pictures_by_its_definition():
    x, logits = pictures(2).double(), 6 * pictures(3).double() - 3
    p = logits.sigmoid()
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).mean()
    assert float(cross_entropy(logits.float(), x.float())) == pytest.approx(float(expected))


def test_a_perfect_reconstruction_costs_the_entropy_floor():
    x = pictures(4).clamp(0.01, 0.99)
    assert float(cross_entropy(x.logit(), x)) == pytest.approx(float(entropy_floor(x)), rel=1e-5)
    assert float(squared_error(x, x)) == 0


@given(st.integers(0, 99))
def test_nothing_costs_less_than_the_entropy_floor(seed):
    x, logits = pictures(seed), 8 * pictures(seed + 1) - 4
    assert float(cross_entropy(logits, x)) >= float(entropy_floor(x))


def test_entropy_floor_of_known_pictures():
    assert float(entropy_floor(torch.tensor([0.0, 1.0]))) == 0
    half = torch.full((3, 3), 0.5)
    assert float(entropy_floor(half)) == pytest.approx(0.6931471805599453)
    assert float(cross_entropy(torch.zeros(3, 3), half)) == pytest.approx(0.6931471805599453)


@pytest.mark.parametrize(("name", "optimum"), [("mse", lambda x: x), ("bce", torch.logit)])
def test_the_gradient_vanishes_at_a_perfect_reconstruction_only(name, optimum):
    x = pictures(5).clamp(0.01, 0.99)
    output = optimum(x).requires_grad_()
    (slope,) = torch.autograd.grad(RECONSTRUCTIONS[name](output, x), output)
    assert slope.abs().max() < 1e-7
    away = (output.detach() + 1).requires_grad_()
    (slope,) = torch.autograd.grad(RECONSTRUCTIONS[name](away, x), away)
    assert (slope > 0).all()


@pytest.mark.parametrize("name", RECONSTRUCTIONS)
def test_low_precision_outputs_are_compared_in_float32(name):
    x = pictures(6)
    assert RECONSTRUCTIONS[name](torch.zeros_like(x, dtype=torch.bfloat16), x).dtype == x.dtype


@given(st.integers(0, 99))
def test_the_excess_of_cross_entropy_is_the_divergence_of_coins(seed):
    x, logits = pictures(seed), 8 * pictures(seed + 1) - 4
    coins = Bernoulli(probs=x.double()), Bernoulli(logits=logits.double())
    expected = float(kl_divergence(*coins).mean())
    assert float(excess_cross_entropy(logits, x)) == pytest.approx(expected, abs=1e-6)


def test_a_perfect_reconstruction_has_no_excess_and_no_other_has_less():
    x = pictures(7).clamp(0.01, 0.99)
    assert float(excess_cross_entropy(x.logit(), x)) == pytest.approx(0, abs=1e-6)
    assert float(excess_cross_entropy(x.logit() + 0.1, x)) > 1e-4
    black_and_white = pictures(8).round()
    plain = cross_entropy(pictures(9), black_and_white)
    assert torch.equal(excess_cross_entropy(pictures(9), black_and_white), plain)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
def test_bernoulli_kl_is_torch_distributions(p):
    q = torch.linspace(0.001, 0.999, 101)
    expected = kl_divergence(Bernoulli(torch.tensor(p).double()), Bernoulli(q.double()))
    torch.testing.assert_close(bernoulli_kl(p, q), expected.float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
def test_bernoulli_kl_is_zero_at_its_target_and_grows_away_from_it(p):
    q = torch.linspace(0.01, 0.99, 99).requires_grad_()
    costs = bernoulli_kl(p, q)
    (squared_gradient_norm,) = torch.autograd.grad(costs.sum(), q)
    away = (q.detach() - p).abs() > 1e-3
    assert float(bernoulli_kl(p, torch.tensor(p))) == pytest.approx(0, abs=1e-6)
    assert (costs[away] > 0).all()
    assert torch.equal(squared_gradient_norm[away].sign(), (q.detach() - p)[away].sign())


@pytest.mark.parametrize("p", [0.01, 0.5, 0.99])
def test_bernoulli_kl_of_a_unit_that_is_dead_or_stuck_is_large_and_finite(p):
    ends = torch.tensor([0.0, 1.0]).requires_grad_()
    costs = bernoulli_kl(p, ends)
    (squared_gradient_norm,) = torch.autograd.grad(costs.sum(), ends)
    inner = bernoulli_kl(p, torch.tensor([1e-3, 1 - 1e-3]))
    assert costs.isfinite().all()
    assert squared_gradient_norm.isfinite().all()
    assert (costs > inner).all()
