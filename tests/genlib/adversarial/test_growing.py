"""Blocks and families that grow: each is its formula, and nothing is shaken where one begins."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.stats import kstest, norm
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from genlib.adversarial.config import GrowingConfig
from genlib.adversarial.growing import GrowingGAN, channels
from genlib.adversarial.levels import SMALLEST, GrowthState, cropped, padded, sides, true_pixels
from genlib.config import TrainConfig
from genlib.family import Batch
from genlib.models.progressive.config import ProgressiveConfig
from genlib.models.progressive.model import ProgressiveGAN
from genlib.models.stylegan.config import StyleGANConfig
from genlib.models.stylegan.model import StyleGAN
from genlib.nn import MinibatchStd, NoiseInjection, PixelNorm, equalise, fade_in
from genlib.rng import build, generator
from genlib.runs.cost import multiply_adds
from genlib.runs.spec import RunSpec
from genlib.training.events import Finished, Snapshot, Step
from genlib.training.loop import Training, train
from tests.support.toys import Stacker, initialized

SHAPE = (1, 16, 16)  # three levels
RECIPE = TrainConfig(  # of 28 steps, for shares of 4 / 28, 8 / 28 and 16 / 28
    optimizer="adam", momentum=0.0, learning_rate=1e-3, batch_size=4, epochs=7, ema=0.9
)
IMAGES = torch.randint(0, 256, (16, *SHAPE), generator=generator(9)).to(torch.uint8)
TINY = {"filters": 4, "most_filters": 16, "codings": 5}
KINDS = {
    "progressive": (ProgressiveGAN, ProgressiveConfig, TINY),
    "stylegan": (StyleGAN, StyleGANConfig, TINY | {"width": 8, "mapping": 2}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def growing(kind: str, shape: tuple[int, int, int] = SHAPE, seed: int = 0, **knobs) -> GrowingGAN:
    """Return a tiny GAN, whose noise, if it has any, can be seen."""
    make, config, tiny = KINDS[kind]
    family = build(lambda: make(config(**tiny, **knobs), shape), seed)
    for layer in family.modules():
        if isinstance(layer, NoiseInjection):
            nn.init.constant_(layer.scale, 0.3)
    return family


def wide(fan_in: int) -> nn.Module:
    """Return a layer with that fan-in and more than 20,000 weights."""
    if fan_in % 9:
        return build(lambda: nn.Linear(fan_in, -(-30_000 // fan_in)), 0)
    return build(lambda: nn.Conv2d(fan_in // 9, -(-30_000 // fan_in), 3), 0)


@pytest.mark.parametrize("pace", [1.0, 0.01])
@pytest.mark.parametrize("at_run_time", [True, False])
@pytest.mark.parametrize("fan_in", [5, 64, 144, 512, 1152])
def test_weights_have_he_s_size_where_they_are_used(fan_in, at_run_time, pace):
    layer = wide(fan_in)
    equalise(layer, at_run_time=at_run_time, pace=pace)
    drawn = layer.parametrizations.weight.original if at_run_time else layer.weight
    bound = 5 * math.sqrt(2 / drawn.numel())  # five standard errors of a variance
    expected = 1 / pace**2 if at_run_time else 2 / fan_in
    assert layer.weight.var().item() == pytest.approx(2 / fan_in, rel=bound)
    assert drawn.var().item() == pytest.approx(expected, rel=bound)
    assert parametrize.is_parametrized(layer) == at_run_time
    assert not layer.bias.any()


@pytest.mark.parametrize("at_run_time", [True, False])
def test_what_an_equalised_layer_gives_is_normal_whichever_way(at_run_time):
    layer, x = build(lambda: nn.Linear(50, 5_000), 0), normal(50)
    equalise(layer, at_run_time=at_run_time)
    expected = norm(0, math.sqrt(2 / 50) * float(x.norm()))
    assert kstest(layer(x).detach().numpy(), expected.cdf).pvalue > 0.001


@pytest.mark.parametrize("at_run_time", [True, False])
def test_a_deep_equalised_network_neither_swells_nor_fades(at_run_time):
    stack = lambda: nn.Sequential(  # noqa: E731
        *(layer for _ in range(10) for layer in (nn.Linear(512, 512), nn.ReLU()))
    )
    plain, equalised, x = build(stack, 0), build(stack, 0), normal(20, 512)
    equalise(equalised, at_run_time=at_run_time)
    assert 0.5 < equalised[:-1](x).var().item() < 8  # 2 in the limit of wide layers
    assert plain[:-1](x).var().item() < 0.01


@pytest.mark.parametrize(("fan_in", "pace"), [(4, 1.0), (400, 1.0), (400, 0.01)])
def test_a_step_of_adam_moves_each_equalised_weight_by_the_rate_times_its_scale(fan_in, pace):
    layer = build(lambda: nn.Linear(fan_in, 3), 0)
    equalise(layer, pace=pace)
    before, rate = layer.weight.detach().clone(), 0.5
    adam = torch.optim.Adam(layer.parameters(), lr=rate)
    (1e3 * layer.weight * normal(3, fan_in).sign()).sum().backward()
    adam.step()
    moved = (layer.weight - before).abs()
    expected = rate * pace * math.sqrt(2 / fan_in)
    torch.testing.assert_close(moved, torch.full_like(moved, expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 4, 5)])
def test_pixel_norm_is_the_root_mean_square_norm_over_channels(shape):
    x = 10 * normal(*shape)
    actual = PixelNorm()(x)
    torch.testing.assert_close(actual.square().mean(1), torch.ones_like(actual[:, 0]))
    torch.testing.assert_close(PixelNorm()(1_000 * x), actual)
    expected = F.rms_norm(x.movedim(1, -1), (7,), eps=1e-8).movedim(-1, 1)
    torch.testing.assert_close(actual, expected)


def test_pixel_norm_leaves_nothing_where_there_is_nothing():
    assert not PixelNorm()(torch.zeros(2, 3, 4, 4)).any()


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 123.456])
def test_a_batch_of_equals_differs_by_exactly_nothing_and_all_slopes_are_finite(batch, value):
    """Of such a batch the mean is rounded, and R1 would see a slope of the slope of 10⁸."""
    x = torch.full((batch, 3, 4, 4), value, requires_grad=True)
    spread = MinibatchStd()(x)[:, -1]
    assert torch.equal(spread, torch.zeros(batch, 4, 4))
    (slope,) = torch.autograd.grad(spread.sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad((slope * normal(*x.shape)).sum(), x)
    assert slope.abs().max() < 10
    assert curvature.abs().max() < 10


@pytest.mark.parametrize("batch", [2, 5])
def test_the_map_of_a_batch_is_the_mean_of_its_standard_deviations(batch):
    x = normal(batch, 3, 4, 5)
    actual = MinibatchStd()(x)
    assert actual.shape == (batch, 4, 4, 5)
    assert torch.equal(actual[:, :3], x)
    expected = x.std(0, unbiased=False).mean()
    torch.testing.assert_close(actual[:, 3], expected.expand(batch, 4, 5))
    order = torch.randperm(batch, generator=generator(1))
    torch.testing.assert_close(MinibatchStd()(x[order])[:, 3], actual[:, 3])


def test_the_slopes_of_the_minibatch_standard_deviation_are_those_of_small_steps():
    x = normal(3, 2, 2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(MinibatchStd(), x)
    assert torch.autograd.gradgradcheck(MinibatchStd(), x)


def test_fading_in_goes_straight_from_the_repeated_pixels_to_the_new_ones():
    old, new = normal(2, 3, 4, 4), normal(2, 3, 8, 8, seed=1)
    up = old.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(fade_in(old, new, 0.0), up)
    assert torch.equal(fade_in(old, new, 1.0), new)
    for alpha in (0.25, 0.7):
        expected = (1 - alpha) * up + alpha * new
        torch.testing.assert_close(fade_in(old, new, alpha), expected)
        torch.testing.assert_close(fade_in(old, new, torch.tensor(alpha)), expected)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 5, 9), (1, 16, 3)])
def test_what_is_padded_is_cropped_again(shape):
    x, side = normal(2, *shape), sides(shape)[-1]
    whole = padded(x, side)
    assert whole.shape == (2, shape[0], side, side)
    assert torch.equal(cropped(whole, shape), x)
    assert int((whole != 0).sum()) == x.numel()


@pytest.mark.parametrize(
    ("side", "levels"), [(4, 1), (5, 2), (8, 2), (9, 3), (28, 4), (32, 4), (33, 5)]
)
def test_sides_double_until_the_picture_fits(side, levels):
    for shape in ((1, side, side), (3, 2, side), (1, side, 1)):
        assert sides(shape) == [4 * 2**level for level in range(levels)]


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (1, 5, 9), (1, 13, 3)])
def test_true_pixels_are_all_that_one_can_see_of_a_level_each_once(shape):
    *_, whole = levels = sides(shape)
    for side in levels:
        numbers = torch.arange(float(side**2)).view(1, 1, side, side)
        x = cropped(F.interpolate(numbers, whole), shape)
        assert true_pixels(x, side).flatten().tolist() == x.unique().tolist()


@pytest.mark.parametrize(("filters", "most"), [(4, 16), (16, 64), (64, 16), (8, 512)])
@pytest.mark.parametrize("levels", [1, 2, 4])
def test_filters_double_with_each_halving_up_to_the_most(filters, most, levels):
    counts = channels(GrowingConfig(filters=filters, most_filters=most), levels)
    assert len(counts) == levels
    assert counts[-1] == min(filters, most)
    assert all(wide == min(2 * narrow, most) for wide, narrow in pairwise(counts))


@every_kind
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 16), (1, 28, 28)])
def test_a_new_level_of_the_generator_changes_nothing_at_first(kind, shape):
    family = growing(kind, shape).double().eval()
    z = normal(3, family.codings).double()
    with torch.no_grad():
        for level in range(1, len(family.sides)):
            before, after = (family.generator(z, GrowthState(each)) for each in (level - 1, level))
            at = [
                family.generator(z, GrowthState(level, torch.tensor(a))) for a in (0.0, 0.5, 1.0)
            ]
            assert before.shape == after.shape == (3, *shape)
            torch.testing.assert_close(at[0], before)
            torch.testing.assert_close(at[2], after)
            torch.testing.assert_close(at[1].logit(), (before.logit() + after.logit()) / 2)
            assert not torch.allclose(before, after)


@every_kind
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 32, 32)])
def test_a_level_draws_pixels_of_its_own_size(kind, shape):
    family = growing(kind, shape).eval()
    with torch.no_grad():
        for level, side in enumerate(family.sides):
            x, pixel = (
                family.generator(normal(2, family.codings), GrowthState(level)),
                shape[1] // side,
            )
            small = x[:, :, ::pixel, ::pixel]
            assert small.shape[2:] == (side, side)
            assert torch.equal(x, small.repeat_interleave(pixel, 2).repeat_interleave(pixel, 3))
            assert side == SMALLEST or (small.diff(dim=3) != 0).all()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 16), (1, 28, 28)])
def test_a_new_level_of_the_discriminator_changes_nothing_at_first(shape):
    critic = growing("progressive", shape).discriminator
    x = torch.rand(5, *shape, generator=generator(0))
    with torch.no_grad():
        for level in range(1, len(critic.sides)):
            before, after = critic(x, GrowthState(level - 1)), critic(x, GrowthState(level))
            torch.testing.assert_close(critic(x, GrowthState(level, torch.tensor(0.0))), before)
            torch.testing.assert_close(critic(x, GrowthState(level, torch.tensor(1.0))), after)
            assert not torch.allclose(before, after)


def test_the_discriminator_sees_no_more_of_a_picture_than_its_level_shows():
    critic = growing("progressive").discriminator
    x = torch.rand(5, *SHAPE, generator=generator(0))
    with torch.no_grad():
        for level, side in enumerate(critic.sides):
            pixel = SHAPE[1] // side
            blurred = F.interpolate(F.avg_pool2d(x, pixel), SHAPE[1:])
            torch.testing.assert_close(
                critic(blurred, GrowthState(level)), critic(x, GrowthState(level))
            )
            if side > SMALLEST:
                coarser = F.interpolate(F.avg_pool2d(x, 2 * pixel), SHAPE[1:])
                assert not torch.allclose(
                    critic(coarser, GrowthState(level)), critic(x, GrowthState(level))
                )


@every_kind
def test_each_stage_takes_twice_as_long_as_the_one_before(kind):
    stages = growing(kind, (1, 28, 28)).stages()
    assert [stage.name for stage in stages] == ["4 × 4", "8 × 8", "16 × 16", "32 × 32"]
    assert sum(stage.share for stage in stages) == pytest.approx(1)
    for one, other in pairwise(stages):
        assert other.share == pytest.approx(2 * one.share)
    assert [stage.share for stage in growing(kind, growing=False).stages()] == [1.0]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "4 × 4, α = 1.00"),
        (3.9 / 60, "4 × 4, α = 1.00"),
        (4.00001 / 60, "8 × 8, α = 0.00"),
        (6 / 60, "8 × 8, α = 0.50"),  # half of the 4 / 60 in which it fades in
        (8.1 / 60, "8 × 8, α = 1.00"),
        (11.9 / 60, "8 × 8, α = 1.00"),
        (14 / 60, "16 × 16, α = 0.25"),
        (36 / 60, "32 × 32, α = 0.50"),
        (1.0, "32 × 32, α = 1.00"),
    ],
)
def test_a_phase_says_which_size_is_trained_and_how_far_it_has_faded_in(share, text):
    assert growing("progressive", (1, 28, 28)).phase(share) == text


def test_phases_go_through_all_stages_and_alpha_never_falls_within_one():
    family = growing("progressive", (1, 28, 28), fading=0.8)
    messages = [family.phase(index / 500).split(", α = ") for index in range(501)]
    names = [name for name, _ in messages]
    assert list(dict.fromkeys(names)) == [stage.name for stage in family.stages()]
    for stage in family.stages():
        alphas = [float(alpha) for name, alpha in messages if name == stage.name]
        assert alphas == sorted(alphas)
        assert alphas[-1] == 1
        assert len(alphas) == pytest.approx(500 * stage.share, abs=2)


def test_without_fading_in_each_size_is_there_at_once():
    family = growing("progressive", (1, 28, 28), fading=0.0)
    messages = {family.phase(share / 60) for share in range(61)}
    assert messages == {f"{stage.name}, α = 1.00" for stage in family.stages()}
    assert family.growth_state("8 × 8", 0.0) == GrowthState(1)


def test_a_family_with_one_stage_has_no_phases_and_one_with_more_names_them():
    assert {growing("stylegan", growing=False).phase(share) for share in (0.0, 0.5, 1.0)} == {""}
    stacker = initialized(Stacker)  # 40 % outer, 60 % inner
    assert [stacker.phase(share) for share in (0.0, 0.39, 0.41, 1.0)] == [
        *("outer", "outer", "inner", "inner")
    ]


@every_kind
@pytest.mark.parametrize("fading", [0.5, 0.0])
def test_players_hold_what_the_present_level_uses_and_nothing_else(kind, fading):
    family = growing(kind, fading=fading)
    names = {id(weight): name for name, weight in family.named_parameters()}
    for level, stage in enumerate(family.stages()):
        players = family.players(stage.name)
        held = {names[id(weight)] for each in players.values() for weight in each.parameters()}
        shown = range(max(0, level - (fading > 0)), level + 1)
        unused = [f".blocks.{above}." for above in range(level + 1, 3)]
        unused += [f".colours.{other}." for other in range(3) if other not in shown]
        assert held == {
            name for name in names.values() if not any(each in name for each in unused)
        }


@every_kind
def test_without_growing_all_is_there_from_the_first_step(kind):
    family = growing(kind, growing=False)
    players = family.players("train")
    held = {id(weight) for each in players.values() for weight in each.parameters()}
    assert held == {id(weight) for weight in family.parameters()}
    assert len(family.generator.colours) == len(family.discriminator.colours) == 1
    assert family.growth_state("train", 0.0) == GrowthState(2)


@every_kind
def test_training_goes_through_all_sizes_and_ends_fully_grown(kind):
    family = growing(kind)
    *events, last = train(family, IMAGES, IMAGES, IMAGES[:2], RECIPE)
    stages = [event.stage for event in events if isinstance(event, Step)]
    assert stages == ["4 × 4"] * 4 + ["8 × 8"] * 8 + ["16 × 16"] * 16
    assert isinstance(last, Finished)
    for each in (family, last.family):
        assert each.growth == (GrowthState(2),)
    looks = [event.images for event in events if isinstance(event, Snapshot)]
    coarse = looks[0]
    assert torch.equal(coarse[:, :, ::4, ::4].repeat_interleave(4, 2)[..., 0], coarse[..., 0])
    assert not torch.equal(looks[-1][:, :, ::2].repeat_interleave(2, 2), looks[-1])


@every_kind
def test_while_a_stage_trains_alpha_rises_in_its_first_half_and_higher_levels_wait(kind):
    run = Training(growing(kind), IMAGES, RECIPE)
    start = {name: weight.clone() for name, weight in run.family.state_dict().items()}
    alphas = []
    for _ in range(12):
        run.advance()
        with run.ema_model() as average:
            alphas.append(float(average.growth[0].alpha))
    assert alphas == [1.0] * 4 + [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]
    for name, weight in run.family.state_dict().items():
        waits = "blocks.2." in name or "colours.2." in name or "kept" in name
        assert torch.equal(weight, start[name]) == waits, name


def lasting_state(run: Training) -> dict[str, Tensor]:
    return {key: value for key, value in run.state().items() if key != "seconds"}


@every_kind
def test_going_on_from_the_middle_of_a_fade_gives_the_same_bits(kind):
    recipe, images = RECIPE.model_copy(update={"epochs": 3}), IMAGES[:, :, ::2, ::2]
    whole, states = Training(growing(kind, (1, 8, 8)), images, recipe), []
    while whole.step < 12:  # 4 of 4 × 4 pixels and 8 of 8 × 8, which fade in until the eighth
        states.append(whole.state())
        whole.advance()
    end = lasting_state(whole)
    for step in (2, 4, 6):  # in a stage, between two, and in a fade
        again = Training(growing(kind, (1, 8, 8), seed=5), images, recipe)
        again.restore(states[step])
        while again.step < again.steps:
            again.advance()
        assert lasting_state(again).keys() == end.keys()
        assert all(torch.equal(value, end[name]) for name, value in lasting_state(again).items())


@every_kind
def test_a_growing_family_trains_in_half_precision_and_keeps_whole_weights(kind):
    family = growing(kind)
    recipe = RECIPE.model_copy(update={"precision": "bfloat16"})
    *_, last = train(family, IMAGES, IMAGES, IMAGES[:2], recipe)
    assert isinstance(last, Finished)
    assert {weight.dtype for weight in family.parameters()} == {torch.float32}


TOGETHER = {
    **dict.fromkeys(("spectral_norm", "minibatch_discrimination"), True),
    **dict.fromkeys(("r1", "r2", "gradient_penalty"), 1.0),
    **dict.fromkeys(("smoothing", "instance_noise"), 0.1),
    **dict.fromkeys(("packing", "replay"), 4),
    "loss": "relativistic",
}


@every_kind
@pytest.mark.parametrize("knobs", [TOGETHER, TOGETHER | {"equalised": False, "fading": 1.0}])
def test_all_cures_work_at_all_levels(kind, knobs):
    family = growing(kind, (3, 7, 8), **knobs)
    x = torch.rand(10, 3, 7, 8, generator=generator(0))
    for stage in family.stages():
        batch = Batch(x, stage=stage.name, progress=torch.tensor(0.3))
        parts = family.players(stage.name).items()
        players = {name: list(each.parameters()) for name, each in parts}
        for player, terms in family.updates(batch, generator(1)):
            total = torch.stack(list(terms.values())).sum()
            squared_gradient_norm = torch.autograd.grad(total, players[player])
            assert all(slope.isfinite().all() for slope in (total, *squared_gradient_norm))
        assert family.in_stage(stage.name, 0.3).discriminate(x).shape == (10,)


def test_where_a_batch_is_compared_each_kind_is_judged_by_itself():
    x, y = (torch.rand(6, *SHAPE, generator=generator(seed)) for seed in (0, 1))
    for knobs, batchwise in (
        ({}, True),
        ({"minibatch_std": False}, False),
        ({"minibatch_std": False, "minibatch_discrimination": True}, True),
    ):
        family = growing("progressive", **knobs)
        assert family.config.batchwise == batchwise
        with torch.no_grad():
            actual = torch.cat(family.game.logits(x, y / 2))
            apart = torch.cat([family.game.score(x), family.game.score(y / 2)])
            together = family.game.score(torch.cat([x, y / 2]))
        torch.testing.assert_close(actual, apart)
        assert torch.allclose(apart, together, atol=1e-5) != batchwise


@every_kind
def test_growing_costs_the_share_of_levels_that_are_there(kind):
    """With 4, 8, 16 and 32 pixels: (4·1 + 8·2 + 16·3 + 32·4) / (4·60) of the whole."""
    relative_cost = growing(kind, (1, 28, 28)).relative_cost()
    assert relative_cost / growing(
        kind, (1, 28, 28), growing=False
    ).relative_cost() == pytest.approx(196 / 240)


@every_kind
def test_a_weight_costs_as_much_wherever_it_is_scaled(kind):
    costs = set()
    for equalised in (True, False):
        model = KINDS[kind][2] | {"equalised": equalised}
        document = {"family": kind, "dataset": "digits", "model": model, "train": RECIPE}
        costs.add(multiply_adds(RunSpec.model_validate(document)))
    assert len(costs) == 1
