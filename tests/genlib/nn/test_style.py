"""What is made by style is the style's: each block is its equation, each layer has its own say."""

import math

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from genlib.adversarial.levels import GrowthState
from genlib.models.stylegan.config import StyleGANConfig
from genlib.models.stylegan.model import AVERAGED, LAYERS, StyleGAN, StyleLayer
from genlib.nn import (
    AdaIN,
    ConstantInput,
    ModulatedConv,
    NoiseInjection,
    StyleMixing,
    draw_from,
    instance_norm,
    mapping_network,
    mixed,
    truncated,
)
from genlib.rng import build, generator

SHAPE = (1, 16, 16)  # three sizes, so six layers
KNOBS = (
    *({}, {"style": "modulation"}, {"constant": False}, {"noise": False}, {"mapping": 0}),
    *({"equalised": False}, {"growing": False}),
)
every_knob = pytest.mark.parametrize(
    "knobs", KNOBS, ids=lambda knobs: "-".join(map(str, *knobs.items())) if knobs else "default"
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def by_style(shape: tuple[int, int, int] = SHAPE, **knobs) -> StyleGAN:
    """Return a tiny generator by style, and its judge, whose noise can be seen."""
    sizes = {"filters": 4, "most_filters": 16, "codings": 6, "width": 8, "mapping": 2}
    family = build(lambda: StyleGAN(StyleGANConfig(**(sizes | knobs)), shape), 0)
    for layer in family.modules():
        if isinstance(layer, NoiseInjection):
            nn.init.constant_(layer.scale, 0.3)
    return family.eval().requires_grad_(requires_grad=False)


def styles_of(family: StyleGAN, count: int, seed: int = 0) -> Tensor:
    return family.style(normal(count, family.codings, seed=seed))


def without_effect(layer: StyleLayer) -> None:
    """Let a layer's style be the same, whatever w is."""
    styled = layer.conv if layer.adain is None else layer.adain
    if parametrize.is_parametrized(styled.affine):
        parametrize.remove_parametrizations(styled.affine, "weight")
    nn.init.zeros_(styled.affine.weight)


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of each map."""
    return x.mean((2, 3)), x.std((2, 3), unbiased=False)


def test_normalised_maps_have_mean_0_and_deviation_1_as_torch_has_it():
    x = 5 * normal(3, 4, 6, 7) + 2
    means, deviations = statistics(instance_norm(x))
    torch.testing.assert_close(means, torch.zeros(3, 4), atol=1e-6, rtol=0)
    torch.testing.assert_close(deviations, torch.ones(3, 4))
    torch.testing.assert_close(instance_norm(x), F.instance_norm(x, eps=1e-8))
    assert not instance_norm(torch.full((2, 3, 4, 4), 0.5)).any()


def test_adain_gives_each_map_the_mean_and_the_strength_of_its_style():
    layer, w = build(lambda: AdaIN(8, 4), 0), normal(3, 8)
    x = 5 * normal(3, 4, 6, 7) + 2
    scale, shift = (w @ layer.affine.weight.T + layer.affine.bias).detach().split(4, 1)
    means, deviations = statistics(layer(x, w).detach())
    torch.testing.assert_close(means, shift, atol=1e-5, rtol=0)
    torch.testing.assert_close(deviations, (1 + scale).abs(), atol=1e-5, rtol=0)
    torch.testing.assert_close(layer(1_000 * x - 7, w), layer(x, w), atol=1e-4, rtol=1e-4)


def test_adain_with_a_style_by_hand():
    layer, x = AdaIN(2, 3), normal(1, 3, 5, 5)
    nn.init.zeros_(layer.affine.weight)
    layer.affine.weight.data[[0, 5]] = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    layer.affine.bias.data = torch.tensor([0.0, 2.0, 0.0, 0.0, -4.0, 0.5])
    means, deviations = statistics(layer(x, torch.tensor([[0.5, 7.0]])).detach())
    torch.testing.assert_close(means, torch.tensor([[0.0, -4.0, 7.5]]), atol=1e-5, rtol=0)
    torch.testing.assert_close(deviations, torch.tensor([[1.5, 3.0, 1.0]]), atol=1e-5, rtol=0)


def test_a_modulated_convolution_is_one_with_the_weights_of_the_papers_equations():
    layer = build(lambda: ModulatedConv(nn.Conv2d(4, 5, 3, padding=1, bias=False), 8), 0)
    x, w = normal(3, 4, 6, 7), normal(3, 8, seed=1)
    s = 1 + layer.affine(w)
    changed = s[:, None, :, None, None] * layer.conv.weight[None]
    changed = changed / (changed.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    expected = F.conv2d(x.view(1, 12, 6, 7), changed.flatten(0, 1), padding=1, groups=3)
    torch.testing.assert_close(layer(x, w), expected.view(3, 5, 6, 7))
    before = layer(x, w)
    layer.conv.weight.data *= 10
    torch.testing.assert_close(layer(x, w), before)


def test_what_leaves_a_modulated_convolution_is_expected_to_have_a_variance_of_1():
    layer = build(lambda: ModulatedConv(nn.Conv2d(6, 5, 3, padding=1, bias=False), 8), 0)
    count = 4_000
    output = layer(normal(count, 6, 3, 3), normal(1, 8, seed=1).expand(count, -1)).detach()
    bound = 5 * math.sqrt(2 / count)  # five standard errors; nothing is missing in the middle
    torch.testing.assert_close(output[:, :, 1, 1].var(0), torch.ones(5), atol=bound, rtol=0)


def test_noise_has_no_strength_at_first_and_what_is_given_is_used_after_training():
    layer, x = build(lambda: NoiseInjection(3, 4), 0), normal(5, 3, 4, 4)
    assert torch.equal(layer(x), x)
    assert torch.equal(layer.eval()(x), x)
    strengths = torch.tensor([0.5, -2.0, 0.0])
    layer.scale.data = strengths.view(3, 1, 1)
    given = normal(5, 1, 4, 4, seed=1)
    torch.testing.assert_close(layer(x, given), x + strengths.view(1, 3, 1, 1) * given)
    torch.testing.assert_close(layer(x), x + strengths.view(1, 3, 1, 1) * layer.kept)
    assert torch.equal(layer(x, torch.zeros(5, 1, 4, 4)), x)
    assert torch.equal(layer(x), layer(x))


def test_noise_is_drawn_anew_while_training_from_the_generator_that_it_is_given():
    layer, x = build(lambda: NoiseInjection(2, 8), 0), torch.zeros(200, 2, 8, 8)
    layer.scale.data = torch.tensor([[[1.0]], [[3.0]]])
    before, drawn = torch.get_rng_state(), []
    for seed in (0, 0, 1):
        draw_from(layer, generator(seed))
        drawn += [layer(x).detach(), layer(x).detach()]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[4])
    one, other = drawn[0].unbind(1)
    torch.testing.assert_close(3 * one, other)  # one picture of noise for all maps
    assert float(one.std()) == pytest.approx(1, abs=0.05)
    assert not torch.equal(one[0], one[1])  # and another one for each picture


def numbered(count: int) -> Tensor:
    """Return styles that hold nothing but their number."""
    return torch.arange(count).float()[:, None].expand(-1, 3)


def layers_mixed(share: float, layers: int, count: int) -> Tensor:
    """Return, for each picture and layer, whether its style is another picture's."""
    mixing = StyleMixing(share)
    draw_from(mixing, generator(0))
    styles = mixing(numbered(count), layers)
    assert styles.shape == (count, layers, 3)
    assert (styles == styles[:, :, :1]).all()
    others = styles[:, :, 0] != numbered(count)[:, :1]
    neighbours = (styles[:, :, 0] - numbered(count)[:, :1]).remainder(count)
    assert len(neighbours[others].unique()) <= 1, "all have theirs from the same side"
    return others


def test_styles_are_mixed_from_a_random_layer_on_in_the_share_that_is_asked_for():
    count, layers, share = 6_000, 5, 0.7
    others = layers_mixed(share, layers, count)
    assert not others[:, 0].any()
    assert (others.int().diff(dim=1) >= 0).all(), "from there on all are the other's"
    actual = others[:, -1].float().mean()
    assert float(actual) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / count))
    starts = others[others[:, -1]].int().argmax(1).bincount(minlength=layers)[1:]
    assert chisquare(starts.numpy()).pvalue > 0.001


def test_a_share_of_1_mixes_all_pictures_and_one_of_0_none():
    assert layers_mixed(1.0, 4, 500)[:, -1].all()
    assert not layers_mixed(0.0, 4, 500).any()


def test_after_training_and_without_a_share_each_picture_keeps_its_style():
    w = normal(4, 8)
    for mixing in (StyleMixing(0.9).eval(), StyleMixing(0.0)):
        assert torch.equal(mixing(w, 3), w[:, None].expand(-1, 3, -1))


def test_exchanged_styles_are_the_others_at_those_layers_alone():
    one, other = normal(3, 6, 8), normal(3, 6, 8, seed=1)
    assert torch.equal(mixed(one, other, []), one)
    assert torch.equal(mixed(one, other, list(range(6))), other)
    actual = mixed(one, other, [1, 4])
    for layer in range(6):
        assert torch.equal(actual[:, layer], (other if layer in (1, 4) else one)[:, layer])


@pytest.mark.parametrize("shape", [(4, 8), (4, 6, 8)])
def test_truncation_goes_straight_from_the_mean_to_the_style_and_beyond(shape):
    w, mean = normal(*shape), normal(8, seed=1)
    torch.testing.assert_close(truncated(w, mean, 0.0), mean.expand(shape))
    torch.testing.assert_close(truncated(w, mean, 1.0), w)
    torch.testing.assert_close(truncated(w, mean, 0.3), 0.7 * mean + 0.3 * w)
    torch.testing.assert_close(truncated(w, mean, -1.0), 2 * mean - w)


@pytest.mark.parametrize("depth", [0, 1, 8])
@pytest.mark.parametrize("equalised", [True, False])
def test_the_mapping_network_has_so_many_layers_on_normalised_codings(depth, equalised):
    network, z = mapping_network(6, 8, depth, equalised=equalised), normal(5, 6)
    linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in linear] == [8] * depth
    h = z / z.square().mean(1, keepdim=True).sqrt()
    for layer in linear:
        h = F.leaky_relu(h @ layer.weight.T + layer.bias, 0.2)
    torch.testing.assert_close(network(z), h)
    torch.testing.assert_close(network(100 * z), h)


def test_the_mapping_network_learns_a_hundred_times_more_slowly_than_the_synthesis():
    generating = by_style(mapping=8, width=512, codings=512).generator
    assert "mapping" in dict(generating.named_children())
    for layer in generating.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            (scaling,) = layer.parametrizations.weight
            fan_in, mapping = layer.weight[0].numel(), layer in list(generating.mapping)
            pace = 0.01 if mapping else 1.0
            assert scaling.scale == pytest.approx(pace * math.sqrt(2 / fan_in))
            if mapping:
                assert float(layer.weight.std()) == pytest.approx(scaling.scale / pace, rel=0.02)


def test_a_constant_begins_alike_whatever_the_style_and_a_dense_layer_does_not():
    w = normal(3, 8)
    constant = ConstantInput((2, 4, 4))
    constant.constant.data = normal(2, 4, 4)
    assert torch.equal(constant(w), constant.constant.expand(3, -1, -1, -1))
    for fixed in (True, False):
        begin = by_style(constant=fixed).generator.begin
        assert begin(w).shape == (3, 16, 4, 4)
        assert torch.equal(begin(w)[0], begin(w)[1]) == fixed


def test_without_noise_there_is_nothing_of_it():
    loud, silent = by_style(), by_style(noise=False)
    count = sum("noise" in name for name in loud.state_dict())
    assert count == 2 * LAYERS * len(loud.sides)  # a scale and what is kept
    assert not any("noise" in name for name in silent.state_dict())
    styles = styles_of(silent, 3)
    noises = silent.noises(3, generator(0))
    assert torch.equal(silent.synthesise(styles), silent.synthesise(styles, noises))


@pytest.mark.parametrize("side", [8, 16, 28, 32])
def test_groups_share_out_all_layers_from_coarse_to_fine(side):
    family = by_style((1, side, side))
    groups, count = family.layers(), LAYERS * len(family.sides)
    assert [layer for group in groups.values() for layer in group] == list(range(count))
    assert all(groups.values())
    assert list(groups) == [name for name in ("coarse", "middle", "fine") if name in groups]
    assert len(groups) == min(3, len(family.sides))
    assert styles_of(family, 2).shape[1] == count
    assert [noise.shape[-1] for noise in family.noises(2, generator(0))] == [
        side for side in family.sides for _ in range(LAYERS)
    ]


@every_knob
def test_a_picture_is_the_synthesis_of_its_style_each_time_the_same(knobs):
    family, z = by_style(**knobs), normal(4, 6)
    x = family.generate(z)
    assert x.shape == (4, *SHAPE)
    assert torch.equal(x, family.synthesise(family.style(z)))
    assert torch.equal(x, family.generate(z))
    assert not torch.equal(x[0], x[1])


@every_knob
def test_noise_without_strength_is_none(knobs):
    family = by_style(**knobs)
    styles, rng = styles_of(family, 4), generator(0)
    silent = family.synthesise(styles, family.noises(4, rng, 0.0))
    loud = [family.synthesise(styles, family.noises(4, rng)) for _ in range(2)]
    assert torch.equal(*loud) == (not family.config.noise)
    for layer in family.modules():
        if isinstance(layer, NoiseInjection):
            nn.init.zeros_(layer.scale)
    assert torch.equal(family.synthesise(styles), silent)


def test_new_noise_has_the_strength_that_is_asked_for_and_comes_again_with_the_seed():
    family = by_style()
    once, again = (family.noises(100, generator(3), 2.5) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert torch.equal(one, other)
        assert float(one.std()) == pytest.approx(2.5, rel=0.1)


@pytest.mark.parametrize("mapping", [0, 2])
def test_the_mean_style_is_that_of_other_codings_as_far_as_chance_goes(mapping):
    family = by_style(mapping=mapping)
    mean, others = family.mean_style(), styles_of(family, 20_000, seed=7)[:, 0]
    assert torch.equal(mean, family.mean_style())
    error = others.std(0) * math.sqrt(1 / AVERAGED + 1 / len(others))
    assert ((mean - others.mean(0)).abs() < 5 * error).all()


@every_knob
def test_fully_truncated_all_pictures_are_that_of_the_mean_style(knobs):
    family = by_style(**knobs)
    styles = styles_of(family, 4)
    actual = family.synthesise(family.truncated(styles, 0.0))
    mean = family.mean_style().expand(1, styles.shape[1], -1)
    torch.testing.assert_close(actual, family.synthesise(mean).expand(4, -1, -1, -1))
    whole = family.synthesise(family.truncated(styles, 1.0))
    torch.testing.assert_close(whole, family.synthesise(styles), atol=1e-4, rtol=1e-4)


@every_knob
@pytest.mark.parametrize("exchanged", [[0], [1], [2, 3], [5]])
def test_a_style_has_its_say_from_its_own_layer_on(knobs, exchanged):
    family = by_style(**knobs)
    own, other = styles_of(family, 4), styles_of(family, 4, seed=1)
    styles, at = mixed(own, other, exchanged), GrowthState(2)
    before, after = (family.generator.maps(each, at) for each in (own, styles))
    begins = exchanged == [0] and not family.config.constant
    first = 0 if begins else 1 + exchanged[0] // LAYERS
    for level, (one, another) in enumerate(zip(before, after, strict=True)):
        assert torch.equal(one, another) == (level < first)
    assert not torch.equal(family.synthesise(styles), family.synthesise(own))


@pytest.mark.parametrize("style", ["AdaIN", "modulation"])
def test_exchanging_what_says_nothing_changes_nothing(style):
    family = by_style(style=style)
    own, other = styles_of(family, 4), styles_of(family, 4, seed=1)
    x = family.synthesise(own)
    assert torch.equal(family.synthesise(mixed(own, own.clone(), [0, 3, 5])), x)
    for index in family.layers()["coarse"]:
        without_effect(family.generator.layer(index))
    x = family.synthesise(own)
    assert torch.equal(family.synthesise(mixed(own, other, family.layers()["coarse"])), x)
    assert not torch.equal(family.synthesise(mixed(own, other, family.layers()["fine"])), x)


def test_all_maps_that_leave_a_size_have_the_mean_and_the_strength_of_their_style():
    family = by_style()
    styles = styles_of(family, 4)
    for level, maps in enumerate(family.generator.maps(styles, GrowthState(2))[1:]):
        last = LAYERS * level + LAYERS - 1
        affine = family.generator.layer(last).adain.affine
        scale, shift = affine(styles[:, last]).chunk(2, 1)
        means, deviations = statistics(maps)
        torch.testing.assert_close(means, shift, atol=1e-4, rtol=0)
        torch.testing.assert_close(deviations, (1 + scale).abs(), atol=1e-3, rtol=0)


def test_while_training_pictures_have_new_noise_and_the_styles_of_two():
    family, z = by_style(mixing=1.0).train(), normal(8, 6)
    draw_from(family, generator(0))
    first, second = family.generate(z), family.generate(z)
    draw_from(family, generator(0))
    assert torch.equal(family.generate(z), first)
    assert not torch.equal(first, second)
    assert not torch.allclose(first, family.eval().generate(z), atol=1e-3)
