import itertools
from typing import get_args

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim import AdamW

from genlib.config import Optimizer, TrainConfig
from genlib.family import Batch, Stage, to_float
from genlib.rng import generator
from genlib.training.events import Diverged, Finished, Snapshot, Step
from genlib.training.loop import SNAPSHOTS, Training, snapshot_steps, train
from genlib.training.optimizers import average_rates, rate_factors
from tests.support.second_device import CARDS, on_card
from tests.support.toys import SHAPE, Bomb, Copier, Denoiser, Duel, Stacker, Toy, initialized

COUNT = 20
IMAGES = torch.randint(0, 256, (COUNT, *SHAPE), generator=generator(9)).to(torch.uint8)
LEVELS = torch.arange(COUNT, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, *SHAPE)
FULL = TrainConfig(optimizer="adamw", learning_rate=0.01, batch_size=COUNT, epochs=15)
EVERY = pytest.mark.parametrize("optimizer", get_args(Optimizer))


def finish(run: Training) -> Training:
    while run.step < run.steps:
        run.advance()
    return run


def lasting_state(run: Training) -> dict[str, Tensor]:
    return {key: value for key, value in run.state().items() if key != "seconds"}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def events(family: Toy, config: TrainConfig, images: Tensor = IMAGES, **more) -> list:
    return list(train(family, images, images[:5], images[:3], config, **more))


def test_events_come_in_order_and_count_every_step():
    config = TrainConfig(batch_size=5, epochs=6)
    seen = events(initialized(Copier), config)
    steps = [event.step for event in seen if isinstance(event, Step)]
    looks = [event.step for event in seen if isinstance(event, Snapshot)]
    assert steps == list(range(1, 25))
    assert looks == sorted(snapshot_steps(24))
    assert isinstance(seen[0], Snapshot)
    assert [type(event) for event in seen[-2:]] == [Snapshot, Finished]
    assert seen[-1].seconds > 0
    assert torch.equal(seen[0].images, IMAGES[:3])
    expected = float(to_float(IMAGES[:5]).mean())
    assert seen[0].figures == {"mean": pytest.approx(expected)}


@pytest.mark.parametrize("steps", [1, 2, 23, 24, 100, 10_000])
def test_snapshots_are_at_both_ends_and_denser_at_the_start(steps):
    marks = sorted(snapshot_steps(steps))
    gaps = torch.tensor(marks).diff()
    assert (marks[0], marks[-1]) == (0, steps)
    assert len(marks) <= SNAPSHOTS
    if steps >= 1_000:
        assert len(marks) == SNAPSHOTS
        assert (gaps.diff() >= -1).all()


@pytest.mark.parametrize("stop", [1, 2, 7])
def test_closing_the_generator_stops_at_once(stop):
    family = initialized(Copier)
    run = train(family, IMAGES, IMAGES, IMAGES, TrainConfig(batch_size=2, epochs=9))
    steps = (event for event in run if isinstance(event, Step))
    last = next(itertools.islice(steps, stop - 1, None))
    run.close()
    assert last.step == stop
    assert len(family.batches) == stop
    assert list(run) == []


ONE = (Stage("train", 1.0),)
THREE = (Stage("a", 0.3), Stage("b", 0.3), Stage("c", 0.4))


@pytest.mark.parametrize("stages", [ONE, THREE], ids=["one stage", "three stages"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1001.0, -1e30])
@pytest.mark.parametrize("when", [2, 5, 6, 11, 12, 14, 23, 24, 38, 40])
def test_divergence_is_noticed_within_ten_steps(when, value, stages):
    """Each happens in one step alone; 12 and 24 are the last steps of two stages."""
    family = Bomb({when}, value, stages)
    *_, last = events(family, TrainConfig(batch_size=5, epochs=10, learning_rate=0.3))
    assert isinstance(last, Diverged)
    assert when <= last.step <= when + 10
    assert family.steps == last.step
    assert "0.3" in last.sentence


def test_a_loss_that_is_not_finite_from_the_start_has_diverged():
    *_, last = events(Bomb({1}, float("nan"), ONE), TrainConfig(batch_size=5, epochs=10))
    assert isinstance(last, Diverged)
    assert last.step <= 10


def test_a_learning_rate_that_is_too_large_diverges_by_itself():
    config = TrainConfig(optimizer="sgd", learning_rate=10, batch_size=4, epochs=50)
    *_, last = events(initialized(Copier), config)
    assert isinstance(last, Diverged)
    assert last.step < 100


@pytest.mark.parametrize("optimizer", ["muon", "adam", "nadam", "rmsprop", "sgd"])
def test_a_constant_loss_moves_nothing_and_is_no_divergence(optimizer):
    family = Bomb(set(), 0.0, ONE)
    start = [weight.detach().clone() for weight in family.parameters()]
    *_, last = events(family, TrainConfig(optimizer=optimizer, batch_size=5))
    assert isinstance(last, Finished)
    assert {row.losses["loss"] for row in last.curve.read(1000)} == {1.0}
    for weight, before in zip(last.family.parameters(), start, strict=True):
        torch.testing.assert_close(weight, before)  # the average of equals, rounded


@EVERY
@pytest.mark.parametrize("make", [Denoiser, Stacker, Duel])
def test_going_on_from_any_step_gives_the_same_bits(make, optimizer):
    config = TrainConfig(
        optimizer=optimizer, learning_rate=0.01, batch_size=6, epochs=3, ema=0.9, clip=1
    )
    whole, states = Training(initialized(make), IMAGES, config), []
    while whole.step < whole.steps:
        states.append(save(whole.state()))
        whole.advance()
    assert len(states) == 9
    end = lasting_state(whole)
    for state in states:
        again = Training(initialized(make, seed=5), IMAGES, config)
        again.restore(load(state))
        assert same(lasting_state(again), {k: v for k, v in load(state).items() if k != "seconds"})
        assert same(lasting_state(finish(again)), end)
    rows = again.curve.read(again.steps)
    assert rows == whole.curve.read(whole.steps)


def test_train_goes_on_from_a_checkpoint_and_counts_its_seconds():
    config = TrainConfig(batch_size=6, epochs=4, optimizer="nadam", learning_rate=0.01)
    run = Training(initialized(Denoiser), IMAGES, config)
    for _ in range(5):
        run.advance()
    run.started -= 1_000
    state = run.state()
    *_, whole = events(initialized(Denoiser), config)
    resumed = events(initialized(Denoiser, seed=5), config, state=state)
    assert next(event.step for event in resumed if isinstance(event, Step)) == 6
    assert same(whole.family.state_dict(), resumed[-1].family.state_dict())
    assert 1_000 < resumed[-1].seconds < 1_100


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    ends = []
    for seed in (0, 0, 1):
        config = TrainConfig(batch_size=6, epochs=3, seed=seed)
        ends.append(lasting_state(finish(Training(initialized(Denoiser), IMAGES, config))))
        torch.rand(7)
    assert same(ends[0], ends[1])
    assert not torch.equal(ends[0]["family.net.0.weight"], ends[2]["family.net.0.weight"])


def by_hand(family: Toy, config: TrainConfig) -> Toy:
    """Train full batches as anyone would write it: AdamW with the schedule in `lr`."""
    batch, rng = Batch(to_float(IMAGES)), generator(config.seed)
    players = family.players("train")
    optimizers = {
        name: AdamW(player.parameters(), lr=config.learning_rate)
        for name, player in players.items()
    }
    for factor in rate_factors(config, config.epochs).tolist():
        for name, losses in family.updates(batch, rng):
            (group,) = optimizers[name].param_groups
            group["lr"] = config.learning_rate * factor
            family.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            nn.utils.clip_grad_norm_(players[name].parameters(), config.clip)
            optimizers[name].step()
    return family


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
@pytest.mark.parametrize("make", [Copier, Duel])
def test_the_loop_is_the_one_that_anyone_would_write(make, decay):
    config = FULL.model_copy(update={"decay": decay, "warmup": 0.2, "clip": 0.05})
    mine = finish(Training(initialized(make), IMAGES, config)).family
    theirs = by_hand(initialized(make), config)
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@EVERY
def test_each_player_moves_by_its_own_update_alone(optimizer):
    family = initialized(Duel)
    config = TrainConfig(optimizer=optimizer, learning_rate=0.01, batch_size=6, epochs=2)
    finish(Training(family, IMAGES, config))
    assert len(family.snapshots) == 3 * 6
    for start, after_critic, after_maker in zip(*[iter(family.snapshots)] * 3, strict=True):
        for name in start:
            assert torch.equal(start[name], after_critic[name]) == name.startswith("maker")
            assert torch.equal(after_critic[name], after_maker[name]) == name.startswith("critic")


def test_only_the_stage_that_is_on_moves():
    family = initialized(Stacker)
    run = Training(family, IMAGES, TrainConfig(batch_size=5, epochs=5))
    start = {name: value.clone() for name, value in family.state_dict().items()}
    stages = []
    for _ in range(run.steps):
        before = {name: value.clone() for name, value in family.state_dict().items()}
        run.advance()
        stages.append(run.stage_name)
        for name, value in family.state_dict().items():
            assert torch.equal(value, before[name]) != name.startswith(run.stage_name)
    assert stages == ["outer"] * 8 + ["inner"] * 12
    for name, value in family.state_dict().items():
        assert not torch.equal(value, start[name])
    assert {row.stage: list(row.losses) for row in run.curve.read(run.steps)} == {
        "outer": ["mse"],
        "inner": ["inner_mse"],
    }


@pytest.mark.parametrize("ema", [0.5, 0.97])
def test_the_average_is_its_closed_form(ema):
    run = Training(initialized(Copier), IMAGES, FULL.model_copy(update={"ema": ema}))
    expected = run.family.net.weight.detach().double()
    for rate in average_rates(run.config, run.steps).double():
        run.advance()
        expected = expected + rate * (run.family.net.weight.detach().double() - expected)
    torch.testing.assert_close(run.average.net.weight.double(), expected, rtol=1e-5, atol=1e-7)
    assert not torch.equal(run.average.net.weight, run.family.net.weight)


def test_without_averaging_the_last_weights_are_kept():
    run = finish(Training(initialized(Copier), IMAGES, FULL.model_copy(update={"ema": 0.0})))
    assert run.average is run.family
    assert all(weight.requires_grad for weight in run.average.parameters())


@pytest.mark.parametrize("make", [Copier, Stacker], ids=["one stage", "stages change mid-epoch"])
@pytest.mark.parametrize("batch_size", [1, 4, 6, 20, 64])
def test_an_epoch_shows_each_picture_once(make, batch_size):
    family = initialized(make)
    config = TrainConfig(batch_size=batch_size, epochs=3)
    run = finish(Training(family, LEVELS, config))
    whole = COUNT // run.batch_size * run.batch_size
    shown = torch.cat([batch[:, 0, 0, 0] for batch in family.batches]).mul(255).round().int()
    epochs = shown.view(3, whole)
    for order in epochs:
        assert len(set(order.tolist())) == whole
        assert set(order.tolist()) <= set(range(COUNT))
    assert epochs[0].tolist() != epochs[1].tolist() != epochs[2].tolist()


def test_with_few_pictures_no_other_is_seen():
    family = initialized(Copier)
    finish(Training(family, LEVELS, TrainConfig(batch_size=4, epochs=4, pictures=8)))
    shown = torch.cat(family.batches)[:, 0, 0, 0].mul(255).round()
    assert shown.unique().tolist() == list(range(8))


def test_bfloat16_computes_the_forward_pass_and_keeps_float32_weights():
    family = initialized(Copier)
    config = FULL.model_copy(update={"precision": "bfloat16", "epochs": 200})
    run = finish(Training(family, IMAGES, config))
    assert set(family.seen) == {torch.bfloat16}
    assert {weight.dtype for weight in family.parameters()} == {torch.float32}
    rows = run.curve.read(run.steps)
    assert rows[-1].losses["mse"] < rows[0].losses["mse"] / 2
    plain = initialized(Copier)
    finish(Training(plain, IMAGES, FULL.model_copy(update={"precision": "float32"})))
    assert set(plain.seen) == {torch.float32}


@EVERY
@pytest.mark.parametrize("card", CARDS)
def test_the_cuda_graph_steps_as_the_cpu_does_through_both_stages(optimizer, card):
    """Full batches: the order, which is drawn on the device, then makes no difference."""
    config = FULL.model_copy(
        update={"optimizer": optimizer, "precision": "float32", "epochs": 30, "clip": 1.0}
    )
    slow = finish(Training(initialized(Stacker), IMAGES, config))
    with on_card(card):
        fast = Training(initialized(Stacker).to(card), IMAGES.to(card), config)
        graphs = set()
        while fast.step < fast.steps:
            fast.advance()
            graphs |= {id(fast.graph_step.graph)} if fast.graph_step.graph else set()
        weights = {name: value.cpu() for name, value in fast.average.state_dict().items()}
        rows = fast.curve.read(fast.steps)
    assert len(graphs) == 2
    for name, value in slow.average.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-2, atol=1e-3)
    for mine, theirs in zip(rows, slow.curve.read(slow.steps), strict=True):
        assert mine.losses == pytest.approx(theirs.losses, rel=1e-2)
