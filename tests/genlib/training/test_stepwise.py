"""A game played by hand takes the steps of training, and a curve tells losses from gradients."""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from streamlit.testing.v1 import AppTest
from torch import Tensor

from genlib.config import TrainConfig
from genlib.data.dataset import load as load_dataset
from genlib.family import to_float
from genlib.models.gan2d.model import PlaneGAN
from genlib.rng import generator
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.training.curve import Curve
from genlib.training.loop import Training
from genlib.training.stepwise import PULL, StepwiseGame
from tests.support.studied import CPU
from tests.support.toys import SHAPE, Copier, Duel, initialized
from ui.adversarial import step_by_step

RULES = [
    {},
    {"loss": "relativistic", "r1": 0.1, "r2": 0.1},
    {"replay": 256, "instance_noise": 0.1},
    {"spectral_norm": True, "critic_steps": 2},
    {"minibatch_discrimination": True, "packing": 2},
]
every_rule = pytest.mark.parametrize("rules", RULES, ids=lambda rules: "+".join(rules) or "none")


def game(epochs: int = 1, batch_size: int = 128, **rules: object) -> RunSpec:
    """Return a small game in the plane, of 156 steps an epoch."""
    train = TrainConfig(
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=batch_size,
        epochs=epochs,
        momentum=0.5,
        ema=0.0,
        warmup=0.0,
        decay="none",
    )
    document = {"family": "gan2d", "dataset": "ring", "model": {"hidden": 16} | rules}
    return RunSpec.model_validate(document | {"train": train})


def by_hand(spec: RunSpec) -> StepwiseGame:
    return StepwiseGame(spec.build(), load_dataset(spec.dataset), spec.train)


def played(moves: str, spec: RunSpec) -> StepwiseGame:
    hand = by_hand(spec)
    for letter in moves:
        hand.move(letter)
    return hand


def weights(hand: StepwiseGame) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in hand.family.named_parameters()}


def lasting_state(training: Training) -> dict[str, Tensor]:
    """Return all that the next steps depend on: neither the time nor the table of losses."""
    state = training.state().items()
    return {key: value for key, value in state if not key.startswith(("seconds", "curve"))}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@every_rule
@pytest.mark.parametrize(("letter", "player"), [("D", "discriminator"), ("G", "generator")])
def test_a_move_of_one_player_moves_all_its_weights_and_none_of_the_other(letter, player, rules):
    hand = by_hand(game(**rules))
    before = weights(hand)
    hand.move(letter)
    moved = {
        name for name, weight in weights(hand).items() if not torch.equal(weight, before[name])
    }
    own = {name for name in before if name.startswith(player)}
    assert moved <= own
    # the last bias of a relativistic discriminator cancels out
    assert moved == own or rules.get("loss") == "relativistic"


@every_rule
def test_moves_of_both_are_the_steps_of_training_bit_for_bit(rules):
    spec = game(epochs=4, **rules)
    training = Training(spec.build(), load_dataset("ring").train, spec.train)
    hand = by_hand(spec)
    for _ in range(3):
        training.advance()
        hand.move("B")
        hand.preview()
        assert same(lasting_state(hand.training), lasting_state(training))
        assert hand.losses() == training.curve.losses_of(training.step)


def test_the_discriminator_moves_first_so_that_alone_it_moves_as_with_the_generator():
    alone, both = weights(played("D", game())), weights(played("B", game()))
    for name, weight in alone.items():
        assert torch.equal(weight, both[name]) == name.startswith("discriminator")


@every_rule
def test_the_same_letters_are_the_same_game_and_others_another(rules):
    one, other = played("DGB", game(**rules)), played("DGB", game(**rules))
    assert same(lasting_state(one.training), lasting_state(other.training))
    assert torch.equal(one.preview(), other.preview())
    assert not same(weights(one), weights(played("GDB", game(**rules))))


@every_rule
def test_looking_changes_nothing(rules):
    hand = played("DB", game(**rules))
    before = lasting_state(hand.training)
    assert torch.equal(hand.preview(), hand.preview())
    assert same(lasting_state(hand.training), before)
    assert hand.family.training


@pytest.fixture(scope="module")
def run() -> Run:
    """Return a run of four steps."""
    *_, run = perform(game(batch_size=4096), CPU)
    assert isinstance(run, Run)
    return run


def test_a_trained_game_is_gone_on_with_and_stays_what_it_was(run):
    reference = {name: value.clone() for name, value in run.family.state_dict().items()}
    hand = StepwiseGame(run.family, load_dataset(run.spec.dataset), run.spec.train)
    assert same(dict(hand.family.state_dict()), reference)
    assert torch.equal(hand.preview(), run.snapshots[-1].images)
    hand.move("B")
    assert not torch.equal(hand.preview(), run.snapshots[-1].images)
    assert same(dict(run.family.state_dict()), reference)
    assert not any(weight.requires_grad for weight in run.family.parameters())


@pytest.mark.parametrize("moves", ["B" * 6, "DG" * 3])
def test_a_game_goes_on_when_its_recipe_has_ended(moves):
    hand = played(moves, game(batch_size=4096))  # a recipe of four steps
    assert hand.training.step == 6
    assert all(math.isfinite(value) for value in hand.losses().values())


@pytest.mark.parametrize("family", ["stacked", "vae"])
def test_what_has_no_two_players_is_no_game(family):
    with pytest.raises(TypeError, match="is no game of two players"):
        by_hand(RunSpec.of_preset(family, dataset="digits"))


def test_the_losses_are_those_of_the_curve():
    hand, sentence = by_hand(game(loss="relativistic", r1=0.1)), []
    hand.training.curve.window = 1
    for letter in "DGBGD":
        hand.move(letter)
        rows = hand.training.curve.read(hand.training.step)
        assert rows[-1].step == hand.training.step
        sentence.append(hand.losses())
        assert list(hand.losses()) == ["discriminator", "R1", "generator"]
    rows = hand.training.curve.read(5)
    assert [row.losses for row in rows] == [pytest.approx(losses) for losses in sentence]
    still = {"D": {"generator"}, "G": {"discriminator"}, "B": set()}
    for row, letter in zip(rows, "DGBGD", strict=True):
        assert {name for name, norm in row.gradients.items() if norm == 0} == still[letter]


def test_a_discriminator_that_only_guesses_costs_each_player_its_part_of_the_game_s_value():
    hand = by_hand(game())
    with torch.no_grad():
        for weight in hand.family.discriminator.parameters():
            weight.zero_()
    before = weights(hand)
    hand.move("G")
    expected = {"discriminator": 2 * math.log(2), "generator": math.log(2)}
    assert hand.losses() == pytest.approx(expected)
    assert same(weights(hand), before), "a field without slope pulls nowhere"
    assert hand.training.curve.read(1)[-1].gradients == {"discriminator": 0, "generator": 0}


@every_rule
def test_slow_motion_shows_what_each_phase_changes(rules):
    hand = played("BD", game(**rules))
    before = hand.preview()
    parts = hand.slow_motion()
    counts = [re.match(r"Phase (\d), (\d) of (\d)\.", part.caption).groups() for part in parts]
    assert counts == [("1", str(i), "5") for i in range(1, 6)] + [
        ("2", str(i), "4") for i in range(1, 5)
    ]
    for part in parts[:4]:
        assert torch.equal(part.shown, before)
    samples, bent, field = zip(*(part.shown.chunk(3) for part in parts), strict=True)
    for place in (4, 5, 6):
        assert torch.equal(parts[place].shown, parts[4].shown)
        assert torch.equal(samples[place], samples[0]), "G waits"
        assert torch.equal(bent[place], bent[0])
        assert not torch.equal(field[place], field[0])
    assert not torch.equal(samples[7], samples[6])
    assert torch.equal(bent[7], bent[6])
    assert torch.equal(field[7], field[6])
    assert not torch.equal(samples[8], samples[6])
    assert not torch.equal(bent[8], bent[6])
    # where no logit is the border, the samples are judged too to find it
    torch.testing.assert_close(field[8], field[6], atol=1e-4, rtol=0)
    assert torch.equal(parts[8].shown, hand.preview())


def test_slow_motion_tells_the_loss_of_each_player_when_it_moves():
    hand = played("BB", game())
    parts = hand.slow_motion()
    losses_of = hand.training.curve.losses_of
    assert f"{losses_of(3)['discriminator']:.3f}" in parts[3].caption
    assert f"{losses_of(4)['generator']:.3f}" in parts[6].caption


@every_rule
def test_slow_motion_is_a_move_of_each_player(rules):
    slow, moved = played("B", game(**rules)), played("BDG", game(**rules))
    slow.slow_motion()
    assert same(weights(slow), weights(moved))


@pytest.mark.parametrize("moves", ["", "D" * 20, "B" * 20])
def test_each_point_is_pulled_uphill_in_the_field_and_the_strongest_by_what_is_said(moves):
    hand = played(moves, game())
    parts = hand.slow_motion()  # whose second half moves G alone: D is still the one that pulls
    start, end = (parts[place].shown.chunk(3)[0] for place in (6, 7))
    hand.family.eval()
    with torch.no_grad():
        low, high = hand.family.discriminate(start), hand.family.discriminate(end)
        near = hand.family.discriminate(start + 1e-2 * (end - start))
    assert high.mean() > low.mean()
    assert (near >= low - 1e-6).all(), "each for itself, as far as the slope holds"
    far = (end - start).flatten(1).norm(dim=1)
    reach = PULL * float(hand.showcase.std())
    assert float(far.quantile(0.9)) == pytest.approx(min(reach, 1), rel=0.01)


def test_the_page_s_game_is_the_one_that_was_played_from_its_first_letter():
    """It keeps states on the way, and plays only the last letters anew."""
    spec = game(replay=256, instance_noise=0.1, r1=0.1)
    for moves in ("", "D", "DGB" * 7, "DGB" * 15, "B" * step_by_step.STRIDE):
        actual = step_by_step._played(spec, None, moves)
        assert same(lasting_state(actual.training), lasting_state(played(moves, spec).training))
        assert actual.losses() == played(moves, spec).losses()


def asking() -> None:
    import streamlit as st

    from ui.adversarial.step_by_step import _asked

    st.text("/" + _asked("gan2d"))


@pytest.mark.parametrize(
    ("asked", "moves"),
    [("", ""), ("DGB", "DGB"), ("D<b>G dgb\x00B1", "DGB"), ("B" * 1000, "B" * step_by_step.MOST)],
)
def test_only_moves_are_taken_from_the_address_and_not_too_many(asked, moves):
    app = AppTest.from_function(asking)
    app.query_params["gan2d.moves"] = asked
    app.run(timeout=30)
    assert app.text[0].value == "/" + moves


def images(count: int = 20) -> Tensor:
    return torch.randint(0, 256, (count, *SHAPE), generator=generator(9)).to(torch.uint8)


@pytest.mark.parametrize("clip", [0.0, 1e-3])
def test_the_norm_of_a_gradient_is_its_closed_form_whether_it_is_clipped_or_not(clip):
    """Of the mean square of r = W x + b − x it is 2 / n Σ r xᵀ / 16, and the same for b."""
    recipe = TrainConfig(optimizer="sgd", learning_rate=0.05, batch_size=20, epochs=6, clip=clip)
    training = Training(initialized(Copier), images(), recipe)
    x = to_float(images()).flatten(1).double().numpy()
    for step in range(6):
        net = training.family.net
        weight, bias = net.weight.detach().double().numpy(), net.bias.detach().double().numpy()
        rest = x @ weight.T + bias - x
        squared_gradient_norm = 2 * rest.T @ x / rest.size, 2 * rest.sum(0) / rest.size
        expected = math.sqrt(sum(np.square(slope).sum() for slope in squared_gradient_norm))
        training.advance()
        row = training.curve.read(step + 1)[-1]
        assert row.gradients == {"copier": pytest.approx(expected, rel=1e-4)}
        assert row.losses == {"mse": pytest.approx(np.square(rest).mean(), rel=1e-4)}


@pytest.mark.parametrize("moving", ["critic", "maker"])
def test_who_does_not_move_has_no_gradient(moving):
    recipe = TrainConfig(optimizer="adam", learning_rate=0.01, batch_size=5, epochs=1)
    training = Training(initialized(Duel), images(), recipe)
    training.moving = frozenset({moving})
    for _ in range(4):
        training.advance()
    for row in training.curve.read(4):
        assert {name for name, norm in row.gradients.items() if norm > 0} == {moving}
        assert set(row.gradients) == {"critic", "maker"}


LOSSES = ("z", "discriminator", "a")  # not in alphabetical order, which files may change
NORMS = ("y", "discriminator")  # a loss and a player may have the same name


def write(curve: Curve, done: int, values: Tensor) -> None:
    losses = dict(zip(LOSSES, values[:3], strict=True))
    curve.write(torch.tensor(done), losses, dict(zip(NORMS, values[3:], strict=True)))


def begun(steps: int) -> Curve:
    curve = Curve(CPU, steps)
    curve.begin("only", 0, steps)
    return curve


def straight(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return state


def through_a_file(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return load(save({key: value.clone() for key, value in state.items()}))


def backwards(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(reversed(state.items()))


@pytest.mark.parametrize("way", [straight, through_a_file, backwards])
def test_a_curve_that_comes_back_keeps_losses_and_gradients_apart_and_goes_on(way):
    values = torch.rand(9, 5, generator=generator(3))
    whole, half = begun(9), begun(9)
    for done in range(9):
        write(whole, done, values[done])
    for done in range(5):
        write(half, done, values[done])
    again = begun(9)
    again.restore(way(half.state()))
    assert again.read(5) == whole.read(5)
    losses = dict(zip(LOSSES, values[2, :3].tolist(), strict=True))
    norms = dict(zip(NORMS, values[2, 3:].tolist(), strict=True))
    assert again.read(5)[2].losses == pytest.approx(losses)
    assert again.read(5)[2].gradients == pytest.approx(norms)
    assert again.losses_of(5) == whole.losses_of(5)
    for done in range(5, 9):
        write(again, done, values[done])
    assert again.read(9) == whole.read(9)
    assert float(again.worst) == float(whole.worst)


def test_one_step_of_a_curve_is_read_as_it_was_written_and_of_an_empty_one_nothing():
    curve = begun(500)  # whose rows are means over several steps
    assert curve.losses_of(0) == {}
    values = torch.rand(500, 5, generator=generator(4))
    for done in range(500):
        write(curve, done, values[done])
    for step in (1, 2, 250, 500):
        expected = dict(zip(LOSSES, values[step - 1, :3].tolist(), strict=True))
        assert curve.losses_of(step) == pytest.approx(expected)


def test_a_step_of_a_later_stage_is_counted_from_the_first_stage_on():
    curve = Curve(CPU, 7)
    one = partial(torch.tensor, dtype=torch.float32)
    curve.begin("low", 0, 3)
    for done in range(3):
        curve.write(torch.tensor(done), {"mse": one(10 + done)}, {"low": one(0)})
    curve.begin("high", 3, 4)
    for done in range(4):
        curve.write(torch.tensor(done), {"z": one(20 + done)}, {"high": one(1)})
    assert [curve.losses_of(step) for step in (4, 7)] == [{"z": 20}, {"z": 23}]
    assert [row.gradients for row in curve.read(7)] == [{"low": 0}] * 3 + [{"high": 1}] * 4


def test_a_plane_game_keeps_its_curve_through_a_checkpoint_in_a_file():
    """Its losses are discriminator, R1, generator in that order, its players nearly the same."""
    spec = game(r1=0.1)
    data = load_dataset("ring").train
    whole, half = (Training(spec.build(), data, spec.train) for _ in range(2))
    for _ in range(6):
        whole.advance()
    for _ in range(3):
        half.advance()
    again = Training(spec.build(), data, spec.train)
    assert isinstance(again.family, PlaneGAN)
    again.restore(load(save(half.state())))
    for _ in range(3):
        again.advance()
    assert again.curve.read(6) == whole.curve.read(6)
