"""The two players are paid what the papers say, and each moves in its own phase alone."""

import math
from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor, log, nn, sigmoid

from genlib.adversarial.batchwise import MinibatchDiscrimination, packed
from genlib.adversarial.config import AdversarialConfig
from genlib.adversarial.game import Game
from genlib.adversarial.objectives import OBJECTIVES, gradient_penalty, squared_gradient_norm
from genlib.adversarial.replay import ReplayBuffer
from genlib.config import TrainConfig
from genlib.family import Batch, Losses
from genlib.models.dcgan.config import DCGANConfig
from genlib.models.dcgan.model import DCGAN
from genlib.models.gan.config import GANConfig
from genlib.models.gan.model import DenseGAN
from genlib.models.gan2d.config import GAN2DConfig
from genlib.models.gan2d.model import PlaneGAN
from genlib.nn import Dropout, draw_from
from genlib.rng import build, generator
from genlib.training.loop import Training

POINT = (2, 1, 1)
every_loss = pytest.mark.parametrize("loss", OBJECTIVES)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def plane_gan(seed: int = 0, **knobs) -> PlaneGAN:
    return build(lambda: PlaneGAN(GAN2DConfig(hidden=8, **knobs), POINT), seed)


def of_critic(loss: str, r: Tensor, f: Tensor, s: float) -> Tensor:
    """Return the discriminator's loss as the papers write it."""
    if loss in ("non-saturating", "minimax"):
        stored, lost = log(sigmoid(r)), log(1 - sigmoid(r))
        return -(1 - s) * stored - s * lost - log(1 - sigmoid(f))
    return {
        "least squares": 0.5 * (r - (1 - s)) ** 2 + 0.5 * f**2,
        "hinge": (1 - r).clamp(min=0) + (1 + f).clamp(min=0),
        "wasserstein": f - r,
        "relativistic": -log(sigmoid(r - f)),
    }[loss]


def of_generator(loss: str, r: Tensor, f: Tensor) -> Tensor:
    """Return the generator's."""
    return {
        "non-saturating": -log(sigmoid(f)),
        "minimax": log(1 - sigmoid(f)),
        "least squares": 0.5 * (f - 1) ** 2,
        "hinge": -f,
        "wasserstein": -f,
        "relativistic": -log(sigmoid(f - r)),
    }[loss]


@every_loss
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_each_loss_is_its_formula(loss, smoothing):
    r, f = 3 * normal(50, seed=1).double(), 3 * normal(50, seed=2).double()
    actual = OBJECTIVES[loss].critic(r, f, smoothing)
    torch.testing.assert_close(actual, of_critic(loss, r, f, smoothing))
    torch.testing.assert_close(OBJECTIVES[loss].generator(r, f), of_generator(loss, r, f))


@every_loss
def test_losses_are_finite_where_the_discriminator_is_very_sure(loss):
    r, f = torch.tensor([80.0, -80.0]), torch.tensor([-80.0, 80.0])
    assert OBJECTIVES[loss].critic(r, f, 0.1).isfinite().all()
    assert OBJECTIVES[loss].generator(r, f).isfinite().all()


def test_a_minimax_generator_goes_the_same_way_but_stops_where_it_is_found_out():
    f = torch.linspace(-12, 12, 49, requires_grad=True)
    pushes = {
        loss: torch.autograd.grad(OBJECTIVES[loss].generator(f, f).sum(), f)[0]
        for loss in ("minimax", "non-saturating")
    }
    assert (pushes["minimax"] < 0).all()
    assert (pushes["non-saturating"] < 0).all()
    assert pushes["minimax"][0].abs() < 1e-5  # D is sure that it is drawn
    assert pushes["non-saturating"][0] == pytest.approx(-1, abs=1e-5)
    torch.testing.assert_close(pushes["minimax"], -sigmoid(f.detach()))


def test_smoothed_labels_are_met_best_by_their_own_probability():
    r = torch.tensor([math.log(0.9 / 0.1)]).requires_grad_()
    cost = OBJECTIVES["non-saturating"].critic(r, torch.zeros(1), 0.1)
    (gradient,) = torch.autograd.grad(cost.sum(), r)
    assert float(gradient) == pytest.approx(0, abs=1e-6)


def test_the_slope_of_a_line_and_of_a_parabola_is_the_formula():
    x, w, a = normal(7, 3), normal(3, seed=1), normal(3, 3, seed=2)
    x.requires_grad_()
    torch.testing.assert_close(squared_gradient_norm(x @ w + 5, x)[0], (w @ w).expand(7))
    curved = ((x @ a) * x).sum(1) / 2
    expected = (x @ (a + a.T) / 2).square().sum(1)
    torch.testing.assert_close(squared_gradient_norm(curved, x)[0], expected)


def bent() -> nn.Module:
    """Return a small critic in double precision."""
    make = lambda: nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))  # noqa: E731
    return build(make, 0).double()


def test_the_slope_of_a_network_is_that_of_small_steps_along_each_axis():
    critic, x, step = bent(), normal(6, 3).double().requires_grad_(), 1e-5
    ahead, behind = ((x.detach()[:, None] + sign * step * torch.eye(3)) for sign in (1, -1))
    along = ((critic(ahead) - critic(behind)) / (2 * step))[..., 0]
    torch.testing.assert_close(squared_gradient_norm(critic(x)[:, 0], x)[0], along.square().sum(1))


def test_the_slope_is_differentiable_in_the_critics_weights():
    critic, x, step = bent(), normal(6, 3).double().requires_grad_(), 1e-6
    steepness = lambda: squared_gradient_norm(critic(x)[:, 0], x)[0].sum()  # noqa: E731
    weights = [weight for name, weight in critic.named_parameters() if name != "2.bias"]
    actual = torch.autograd.grad(steepness(), weights)
    for weight, gradient in zip(weights, actual, strict=True):
        for value, expected in zip(weight.data.view(-1), gradient.flatten(), strict=True):
            value += step
            ahead = steepness().item()
            value -= 2 * step
            behind = steepness().item()
            value += step
            assert (ahead - behind) / (2 * step) == pytest.approx(float(expected), abs=1e-7)


def test_each_of_many_games_has_its_own_slope():
    x, w = normal(4, 5, *POINT).requires_grad_(), normal(4, 2, seed=1)
    logits = (x.flatten(2) * w[:, None]).sum(2)
    expected = w.square().sum(1, keepdim=True).expand(4, 5)
    torch.testing.assert_close(squared_gradient_norm(logits, x)[0], expected)


def test_pictures_that_are_judged_together_each_have_their_part_of_the_slope():
    x, w = normal(6, 2).requires_grad_(), normal(4, seed=1)
    actual = squared_gradient_norm(packed(x, 2, 0) @ w, x)[0]
    parts = torch.stack([w[:2] @ w[:2], w[2:] @ w[2:]])
    torch.testing.assert_close(actual, parts.repeat(3))


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_the_gradient_penalty_of_a_line_is_what_its_slope_lacks_to_1(length):
    w = length * torch.nn.functional.normalize(normal(2), dim=0)
    actual = gradient_penalty(
        lambda x: x.flatten(1) @ w, normal(9, *POINT), normal(9, *POINT, seed=1), torch.rand(9)
    )
    torch.testing.assert_close(actual, torch.full((9,), (length - 1) ** 2), atol=1e-6, rtol=1e-4)


def test_the_gradient_penalty_is_taken_where_the_share_says():
    """Of a critic |x|²/2 the slope at x is |x|."""
    real, fake, share = normal(5, 2), normal(5, 2, seed=1), torch.linspace(0, 1, 5)
    place = share[:, None] * real + (1 - share[:, None]) * fake
    actual = gradient_penalty(lambda x: x.square().sum(1) / 2, real, fake, share)
    torch.testing.assert_close(actual, (place.norm(dim=1) - 1).square())


def numbered(first: int, count: int) -> Tensor:
    """Return pictures that hold nothing but their number."""
    return torch.arange(first, first + count).float().view(count, 1, 1, 1)


def even(values: list[float], among: range) -> bool:
    """Return whether all of a range are met, and equally often as far as chance goes."""
    counts = Counter(values)
    assert set(counts) <= set(among)
    return bool(chisquare([counts[value] for value in among]).pvalue > 0.001)


def test_replay_draws_evenly_from_all_that_it_keeps_and_never_from_empty_places():
    rng, full = generator(0), ReplayBuffer(8, (), (1, 1, 1))
    drawn = torch.cat([full.exchange(numbered(1, 8), rng) for _ in range(500)])
    assert even(drawn.flatten().tolist(), range(1, 9))
    few = [ReplayBuffer(100, (), (1, 1, 1)).exchange(numbered(1, 10), rng) for _ in range(400)]
    assert even(torch.cat(few).flatten().tolist(), range(1, 11))


@pytest.mark.parametrize(("size", "batch"), [(8, 3), (8, 8), (10, 4), (5, 1)])
def test_replay_drops_the_oldest_first(size, batch):
    rng, replay = generator(1), ReplayBuffer(size, (), (1, 1, 1))
    for first in range(1, 60, batch):
        drawn = replay.exchange(numbered(first, batch), rng)
        stored = set(range(max(1, first + batch - size), first + batch))
        assert drawn.shape == (batch, 1, 1, 1)
        assert set(drawn.flatten().tolist()) <= stored
        assert set(replay.kept.flatten().tolist()) - {0} == stored


def test_replay_returns_as_many_as_it_is_given_even_if_it_keeps_fewer():
    replay = ReplayBuffer(4, (), (1, 1, 1))
    drawn = replay.exchange(numbered(1, 10), generator(2))
    assert drawn.shape == (10, 1, 1, 1)
    assert set(drawn.flatten().tolist()) <= {7, 8, 9, 10}


@every_loss
def test_a_batch_may_be_larger_than_what_is_replayed(loss):
    family = plane_gan(loss=loss, replay=4, gradient_penalty=1.0)
    actual = losses(family, normal(10, *POINT))
    assert all(value.isfinite().all() for value in actual)
    classified: list[tuple[Tensor, Tensor]] = []

    def critic(x: Tensor) -> Tensor:
        classified.append(x.flatten(1)[:, 0].chunk(2))
        return x.flatten(1)[:, 0]

    rules = AdversarialConfig(loss=loss, replay=4)
    fives = lambda z: torch.full((len(z), *POINT), 5.0)  # noqa: E731
    game = Game(rules, fives, critic, ReplayBuffer(4, (), POINT), 2)
    next(game.updates(torch.zeros(10, *POINT), generator(0)))
    assert (classified[0][0] == 0).all()  # no real one is taken for a drawn one
    assert (classified[0][1] == 5).all()


def test_replays_of_many_games_do_not_mix():
    rng, replay = generator(3), ReplayBuffer(6, (3,), (2, 1, 1))
    for turn in range(9):
        own = torch.arange(3).float().view(3, 1, 1, 1, 1).expand(3, 4, 2, 1, 1)
        drawn = replay.exchange(own + turn / 100, rng)
        assert drawn.shape == (3, 4, 2, 1, 1)
        assert torch.equal(drawn.floor(), own)
        assert torch.equal(drawn[:, :, 0], drawn[:, :, 1])  # a picture stays whole


def test_a_replay_goes_on_where_its_saved_state_ends():
    first, second = (ReplayBuffer(7, (), (1, 1, 1)) for _ in range(2))
    for turn in range(4):
        first.exchange(numbered(1 + 3 * turn, 3), generator(turn))
    second.load_state_dict(first.state_dict())
    for turn in range(4):
        given = numbered(50 + 3 * turn, 3), generator(9 + turn)
        again = numbered(50 + 3 * turn, 3), generator(9 + turn)
        assert torch.equal(first.exchange(*given), second.exchange(*again))


def nearness() -> MinibatchDiscrimination:
    return build(lambda: MinibatchDiscrimination(3, kernels=4, width=2), 0)


def test_the_nearness_of_a_batch_is_the_formula():
    layer, h = nearness(), normal(5, 3)
    m = (h @ layer.project.weight.T).view(5, 4, 2)
    out = layer(h)
    assert torch.equal(out[:, :3], h)
    for i in range(5):
        others = [j for j in range(5) if j != i]
        far = torch.stack([(m[i] - m[j]).abs().sum(1) for j in others])
        torch.testing.assert_close(out[i, 3:], (-far).exp().mean(0))


def test_equal_samples_are_all_near_and_a_single_one_has_no_neighbours():
    layer = nearness()
    torch.testing.assert_close(layer(normal(1, 3).repeat(6, 1))[:, 3:], torch.ones(6, 4))
    torch.testing.assert_close(layer(normal(1, 3))[:, 3:], torch.zeros(1, 4))
    torch.testing.assert_close(layer(1000 * torch.eye(3))[:, 3:], torch.zeros(3, 4))


def test_nearness_does_not_depend_on_the_order_and_sees_the_other_samples():
    layer, h = nearness(), normal(6, 3).requires_grad_()
    order = torch.randperm(6, generator=generator(1))
    torch.testing.assert_close(layer(h[order]), layer(h)[order])
    (gradient,) = torch.autograd.grad(layer(h)[0].sum(), h)
    assert (gradient.abs().sum(1) > 0).all()


def test_neighbours_are_joined_to_one_sample():
    x = normal(6, *POINT)
    actual = packed(x, 3, 0)
    assert actual.shape == (2, 6, 1, 1)
    assert torch.equal(actual[0], torch.cat([x[0], x[1], x[2]]))
    assert torch.equal(actual[1], torch.cat([x[3], x[4], x[5]]))
    assert torch.equal(packed(x, 1, 0), x)
    games = normal(4, 6, *POINT)
    expected = torch.stack([packed(game, 2, 0) for game in games])
    assert torch.equal(packed(games, 2, 1), expected)


@pytest.mark.parametrize(("batch", "count"), [(5, 3), (7, 4), (3, 2), (2, 4), (1, 2), (1, 4)])
def test_what_a_last_sample_lacks_is_taken_from_the_first_pictures(batch, count):
    x = numbered(1, batch)
    actual = packed(x, count, 0)
    whole = -(-batch // count)
    assert actual.shape == (whole, count, 1, 1)
    expected = [1 + place % batch for place in range(whole * count)]
    assert actual.flatten().tolist() == expected


def test_spectral_norm_leaves_no_matrix_of_the_discriminator_steeper_than_1():
    family, x = plane_gan(spectral_norm=True), normal(10, *POINT)
    for _ in range(100):
        family.discriminator(x)
    layers = [part for part in family.discriminator.modules() if isinstance(part, nn.Linear)]
    assert len(layers) == 3
    for layer in layers:
        assert torch.linalg.svdvals(layer.weight)[0].item() == pytest.approx(1, abs=1e-3)
    logits, place = family.discriminator(x), normal(10, *POINT, seed=1)
    lipschitz = (logits - family.discriminator(place))[:, 0].abs() / (x - place).flatten(1).norm(
        dim=1
    )
    assert lipschitz.max() <= 1 + 1e-3


def losses(family: nn.Module, x: Tensor, seed: int = 0) -> list[Tensor]:
    """Play one step by hand without moving; return all losses and their gradients."""
    actual = []
    for name, terms in family.updates(Batch(x), generator(seed)):
        weights = list(family.players("")[name].parameters())
        total = torch.stack(list(terms.values())).sum()
        gradients = torch.autograd.grad(total, weights, allow_unused=True)
        actual += [*terms.values(), *(each for each in gradients if each is not None)]
        assert any(each is not None and each.any() for each in gradients)
    return actual


@pytest.mark.parametrize("knobs", [{}, {"r1": 1.0, "r2": 1.0}, {"gradient_penalty": 1.0}])
def test_the_discriminators_loss_gives_the_generator_nothing(knobs):
    family = plane_gan(**knobs)
    updates = family.updates(Batch(normal(8, *POINT)), generator(0))
    name, terms = next(updates)
    assert name == "discriminator"
    weights = list(family.generator.parameters())
    total = torch.stack(list(terms.values())).sum()
    assert all(each is None for each in torch.autograd.grad(total, weights, allow_unused=True))
    name, _ = next(updates)
    assert name == "generator"


class Watched(PlaneGAN):
    """Remembers its weights before, between and after the updates of a step."""

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        self.order, self.snapshots = [], [self.now()]
        for name, terms in super().updates(batch, rng):
            self.order.append(name)
            yield name, terms
            self.snapshots.append(self.now())

    def now(self) -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in self.named_parameters()}


@pytest.mark.parametrize(("critic", "drawing"), [(1, 1), (3, 1), (1, 2), (5, 5)])
def test_in_each_phase_one_player_moves_as_often_as_the_rules_say(critic, drawing):
    rules = GAN2DConfig(hidden=8, critic_steps=critic, generator_steps=drawing)
    family = build(lambda: Watched(rules, POINT), 0)
    recipe = TrainConfig(optimizer="sgd", batch_size=16, epochs=1, ema=0.0, warmup=0.0)
    Training(family, normal(16, *POINT), recipe).advance()
    assert family.order == ["discriminator"] * critic + ["generator"] * drawing
    for name, before, after in zip(
        family.order, family.snapshots, family.snapshots[1:], strict=False
    ):
        moved = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
        assert moved == {name}


def test_the_discriminators_rate_is_a_multiple_of_the_generators():
    recipe = TrainConfig(
        optimizer="sgd", momentum=0.0, batch_size=16, epochs=1, ema=0.0, warmup=0.0, decay="none"
    )
    steps = []
    for pace in (1.0, 4.0):
        family = build(
            lambda pace=pace: Watched(GAN2DConfig(hidden=8, critic_rate=pace), POINT), 0
        )
        Training(family, normal(16, *POINT), recipe).advance()
        before, after = family.snapshots[:2]
        key = "discriminator.3.0.weight"
        steps.append(after[key] - before[key])
    torch.testing.assert_close(4 * steps[0], steps[1], rtol=1e-3, atol=1e-6)


def test_instance_noise_is_on_all_that_the_discriminator_sees_in_both_phases():
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    still = nn.Parameter(torch.tensor(3.0))
    rules = AdversarialConfig(instance_noise=0.5)
    game = Game(rules, lambda z: still.expand(len(z), *POINT), critic, None, 2)
    list(game.updates(torch.full((2_000, *POINT), 7.0), generator(0)))
    (real, fake), drawn = seen[0].chunk(2), seen[1]
    for x, mean in ((real, 7), (fake, 3), (drawn, 3)):
        assert float(x.std()) == pytest.approx(0.5, rel=0.05)
        assert float(x.mean()) == pytest.approx(mean, abs=0.05)


KNOBS = [
    *({"loss": loss} for loss in OBJECTIVES),
    *({name: 0.1} for name in ("r1", "r2", "gradient_penalty", "smoothing", "instance_noise")),
    *({name: True} for name in ("spectral_norm", "minibatch_discrimination")),
    *({"packing": count} for count in (2, 3, 4)),
    *({"replay": 64}, {"critic_steps": 2}, {"generator_steps": 2}, {"critic_rate": 2.0}),
]
TOGETHER = {name: value for knob in KNOBS for name, value in knob.items()}
FAMILIES = {
    "plane": (PlaneGAN, GAN2DConfig, {"hidden": 8}, POINT),
    "dense": (DenseGAN, GANConfig, {"hidden": 8, "codings": 3}, (1, 8, 8)),
    "strided": (DCGAN, DCGANConfig, {"filters": 8}, (1, 8, 8)),
    "residual": (DCGAN, DCGANConfig, {"filters": 8, "network": "residual"}, (3, 8, 8)),
}


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize(
    "knobs",
    [*KNOBS, *(TOGETHER | {"loss": loss} for loss in OBJECTIVES)],
    ids=lambda knobs: "-".join(map(str, next(iter(knobs.items())))) + "+" * (len(knobs) > 1),
)
def test_every_rule_works_alone_and_with_all_others(kind, knobs):
    make, config, sizes, shape = FAMILIES[kind]
    family = build(lambda: make(config(**sizes, **knobs), shape), 0)
    x = torch.rand(10, *shape, generator=generator(0))
    for turn in range(2):
        assert all(value.isfinite().all() for value in losses(family, x, turn))
    assert family.discriminate(x).shape == (10,)
    assert family.sample(5, generator(0)).shape == (5, *shape)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_dropout_keeps_the_mean_and_sets_its_share_to_zero(share):
    layer = Dropout(share)
    draw_from(layer, generator(0))
    out = layer(torch.ones(200, 500))
    noise = 4 * math.sqrt(share * (1 - share) / out.numel())
    assert float((out == 0).float().mean()) == pytest.approx(share, abs=noise)
    assert float(out.mean()) == pytest.approx(1, abs=noise / (1 - share))
    torch.testing.assert_close(out.unique(), torch.tensor([0, 1 / (1 - share)]))


def test_dropout_does_nothing_after_training_or_without_a_share():
    x = normal(20, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_dropout_follows_the_generator_it_is_given_and_leaves_the_global_one_alone():
    network, x = nn.Sequential(nn.Linear(5, 5), nn.Sequential(Dropout(0.5))), normal(30, 5)
    before, masks = torch.get_rng_state(), []
    for seed in (0, 0, 1):
        draw_from(network, generator(seed))
        masks.append(network(x) == 0)
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_book_s_discriminator_judges_each_picture_whatever_else_is_in_the_batch():
    """Else it would know real pictures by the company they keep, and G would learn nothing."""
    family = build(lambda: DCGAN(DCGANConfig(dropout=0.0), (1, 28, 28)), 0).train()
    x, others = torch.rand(4, 1, 28, 28, generator=generator(1)), torch.ones(12, 1, 28, 28)
    alone, among = family.discriminator(x), family.discriminator(torch.cat([x, others]))[:4]
    torch.testing.assert_close(among, alone)
