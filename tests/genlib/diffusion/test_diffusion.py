"""A network that sees through noise: what it is asked, what it costs, and what comes of it."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from genlib.config import TrainConfig
from genlib.data.dataset import load
from genlib.data.points import MODES
from genlib.diffusion.diffusion import CLASSES, FAR, LABEL_DROPOUT, STEPS, Diffusion
from genlib.diffusion.parameterizations import PARAMETERIZATIONS
from genlib.diffusion.samplers import dpm_solver
from genlib.diffusion.schedules import schedule
from genlib.family import Batch, to_float
from genlib.models.ddpm.config import DDPMConfig
from genlib.models.ddpm.model import DDPM, evenly, min_snr
from genlib.models.flow.config import FlowConfig
from genlib.models.flow.model import TIMES, FlowMatching
from genlib.rng import build, generator
from genlib.training.events import Finished
from genlib.training.loop import train

POINT, PICTURE = (2, 1, 1), (1, 8, 8)
NETWORKS = ("transformer", "U-Net", "book's")
ASKED = ("noise", "picture", "velocity")  # of DDPM
SMALL = {"width": 8, "depth": 1}


def ddpm(shape: tuple[int, int, int] = PICTURE, **changes: object) -> DDPM:
    return build(lambda: DDPM(DDPMConfig(**(SMALL | changes)), shape), 0).eval()


def flow(shape: tuple[int, int, int] = PICTURE, **changes: object) -> FlowMatching:
    return build(lambda: FlowMatching(FlowConfig(**(SMALL | changes)), shape), 0).eval()


FAMILIES: dict[str, Callable[..., Diffusion]] = {"ddpm": ddpm, "flow": flow}
every_family = pytest.mark.parametrize("kind", FAMILIES)
every_network = pytest.mark.parametrize("network", NETWORKS)
both_shapes = pytest.mark.parametrize("shape", [POINT, PICTURE], ids=["point", "picture"])


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def at(time: int, count: int) -> Tensor:
    return torch.full((count,), time)


def stirred(family: Diffusion) -> Diffusion:
    """Return the same family with random weights, where some begin at zero."""
    rng = generator(2)
    for weight in family.parameters():
        weight.data += 0.2 * torch.randn(weight.shape, generator=rng)
    return family.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("kind", ["cosine", "linear", "sigmoid", "flow"])
@pytest.mark.parametrize("prediction", PARAMETERIZATIONS)
def test_what_is_clean_follows_from_what_the_network_should_say(kind, prediction):
    generated, says = schedule(kind, 50), PARAMETERIZATIONS[prediction]
    x, eps = normal(49, 1, 4, 4), normal(49, 1, 4, 4, seed=2)
    t = torch.arange(1, 50)
    scales = generated.at(t, 4)
    actual = says.x0_hat(generated.noised(x, t, eps), says.target(x, eps, *scales), *scales)
    torch.testing.assert_close(actual, x, rtol=0, atol=5e-4)


@pytest.mark.parametrize("prediction", ["picture", "velocity", "direction"])
def test_in_pure_noise_all_but_the_noise_says_what_is_clean(prediction):
    generated, says = schedule("flow", 50), PARAMETERIZATIONS[prediction]
    x, eps, t = normal(5, 2, 1, 1), normal(5, 2, 1, 1, seed=2), at(50, 5)
    scales = generated.at(t, 4)
    actual = says.x0_hat(generated.noised(x, t, eps), says.target(x, eps, *scales), *scales)
    torch.testing.assert_close(actual, x)


DEVIATION = 0.7  # of the data whose exact denoiser is known
WIDE = (256, 1, 1)  # a point of many coordinates


class Exact(nn.Module):
    """Says what is asked of it of data from N(0, s²), as well as it can be known from x_t.

    Args:
        family: whose questions it answers.
        share: of the best guess of the clean x that it takes.
    """

    def __init__(self, family: Diffusion, share: float = 1.0) -> None:
        super().__init__()
        self.asked, self.share = family.objective.parameterization, share
        self.tables = family.schedule

    def told(self, t: Tensor, s: Tensor, labels: Tensor | None) -> Tensor:
        return t

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        alpha, sigma = self.tables.at((t * self.tables.last).round().long(), x.ndim)
        clean = self.share * alpha * DEVIATION**2 * x / (alpha**2 * DEVIATION**2 + sigma**2)
        return self.asked.target(clean, (x - alpha * clean) / sigma, alpha, sigma)


def misses(family: Diffusion, prediction: str, share: float = 1.0) -> Tensor:
    """Return the mean squared error of what is said, at the times 1 … T.

    What cannot be known of the clean x is Var(x | x_t) = s² σ² / (α² s² + σ²); to that comes what
    is wrong in the guess. What is asked moves with the clean x, as ε = (x_t - α x) / σ does.
    """
    alpha, sigma = family.schedule.alphas[1:].double(), family.schedule.sigmas[1:].double()
    variance = alpha**2 * DEVIATION**2 + sigma**2  # of x_t
    unknown = DEVIATION**2 * sigma**2 / variance
    wrong = (share - 1) ** 2 * alpha**2 * DEVIATION**4 / variance
    slope = {
        "noise": alpha / sigma,
        "picture": torch.ones_like(alpha),
        "velocity": alpha**2 / sigma + sigma,
        "direction": alpha / sigma + 1,
    }[prediction]
    return slope**2 * (unknown + wrong)


@torch.no_grad()
def loss_of(family: Diffusion, x: Tensor, seed: int = 3) -> float:
    """Return the loss of one step, without taking it."""
    ((player, losses),) = family.updates(Batch(x), generator(seed))
    assert player == "network"
    assert set(losses) == {"loss"}
    return float(losses["loss"])


FLOORS = [*(("ddpm", {"prediction": asked, "timesteps": 20}, asked) for asked in ASKED)]
FLOORS += [*(("ddpm", {"prediction": asked, "min_snr": 5.0}, asked) for asked in ASKED)]
FLOORS += [("flow", {}, "direction"), ("flow", {"centre": 1.0, "spread": 0.5}, "direction")]
every_floor = pytest.mark.parametrize(("kind", "changes", "prediction"), FLOORS)


@every_floor
def test_the_exact_denoiser_costs_what_cannot_be_known_and_no_other_costs_less(
    kind, changes, prediction
):
    family = FAMILIES[kind](WIDE, **changes)
    x, costs = DEVIATION * normal(2000, *WIDE), {}
    drawn = family.objective.draw(len(x), generator(3)) * family.schedule.last
    t = drawn.ceil().long().clamp(min=1)
    for share in (1.0, 0.8, 1.2, 0.0):
        family.network = Exact(family, share)
        costs[share] = loss_of(family, x)
        weighted = family.weights[1:].double() * misses(family, prediction, share)
        assert costs[share] == pytest.approx(float(weighted[t - 1].mean()), rel=0.03)
    assert min(costs.values()) == costs[1.0]


def test_what_cannot_be_known_of_the_noise_is_the_closed_form():
    family = ddpm()
    alpha, sigma = family.alphas[1:].double(), family.sigmas[1:].double()
    left = alpha**2 * DEVIATION**2
    torch.testing.assert_close(misses(family, "noise"), left / (left + sigma**2))


@every_floor
def test_the_figure_of_merit_is_the_error_of_the_noise_whatever_is_asked(
    kind, changes, prediction
):
    family = FAMILIES[kind](WIDE, **changes)
    family.network = Exact(family)
    x = DEVIATION * normal(600, *WIDE)
    steps = torch.linspace(1, family.schedule.last, 512).round().long()
    least = misses(family, "noise")[steps - 1].mean()
    assert float(family.evaluate(x)["noise"]) == pytest.approx(float(least), rel=0.02)


def untrained(prediction: str) -> Diffusion:
    """Return a family whose network says nothing but zero."""
    if prediction == "direction":
        return flow(network="transformer")
    return ddpm(network="transformer", prediction=prediction)


@pytest.mark.parametrize("prediction", PARAMETERIZATIONS)
@torch.no_grad()
def test_a_network_that_says_zero_is_as_wrong_about_the_noise_as_it_must_be(prediction):
    family = untrained(prediction)
    x = torch.rand(200, *PICTURE, generator=generator(4))
    t = torch.linspace(1, family.schedule.last, 200).round().long()
    alpha, sigma = family.schedule.at(t, 4)
    snapshot = (2 * x - 1).square()  # of the picture; the noise has mean 0 and variance 1
    expected = {
        "noise": torch.ones_like(snapshot),  # it sees no noise
        "picture": alpha**2 / sigma**2 * snapshot,  # it sees x_t / σ
        "velocity": sigma**2 * alpha**2 * snapshot + (sigma**2 - 1) ** 2,  # it sees σ x_t
        "direction": alpha**2 * snapshot + (sigma - 1) ** 2,  # it sees x_t
    }[prediction]
    actual = float(family.evaluate(x)["noise"])
    assert actual == pytest.approx(float(expected.mean()), rel=0.05)


@pytest.mark.parametrize("cap", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_the_weights_are_those_of_the_paper(kind, cap):
    generated = schedule(kind, 1000)
    ratio = (generated.alphas[1:] / generated.sigmas[1:]).double().square()
    least = torch.minimum(ratio, torch.tensor(cap).double())
    expected = {"noise": least / ratio, "picture": least, "velocity": least / (ratio + 1)}
    for prediction, weights in expected.items():
        actual = min_snr(generated, prediction, cap)
        torch.testing.assert_close(actual[1:].double(), weights, rtol=1e-4, atol=1e-7)
        assert actual.isfinite().all()
        assert torch.equal(min_snr(generated, prediction, 0.0), torch.ones(1001))


@pytest.mark.parametrize("cap", [1.0, 5.0])
def test_the_same_guess_costs_the_same_whatever_is_asked(cap):
    generated, t = schedule("cosine", 20), torch.arange(1, 20)
    x, eps, other = (normal(19, 1, 4, 4, seed=seed) for seed in (5, 6, 7))
    alpha, sigma = generated.at(t, 4)
    x_t = generated.noised(x, t, eps)
    seen = (x_t - alpha * other) / sigma
    costs = []
    for prediction in ASKED:
        target = PARAMETERIZATIONS[prediction].target
        error = target(other, seen, alpha, sigma) - target(x, eps, alpha, sigma)
        costs.append(min_snr(generated, prediction, cap)[t] * error.square().flatten(1).mean(1))
    torch.testing.assert_close(costs[1], costs[0], rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(costs[2], costs[0], rtol=1e-3, atol=1e-6)


def test_a_weight_counts_in_the_loss():
    family, x = ddpm(WIDE, timesteps=1), normal(50, *WIDE)
    whole = loss_of(family, x)
    family.weights *= 0.25
    assert loss_of(family, x) == pytest.approx(whole / 4)


def test_hubers_loss_grows_less_with_large_errors():
    """Of a network that says zero, where the noise is asked: E[huber(ε)], by a sum."""
    family = ddpm(network="transformer", loss="huber")
    grid = torch.linspace(-8, 8, 100_001).double()
    density = (-(grid**2) / 2).exp() / math.sqrt(2 * math.pi)
    costs = torch.where(grid.abs() < 1, grid**2 / 2, grid.abs() - 0.5)
    expected = float(torch.trapezoid(density * costs, grid))
    x = torch.rand(2000, *PICTURE, generator=generator(8))
    assert loss_of(family, x) == pytest.approx(expected, rel=0.02)


def test_times_of_diffusion_are_even_and_never_data():
    drawn = evenly(100_000, generator(9))
    assert float(drawn.min()) > 0
    assert float(drawn.max()) <= 1
    quartiles = drawn.quantile(torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(quartiles, torch.tensor([0.25, 0.5, 0.75]), rtol=0, atol=0.01)


@pytest.mark.parametrize(("centre", "spread"), [(0.0, 1.0), (-1.0, 0.5), (2.0, 3.0)])
def test_times_of_flow_matching_are_logit_normal(centre, spread):
    family = flow(POINT, centre=centre, spread=spread)
    drawn = family.objective.draw(100_000, generator(10))
    quartile = 0.67449 * spread  # of the normal distribution
    logits = torch.tensor([centre - quartile, centre, centre + quartile])
    actual = drawn.quantile(torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(actual, logits.sigmoid(), rtol=0, atol=0.01)
    assert family.schedule.last == TIMES


@every_family
@pytest.mark.parametrize("conditional", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_loss_falls_on_digits(kind, conditional):
    data = load("digits")
    family, x = FAMILIES[kind](width=16, conditional=conditional), to_float(data.validation)
    with torch.no_grad():
        before = float(family.evaluate(x)["noise"])
    recipe = TrainConfig(learning_rate=0.012, batch_size=128, epochs=6, ema=0.0)
    parts = data.train, data.validation, data.test[:4], recipe
    *_, end = train(family, *parts, labels=data.train_labels)
    assert isinstance(end, Finished)
    losses = [row.losses["loss"] for row in end.curve.read(60)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    with torch.no_grad():
        assert float(end.family.eval().evaluate(x)["noise"]) < 0.8 * before


@both_shapes
@every_family
def test_guidance_goes_from_the_guess_without_a_class_to_that_with_it_and_beyond(kind, shape):
    family = stirred(FAMILIES[kind](shape, conditional=True))
    x, labels = 0.05 * normal(6, *shape), torch.arange(6)
    time = 200 if kind == "flow" else 300
    messages, free = (
        family.predict(x, at(time, 6), at(time, 6), wanted) for wanted in (labels, None)
    )
    inside = (torch.stack([messages, free, 2 * messages - free]).abs() < 1).all(0)
    assert inside.any()
    assert not torch.equal(messages[inside], free[inside])
    nobody = at(family.classes, 6)
    torch.testing.assert_close(family.predict(x, at(time, 6), at(time, 6), nobody), free)
    for guidance in (0.0, 0.3, 1.0, 2.0):
        actual = family.predictor(labels, guidance)(x, time, time)
        expected = (1 - guidance) * free + guidance * messages
        torch.testing.assert_close(actual[inside], expected[inside], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(family.predictor(None, 3.0)(x, time, time)[inside], free[inside])


@every_family
def test_what_is_seen_never_leaves_where_data_can_be(kind):
    for shape in (POINT, PICTURE):
        family = stirred(FAMILIES[kind](shape))
        x = 5 * normal(20, *shape)
        guess, actual = (
            family.predict(x, at(500, 20), at(500, 20)),
            family.predictor()(x, 500, 500),
        )
        assert guess.abs().max() > 1.5
        edge = FAR if shape == POINT else 1.0
        assert torch.equal(actual, guess.clamp(-edge, edge))


class Listener(nn.Module):
    """A network that predicts zero and remembers the labels that it is conditioned on."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[Tensor | None] = []

    def told(self, t: Tensor, s: Tensor, labels: Tensor | None) -> Tensor:
        self.labels.append(labels)
        return t

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.zeros_like(x)


@every_family
def test_a_tenth_of_the_pictures_is_trained_without_a_class(kind):
    family, count = FAMILIES[kind](POINT, conditional=True), 10_000
    family.network = Listener()
    labels = torch.arange(count) % 10
    list(family.updates(Batch(normal(count, *POINT), labels), generator(11)))
    (seen,) = family.network.labels
    dropped = seen == CLASSES
    error = math.sqrt(LABEL_DROPOUT * (1 - LABEL_DROPOUT) / count)
    assert float(dropped.float().mean()) == pytest.approx(LABEL_DROPOUT, abs=4 * error)
    assert torch.equal(seen[~dropped], labels[~dropped])


@pytest.mark.parametrize(("conditional", "labelled"), [(False, True), (True, False)])
def test_without_classes_nothing_is_told(conditional, labelled):
    family = flow(POINT, conditional=conditional)
    family.network = Listener()
    labels = torch.arange(5) if labelled else None
    list(family.updates(Batch(normal(5, *POINT), labels), generator(12)))
    assert family.network.labels == [None]


@both_shapes
@every_family
@torch.no_grad()
def test_the_same_noise_becomes_the_same_picture(kind, shape):
    family = stirred(FAMILIES[kind](shape))
    z = normal(3, family.codings)
    assert family.codings == math.prod(shape)
    generated = family.generate(z)
    assert generated.shape == (3, *shape)
    assert torch.equal(family.generate(z), generated)
    assert not torch.equal(family.generate(z + 1), generated)
    torch.testing.assert_close(family.generate(z[1:]), generated[1:])
    if shape == PICTURE:
        assert 0 <= float(generated.min()) < float(generated.max()) <= 1


@every_family
@torch.no_grad()
def test_what_is_told_the_class_makes_one_after_the_other(kind):
    family = stirred(FAMILIES[kind](conditional=True))
    z = normal(1, family.codings).expand(13, -1)
    generated = family.generate(z)
    for index in range(13):
        noise, wanted = z[:1].view(1, *PICTURE), torch.tensor([index % 10])
        times = family.schedule.times(STEPS)
        *_, end = family.trajectory(noise, dpm_solver, times, generator(0), wanted)
        expected = family.unscaled(end.x)[0]
        torch.testing.assert_close(generated[index], expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(generated[0], generated[10])
    assert not torch.allclose(generated[0], generated[1], atol=1e-3)


def test_pictures_are_scaled_and_back_and_points_stay():
    x = torch.rand(5, *PICTURE, generator=generator(13))
    for family in (ddpm(), flow()):
        scaled = family.scaled(x)
        assert -1 <= float(scaled.min()) < -0.8
        assert 0.8 < float(scaled.max()) <= 1
        torch.testing.assert_close(family.unscaled(scaled), x)
        assert torch.equal(family.unscaled(3 * torch.ones(1, *PICTURE)), torch.ones(1, *PICTURE))
        points, plane = 3 * normal(5, *POINT), FAMILIES["flow"](POINT)
        assert torch.equal(plane.scaled(points), points)
        assert torch.equal(plane.unscaled(points), points)


@every_family
def test_the_tables_are_no_weights(kind):
    family = FAMILIES[kind](min_snr=5.0) if kind == "ddpm" else FAMILIES[kind]()
    assert all(name.startswith("network.") for name in family.state_dict())
    assert {"alphas", "sigmas", "weights"} <= dict(family.named_buffers()).keys()
    assert torch.equal(family.resident.alphas, family.schedule.alphas)
    other = FAMILIES[kind](network="U-Net")
    other.load_state_dict(family.state_dict())


@pytest.mark.parametrize("network", ["transformer", "U-Net"])
@pytest.mark.parametrize("shape", [PICTURE, (3, 32, 32)], ids=["grey", "coloured"])
def test_a_network_begins_by_saying_zero(network, shape):
    family = ddpm(shape, network=network, conditional=True)
    text = family.output(normal(2, *shape), at(500, 2), at(500, 2), torch.tensor([3, 7]))
    assert torch.equal(text, torch.zeros(2, *shape))


@every_network
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)], ids=str)
def test_every_network_takes_every_shape_and_hears_the_time_and_the_class(
    network, shape, conditional
):
    family = stirred(ddpm(shape, network=network, conditional=conditional))
    x, labels = normal(3, *shape), torch.tensor([0, 5, 9])
    text = family.output(x, at(100, 3), at(100, 3), labels if conditional else None)
    assert text.shape == x.shape
    assert text.isfinite().all()
    late = family.output(x, at(900, 3), at(900, 3), labels if conditional else None)
    assert not torch.allclose(text, late)
    other = family.output(x, at(100, 3), at(100, 3), labels.flip(0) if conditional else None)
    same = [torch.allclose(one, two) for one, two in zip(text, other, strict=True)]
    assert same == ([False, True, False] if conditional else [True] * 3)
    alone = family.output(x[1:2], at(100, 1), at(100, 1), labels[1:2] if conditional else None)
    torch.testing.assert_close(alone, text[1:2], rtol=1e-3, atol=1e-4)
    sizes = family.sizes()
    assert sizes[0][1] == sizes[-1][1] == math.prod(shape)


@every_family
@torch.no_grad()
def test_the_preview_shows_new_pictures_those_of_the_data_noised_and_what_is_seen(kind):
    family = untrained("direction" if kind == "flow" else "velocity")
    x = torch.rand(5, *PICTURE, generator=generator(17))
    new, noised, seen = family.preview(x, generator(14)).chunk(3)
    assert new.shape == noised.shape == seen.shape == x.shape
    assert float((noised[0] - x[0]).abs().max()) < 0.2
    torch.testing.assert_close(seen[0], noised[0], rtol=0, atol=0.05)
    assert torch.equal(family.preview(x, generator(14))[:5], new)
    assert not torch.equal(family.preview(x, generator(15))[:5], new)


BLOBS = MODES["blobs"]


def exact_score(x_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Return the slope of ln p_t of the two blobs: a mixture as well, nearer and wider."""
    place = x_t.clone().requires_grad_()
    variance = alpha**2 * BLOBS.deviation**2 + sigma**2
    apart = (place[:, None] - alpha[:, None] * BLOBS.centres).square().sum(2)
    (slope,) = torch.autograd.grad(torch.logsumexp(-apart / (2 * variance), 1).sum(), place)
    return slope


def score_error(family: Diffusion) -> float:
    """Return the mean squared error of the score where noised data is, from T / 10 on."""
    x = load("blobs").test[:2000]
    t = torch.linspace(family.schedule.last / 10, family.schedule.last - 1, len(x)).long()
    alpha, sigma = family.schedule.at(t, 2)
    x_t = family.schedule.noised(x, t, normal(*x.shape, seed=16))
    with torch.no_grad():
        clean = family.predict(x_t, t, t).flatten(1)
    score = -(x_t.flatten(1) - alpha * clean) / sigma**2
    return float((score - exact_score(x_t.flatten(1), alpha, sigma)).square().mean())


@every_family
def test_in_the_plane_the_score_comes_near_the_exact_one(kind):
    family = FAMILIES[kind](POINT, width=64, depth=2)
    before, data = score_error(family), load("blobs")
    recipe = TrainConfig(optimizer="adam", learning_rate=3e-3, epochs=10, ema=0.95)
    *_, end = train(family, data.train, data.validation, data.test[:16], recipe)
    assert isinstance(end, Finished)
    assert score_error(end.family.eval()) < 0.2 * before
