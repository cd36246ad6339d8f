"""A variational autoencoder is its formulas: rate, distortion, bounds; presets do as they say."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

from genlib.data.dataset import load
from genlib.family import Batch, to_float
from genlib.front import load as load_run
from genlib.metrics import importance_bound
from genlib.models import FAMILIES
from genlib.models.vae.config import VAEConfig
from genlib.models.vae.model import (
    COLLAPSED,
    Posterior,
    VariationalAutoencoder,
    error_variance,
)
from genlib.objectives import gaussian_kl
from genlib.rng import build, generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.likelihood import COUNTS, log_weights
from tests.support.studied import trained

COUNT, CODINGS, SHAPE = 6, 3, (1, 8, 8)
PIXELS = math.prod(SHAPE)
LOSSES = ("mse", "bce", "binary")
every_loss = pytest.mark.parametrize("loss", LOSSES)


def autoencoder(shape: tuple[int, int, int] = SHAPE, **changes: object) -> VariationalAutoencoder:
    config = VAEConfig(**{"codings": CODINGS, "hidden": 16, **changes})
    return build(lambda: VariationalAutoencoder(config, shape), 0)


def pictures(count: int = COUNT) -> torch.Tensor:
    return torch.rand(count, *SHAPE, generator=generator(1))


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed))


def clouds(posterior: Posterior) -> Independent:
    """Return the clouds as torch has them."""
    return Independent(Normal(posterior.mean, posterior.deviation), 1)


@pytest.mark.parametrize("seed", range(5))
def test_the_rate_is_the_divergence_that_torch_distributions_give(seed):
    mean, log_variance = 3 * normal(5, 4, seed=seed), 3 * normal(5, 4, seed=seed + 100)
    posterior = Normal(mean.double(), (log_variance.double() / 2).exp())
    expected = kl_divergence(posterior, Normal(torch.zeros(()).double(), 1.0))
    actual = gaussian_kl(mean.double(), log_variance.double())
    torch.testing.assert_close(actual, expected)


def test_the_rate_is_zero_at_the_prior_and_nowhere_else():
    zero = torch.zeros(1)
    assert float(gaussian_kl(zero, zero)) == 0
    away = torch.tensor([-2.0, -0.1, 0.1, 2.0])
    assert (gaussian_kl(away, torch.zeros(4)) > 0).all()
    assert (gaussian_kl(torch.zeros(4), away) > 0).all()


@pytest.mark.parametrize("scaling", ["pixel", "picture"])
@every_loss
def test_the_loss_is_the_distortion_and_beta_times_the_rate(loss, scaling):
    family, x = autoencoder(loss=loss, scaling=scaling, beta=1.3), pictures()
    ((player, losses),) = family.updates(Batch(x), generator(2))
    rng = generator(2)
    if loss == "binary":
        x = torch.bernoulli(x, generator=rng)
    h = family.encoder(x)
    mean, gamma = family.mean(h), family.log_variance(h)
    z = mean + torch.exp(gamma / 2) * torch.randn(COUNT, CODINGS, generator=rng)
    output = family.decoder(z).view(COUNT, PIXELS)
    if loss == "mse":
        costs = (x.flatten(1) - output) ** 2
    else:
        coins = Bernoulli(probs=x.flatten(1)), Bernoulli(logits=output)
        costs = kl_divergence(*coins)
    unit = PIXELS if scaling == "pixel" else 1
    rate = -0.5 * (1 + gamma - gamma.exp() - mean**2).sum(1).mean()
    expected = {loss: costs.sum(1).mean() / unit, "kl": 1.3 * rate / unit}
    assert player == "autoencoder"
    assert set(losses) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-4, atol=1e-6)


def test_per_picture_is_per_pixel_in_other_units():
    squared_gradient_norm = []
    for scaling in ("pixel", "picture"):
        family = autoencoder(scaling=scaling)
        ((_, losses),) = family.updates(Batch(pictures()), generator(3))
        squared_gradient_norm.append(
            torch.autograd.grad(sum(losses.values()), list(family.parameters()))
        )
    for per_pixel, per_picture in zip(*squared_gradient_norm, strict=True):
        torch.testing.assert_close(PIXELS * per_pixel, per_picture)


def test_a_draw_is_the_mean_and_so_many_deviations_and_the_gradient_reaches_both():
    mean = normal(COUNT, CODINGS, seed=4).requires_grad_()
    gamma = normal(COUNT, CODINGS, seed=5).requires_grad_()
    eps, slope = normal(COUNT, CODINGS, seed=6), normal(COUNT, CODINGS, seed=7)
    posterior = Posterior(mean, gamma)
    z = posterior.draw(eps)
    torch.testing.assert_close(posterior.deviation.square(), gamma.exp())
    torch.testing.assert_close(z, mean + gamma.exp().sqrt() * eps)
    actual = torch.autograd.grad((slope * z).sum(), (mean, gamma))
    torch.testing.assert_close(actual[0], slope)
    torch.testing.assert_close(actual[1], slope * eps * gamma.exp().sqrt() / 2)


def test_draws_have_the_mean_and_the_deviation_of_their_cloud():
    posterior = Posterior(normal(COUNT, CODINGS, seed=8), normal(COUNT, CODINGS, seed=9))
    count = 40_000
    z = posterior.draw(normal(count, COUNT, CODINGS, seed=10))
    within = 5 * posterior.deviation / count**0.5  # standard errors
    assert ((z.mean(0) - posterior.mean).abs() < within).all()
    assert ((z.std(0) - posterior.deviation).abs() < within).all()


def exact(loss: str, logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return the log-likelihood of each pixel, by torch.distributions."""
    if loss == "mse":
        return Normal(logits, 0.5**0.5).log_prob(x) + 0.5 * math.log(math.pi)
    if loss == "binary":
        return Bernoulli(logits=logits).log_prob(x)
    return -kl_divergence(Bernoulli(probs=x), Bernoulli(logits=logits))


@every_loss
def test_the_log_likelihood_is_that_of_torch_distributions(loss):
    family, x = autoencoder(loss=loss), pictures()
    x = x.round() if loss == "binary" else x
    draws = normal(4, COUNT, CODINGS, seed=11)
    actual = family.log_likelihood(x, draws)
    for z, each in zip(draws, actual, strict=True):
        expected = exact(loss, family.decoder(z).view_as(x), x).flatten(1).sum(1)
        torch.testing.assert_close(each, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(family.log_likelihood(x, z), each)


@torch.no_grad()
@every_loss
def test_what_is_evaluated_is_what_many_draws_say(loss):
    """A draw of each of many copies, against a hundred draws of torch's of each original."""
    family, x = (
        autoencoder(loss=loss),
        pictures().round(),
    )  # black or white: nothing is drawn twice
    copies = 1500
    figures = family.evaluate(x.repeat(copies, 1, 1, 1))
    cloud = clouds(family.posterior(x))
    torch.manual_seed(0)  # noqa: TID251 (torch.distributions take no generator)
    z = cloud.sample((copies,))
    prior = Independent(Normal(torch.zeros(CODINGS), 1.0), 1)
    rates = cloud.log_prob(z) - prior.log_prob(z)
    logits = family.decoder(z.flatten(0, 1)).view(copies, *x.shape)
    distortions = -exact(loss, logits, x.expand_as(logits)).flatten(2).sum(2)
    for name, values in (("kl", rates), ("distortion", distortions)):
        error = float((values - values.mean(0)).std()) / values.numel() ** 0.5
        assert float(figures[name]) == pytest.approx(float(values.mean()), abs=6 * error)
    copy = family.decode(cloud.mean)
    assert float(figures["mse"]) == pytest.approx(float((copy - x).square().mean()), rel=1e-4)


@torch.no_grad()
@every_loss
def test_the_rates_of_the_codings_add_up_to_the_rate(loss):
    family, x = autoencoder(loss=loss), pictures(2500).round()  # more than are done at once
    rates = family.rates(x)
    assert rates.shape == (CODINGS,)
    expected = kl_divergence(clouds(family.posterior(x)), clouds(Posterior(*torch.zeros(2, 1, 3))))
    torch.testing.assert_close(rates.sum(), expected.mean(), rtol=1e-4, atol=0)
    torch.testing.assert_close(family.evaluate(x)["kl"], rates.sum(), rtol=1e-4, atol=0)


LINES, COLUMNS = 2, 3  # of the pictures of the linear family
WIDE = LINES * COLUMNS
WEIGHTS = torch.linalg.qr(normal(WIDE, 2, seed=12))[0] * torch.tensor([1.5, 0.6])
OFFSET = 0.3 * normal(WIDE, seed=13)


def exact_posterior() -> tuple[torch.Tensor, torch.Tensor]:
    """Return (M, variances) of p(z | x) = N(M (x - b), S) where x = W z + b + noise, N(0, I/2).

    S = (I + 2 W'W)^-1 is diagonal, as the columns of W are orthogonal; M = 2 S W'.
    """
    variances = 1 / (1 + 2 * (WEIGHTS**2).sum(0))
    return 2 * variances[:, None] * WEIGHTS.T, variances


def dense(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
    return layer


def linear(shift: float = 0.0, widened: float = 0.0) -> VariationalAutoencoder:
    """Return a family whose ln p(x) is known; its posterior is exact, or wrong as asked."""
    family = autoencoder((1, LINES, COLUMNS), codings=2)
    matrix, variances = exact_posterior()
    family.encoder = nn.Flatten()
    family.mean = dense(matrix, shift * variances.sqrt() - matrix @ OFFSET)
    family.log_variance = dense(torch.zeros_like(matrix), variances.log() + widened)
    family.decoder = dense(WEIGHTS, OFFSET)
    return family.requires_grad_(requires_grad=False)


def drawn(count: int) -> torch.Tensor:
    """Return pictures of the linear family's own distribution."""
    flat = normal(count, 2, seed=14) @ WEIGHTS.T + OFFSET + 0.5**0.5 * normal(count, WIDE, seed=15)
    return flat.view(count, 1, LINES, COLUMNS)


def evidence(x: torch.Tensor) -> torch.Tensor:
    """Return ln p(x) = ln N(x; b, WW' + I/2), in the family's units: without -(n/2) ln pi."""
    covariance = WEIGHTS @ WEIGHTS.T + 0.5 * torch.eye(WIDE)
    actual = MultivariateNormal(OFFSET, covariance).log_prob(x.flatten(1))
    return actual + WIDE / 2 * math.log(math.pi)


def test_with_the_exact_posterior_every_weight_is_the_evidence():
    x = drawn(20)
    weights = log_weights(linear(), x, generator(16))
    assert weights.shape == (COUNTS[-1], 20)
    torch.testing.assert_close(weights, evidence(x).expand_as(weights), rtol=0, atol=1e-4)
    for count in COUNTS:
        actual = importance_bound(weights, count)
        torch.testing.assert_close(actual, evidence(x), rtol=0, atol=1e-3)


def test_with_the_exact_posterior_the_elbo_is_the_evidence():
    family, x, copies = linear(), drawn(1), 50_000
    figures = family.evaluate(x.expand(copies, -1, -1, -1))
    z = family.posterior(x).draw(normal(copies, 1, 2, seed=17))
    error = float(family.log_likelihood(x, z).std()) / copies**0.5
    elbo = -float(figures["distortion"] + figures["kl"])
    assert elbo == pytest.approx(float(evidence(x)), abs=5 * error)


def test_with_a_wrong_posterior_the_bounds_rise_to_the_evidence_and_not_beyond_it():
    x = drawn(50)
    weights = log_weights(linear(shift=0.6, widened=0.5), x, generator(18))
    elbo, ten, thousand = (importance_bound(weights, count).mean() for count in (1, 10, 1000))
    limit = float(evidence(x).mean())
    spread = (weights - evidence(x)).exp().std()  # of each weight, in units of p(x)
    error = float(spread) / weights.numel() ** 0.5
    assert float(elbo) < float(ten) < float(thousand) <= limit + 5 * error
    assert float(thousand) == pytest.approx(limit, abs=5 * error + 1 / 1000)


def test_the_elbo_misses_the_evidence_by_the_divergence_of_the_wrong_posterior():
    family, x = linear(shift=0.6, widened=0.5), drawn(50)
    weights = log_weights(family, x, generator(19))
    wrong, right = (clouds(each.posterior(x)) for each in (family, linear()))
    gap = evidence(x) - importance_bound(weights, 1)
    error = 5 * weights.std(0) / len(weights) ** 0.5
    assert ((gap - kl_divergence(wrong, right)).abs() < error).all()


@every_loss
@pytest.mark.parametrize("network", ["dense", "convolutional"])
def test_a_sample_is_the_decoded_draw_of_the_prior(loss, network):
    family = autoencoder(loss=loss, network=network)
    z = torch.randn(COUNT, CODINGS, generator=generator(20))
    assert torch.equal(family.sample(COUNT, generator(20)), family.decode(z))
    output = family.decoder(z).view(COUNT, *SHAPE)
    expected = output if loss == "mse" else torch.sigmoid(output)
    torch.testing.assert_close(family.decode(z), expected)


def test_the_preview_shows_the_copies_of_the_middles_and_as_many_samples():
    family, x = autoencoder(), pictures()
    copies, samples = family.preview(x, generator(21)).chunk(2)
    assert torch.equal(copies, family.decode(family.posterior(x).mean))
    assert torch.equal(samples, family.sample(COUNT, generator(21)))


@every_loss
@torch.no_grad()
def test_the_binary_loss_alone_sees_black_and_white(loss):
    family, x = autoencoder(loss=loss), pictures()
    inputs: list[torch.Tensor] = []
    family.encoder.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    list(family.updates(Batch(x), generator(22)))
    (seen,) = inputs
    if loss == "binary":
        assert set(seen.unique().tolist()) == {0, 1}
    else:
        assert torch.equal(seen, x)


def test_each_pixel_is_white_as_often_as_its_grey_level_says():
    x, count = pictures(), 4000
    family, rng = autoencoder(loss="binary"), generator(23)
    drawn = torch.stack([family.binarized(x, rng) for _ in range(count)])
    error = (x * (1 - x) / count).sqrt()
    assert ((drawn.mean(0) - x).abs() <= 5 * error + 1 / count).all()
    assert not torch.equal(drawn[0], drawn[1]), "drawn anew at each step"


def losses_of(family: VariationalAutoencoder, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the losses of a step, always of the same draws."""
    ((_, losses),) = family.updates(Batch(x), generator(14))
    return losses


def drawn_copy(family: VariationalAutoencoder, x: torch.Tensor) -> torch.Tensor:
    """Return the decoder's pictures for the draws of `losses_of`."""
    posterior = family.posterior(x)
    return family.decode(posterior.draw(torch.randn(COUNT, CODINGS, generator=generator(14))))


def gradient(family: VariationalAutoencoder, loss: torch.Tensor) -> torch.Tensor:
    parts = torch.autograd.grad(loss, list(family.parameters()))
    return torch.cat([part.flatten() for part in parts])


def of_variance(x: torch.Tensor, copy: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Return the nats of pictures whose pixels are normal, to within a grey level."""
    nats = -Normal(copy, variance.sqrt()).log_prob(x).flatten(1).sum(1).mean()
    return nats + PIXELS * math.log(255)


def test_with_the_best_variance_the_loss_is_half_the_pixels_times_one_plus_log_two_pi_variance():
    family, x = autoencoder(variance="optimal", scaling="picture"), pictures()
    copy, losses = drawn_copy(family, x), losses_of(family, x)
    variance = (x - copy).square().mean()
    closed = PIXELS / 2 * (1 + (2 * math.pi * variance).log()) + PIXELS * math.log(255)
    torch.testing.assert_close(losses["nll"], closed)
    torch.testing.assert_close(losses["nll"], of_variance(x, copy, variance))
    assert losses["nll"] > 0
    for factor in (0.9, 1.1):
        assert losses["nll"] < of_variance(x, copy, factor * variance), "it is the best one"


def test_the_gradient_is_that_of_the_best_variance_held_fixed():
    family, x = autoencoder(variance="optimal", scaling="picture"), pictures()
    copy = drawn_copy(family, x)
    held = of_variance(x, copy, (x - copy).square().mean().detach())
    actual = gradient(family, losses_of(family, x)["nll"] + 0 * sum_of(family))
    expected = gradient(family, held + 0 * sum_of(family))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def sum_of(family: VariationalAutoencoder) -> torch.Tensor:
    """Return the sum of all weights: times zero it lets every weight have a gradient."""
    return sum((weight.sum() for weight in family.parameters()), torch.zeros(()))


def test_a_variance_is_a_beta_in_other_words():
    """Fixed at ½, the same gradient up to a factor comes from β = 2 σ²."""
    family, x = autoencoder(variance="optimal", beta=1.0), pictures()
    twice = 2 * float((x - drawn_copy(family, x)).square().mean().detach())
    fixed = autoencoder(beta=twice)
    fixed.load_state_dict(family.state_dict())
    optimal = gradient(family, sum(losses_of(family, x).values()))
    torch.testing.assert_close(
        twice * optimal, gradient(fixed, sum(losses_of(fixed, x).values())), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("variance", ["fixed ½", "optimal"])
def test_the_distortion_says_the_variance_of_the_errors(variance):
    family, x = autoencoder(variance=variance), pictures()
    with torch.no_grad():
        figures = family.evaluate(x)
        z = family.posterior(x).draw(torch.randn(COUNT, CODINGS, generator=generator(0)))
        expected = float((family.decode(z) - x).square().mean())
    actual = error_variance(family.config, float(figures["distortion"]), PIXELS)
    assert actual == pytest.approx(expected, rel=1e-4)


def test_the_variance_is_in_the_fingerprint_unless_it_is_the_old_one():
    assert VAEConfig(variance="fixed ½").fingerprint == VAEConfig().fingerprint
    assert VAEConfig(variance="optimal").fingerprint != VAEConfig().fingerprint


def of_preset(name: str, **changes: object) -> Run:
    """Return a preset's model after a short training on digits."""
    model = FAMILIES["vae"].presets[name].model.model_dump()
    return trained("vae", epochs=12, **(model | changes))


def usual() -> Run:
    """Return one that uses its codings: digits are so small that β = 1 is dear for them.

    By probabilistic PCA (Tipping and Bishop 1999) a coding is worth its price only where the
    pictures' variance along it is more than β / 2, and that of digits is at most 0.7.
    """
    return of_preset("fast", beta=0.1)


def spread(x: torch.Tensor) -> float:
    """Return how much pictures differ from one another."""
    return float(x.var(0).mean())


@pytest.mark.slow
def test_where_information_is_dear_no_coding_says_anything_and_all_copies_are_alike():
    family, x = of_preset("collapse").family, to_float(load("digits").test)
    assert (family.rates(x) < COLLAPSED).all()
    assert spread(family.reconstruct(x)) < 0.01 * spread(x)
    other = usual().family
    assert (other.rates(x) > COLLAPSED).any()
    assert spread(other.reconstruct(x)) > 0.1 * spread(x)


@pytest.mark.slow
def test_where_information_is_free_codings_say_more_and_pictures_are_copied_better():
    free, x = of_preset("holes"), to_float(load("digits").test)
    rate = float(free.family.rates(x).sum())
    for other in (usual(), of_preset("fast")):
        assert rate > 3 * float(other.family.rates(x).sum())
        assert free.provenance.metrics["test_mse"] < other.provenance.metrics["test_mse"]


def test_where_information_is_free_the_codings_do_not_lie_where_the_prior_does():
    """Each coding of all pictures together has mean 0 and variance 1 where the prior is met."""
    x = to_float(load("digits").test)

    def excess(run: Run) -> float:
        """Return how far the codings' moments are from those of the prior."""
        posterior = run.family.posterior(x)
        mean = posterior.mean.mean(0)
        variance = posterior.mean.var(0) + posterior.log_variance.exp().mean(0)
        return float(gaussian_kl(mean, variance.log()).sum())

    assert excess(of_preset("holes")) > 10 * excess(usual())


def test_with_the_best_variance_even_codings_of_digits_are_worth_their_nats():
    sigma, usual_metrics = of_preset("optimal variance"), of_preset("fast").provenance.metrics
    metrics = sigma.provenance.metrics
    assert metrics["test_kl"] > 3 * usual_metrics["test_kl"]
    assert metrics["test_mse"] < 0.5 * usual_metrics["test_mse"]


def test_of_the_shipped_runs_the_best_variance_copies_better_and_says_more(home):
    """As the page and the preset say."""
    metrics = {}
    for preset in ("fast", "optimal variance"):
        run = load_run(RunSpec.of_preset("vae", preset).fingerprint)
        assert run.spec.train == RunSpec.of_preset("vae").train
        metrics[preset] = run.provenance.metrics
    assert metrics["optimal variance"]["test_mse"] < 0.8 * metrics["fast"]["test_mse"]
    assert metrics["optimal variance"]["test_kl"] > 3 * metrics["fast"]["test_kl"]
