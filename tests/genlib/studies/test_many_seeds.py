"""Many games played side by side are the single games, each with weights of its own."""

import copy

import pytest
import torch
from torch import Tensor

from genlib.adversarial.game import Game
from genlib.config import TrainConfig
from genlib.errors import TaskError
from genlib.models.gan2d.config import GAN2DConfig
from genlib.models.gan2d.model import CODINGS, PlaneGAN
from genlib.rng import build, generator
from genlib.runs.spec import RunSpec
from genlib.studies.many_seeds import ManySeeds, Stacked, play
from genlib.training.loop import Training

SEEDS, FIRST, BATCH = 3, 5, 16
POINT = (2, 1, 1)
RECIPE = TrainConfig(
    optimizer="adam", learning_rate=1e-3, batch_size=BATCH, epochs=1, ema=0.0, seed=FIRST
)
RULES = [
    {},
    {"loss": "relativistic", "r1": 0.1, "r2": 0.1},
    {"spectral_norm": True},
    {"minibatch_discrimination": True},
    {"packing": 2},
    {"packing": 3, "loss": "relativistic", "r1": 0.1},
    {"spectral_norm": True, "minibatch_discrimination": True, "packing": 2, "r1": 1.0},
]
every_rule = pytest.mark.parametrize("rules", RULES, ids=lambda rules: "+".join(rules) or "none")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def both(**rules) -> tuple[ManySeeds, list[PlaneGAN]]:
    """Return many games at once, and the same ones singly."""
    config = GAN2DConfig(hidden=8, **rules)
    spec = RunSpec(family="gan2d", dataset="ring", model=config, train=RECIPE)
    single = [build(lambda: PlaneGAN(config, POINT), FIRST + game) for game in range(SEEDS)]
    return ManySeeds(spec, SEEDS), single


def game_of(many: ManySeeds) -> Game:
    critic = lambda x: many.discriminator(x)[..., 0]  # noqa: E731
    return Game(many.config, many.generator, critic, many.replay, CODINGS, (SEEDS,))


def test_many_games_are_not_played_in_another_precision_than_one():
    recipe = RECIPE.model_copy(update={"precision": "bfloat16"})
    spec = RunSpec(family="gan2d", dataset="ring", model=GAN2DConfig(hidden=8), train=recipe)
    with pytest.raises(TaskError, match="float32"):
        next(play(spec, SEEDS, 10, torch.device("cpu")))


@every_rule
def test_each_game_begins_as_the_single_one_of_its_seed(rules):
    many, single = both(**rules)
    z, x = normal(SEEDS, BATCH, CODINGS), normal(SEEDS, BATCH, *POINT, seed=1)
    output, logits = many.generator(z), game_of(many).score(x)
    for game, alone in enumerate(single):
        torch.testing.assert_close(output[game], alone.generate(z[game]))
        torch.testing.assert_close(logits[game], alone.game.score(x[game]))
    assert not torch.equal(output[0], output[1])


def stacked(network: Stacked, singles: list[torch.nn.Module], gradients: list) -> None:
    """Compare gradients of stacked weights with those of the single networks."""
    keys = [key.replace("/", ".") for key in network.weights]
    for place, actual in zip(keys, gradients, strict=True):
        for game, alone in enumerate(singles):
            expected = dict(alone.named_parameters())[place].grad
            torch.testing.assert_close(actual[game], expected, rtol=1e-3, atol=1e-6)


@every_rule
def test_the_losses_of_all_games_are_the_sum_of_the_single_ones_and_so_are_the_gradients(rules):
    many, single = both(**rules)
    x, z = normal(SEEDS, BATCH, *POINT, seed=2), normal(SEEDS, BATCH, CODINGS, seed=3)
    game, rng = game_of(many), generator(0)  # these rules draw nothing besides the codings
    for phase in ("discriminator", "generator"):
        sums: dict[str, float] = {}
        for place, alone in enumerate(single):
            fake = alone.generate(z[place])
            alone.zero_grad()
            terms = getattr(
                alone.game, f"{'critic' if phase == 'discriminator' else phase}_losses"
            )(x[place], fake, rng)
            torch.stack(list(terms.values())).sum().backward()
            sums = {name: sums.get(name, 0.0) + value.item() for name, value in terms.items()}
        fake = many.generator(z)
        if phase == "discriminator":
            actual = game.critic_losses(x, fake, rng)
        else:
            actual = game.generator_losses(x, fake, rng)
        assert {name: value.item() for name, value in actual.items()} == pytest.approx(
            sums, rel=1e-4
        )
        player = many.players("")[phase]
        total = torch.stack(list(actual.values())).sum()
        gradients = list(torch.autograd.grad(total, list(player.weights.values())))
        stacked(player, [alone.players("")[phase] for alone in single], gradients)


def test_no_game_sees_another():
    many, _ = both(minibatch_discrimination=True)
    z = normal(SEEDS, BATCH, CODINGS).requires_grad_()
    logits = game_of(many).score(many.generator(z))
    (gradient,) = torch.autograd.grad(logits[1].sum(), z)
    assert gradient[1].any()
    assert not gradient[[0, 2]].any()


@pytest.mark.parametrize(
    "rules", [*RULES, {"replay": 64}, {"instance_noise": 0.1, "gradient_penalty": 1.0}], ids=str
)
def test_many_games_train_and_all_of_them_move(rules):
    many, _ = both(**rules)
    recipe = RECIPE.model_copy(update={"batch_size": SEEDS * BATCH})
    before = copy.deepcopy(dict(many.named_parameters()))
    run = Training(many, normal(3 * SEEDS * BATCH, *POINT, seed=4), recipe)
    for _ in range(3):
        run.advance()
    rows = run.curve.read(3)
    assert len(rows) == 3
    for row in rows:
        assert all(torch.tensor(value).isfinite() for value in row.losses.values())
    for name, weight in many.named_parameters():
        assert weight.isfinite().all()
        moved = (weight != before[name]).flatten(1).any(1)
        # the last bias of a relativistic discriminator cancels out
        assert moved.all() or rules.get("loss") == "relativistic"


def test_spectral_norm_follows_the_weights_of_every_game_as_of_a_single_one():
    many, single = both(spectral_norm=True)
    x = normal(SEEDS, BATCH, *POINT)
    for _ in range(100):
        actual = many.discriminator(x)
        alone = torch.stack([game.discriminator(x[place]) for place, game in enumerate(single)])
    torch.testing.assert_close(actual, alone, rtol=1e-4, atol=1e-5)
    apart = (x[:, 0] - x[:, 1]).flatten(1).norm(dim=1)
    assert ((actual[:, 0, 0] - actual[:, 1, 0]).abs() <= (1 + 1e-3) * apart).all()


def test_samples_are_those_of_each_game():
    many, single = both()
    actual = many.samples(7, generator(1))
    assert actual.shape == (SEEDS, 7, 2)
    z = normal(SEEDS, 7, CODINGS, seed=1)
    for game, alone in enumerate(single):
        torch.testing.assert_close(actual[game], alone.generate(z[game]).flatten(1))
