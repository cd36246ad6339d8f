from itertools import pairwise
from typing import get_args

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.distributions import Bernoulli, kl_divergence

from genlib.config import Activation, TrainConfig
from genlib.family import Batch, to_float
from genlib.models.stacked.config import StackedConfig
from genlib.models.stacked.model import StackedAutoencoder
from genlib.nn import ACTIVATIONS, Tied
from genlib.rng import build, generator
from genlib.training.events import Finished
from genlib.training.loop import Training, train

SHAPE = (1, 4, 4)
IMAGES = torch.randint(0, 256, (20, *SHAPE), generator=generator(0)).to(torch.uint8)
X = to_float(IMAGES)
CONFIG = TrainConfig(optimizer="adamw", learning_rate=0.01, batch_size=5, epochs=8, ema=0.9)
both = pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
every_depth = pytest.mark.parametrize("depth", range(4))


def autoencoder(**model) -> StackedAutoencoder:
    """Return a small one whose biases are not zero."""
    config = StackedConfig(**{"codings": 3, "hidden": 8, "activation": "gelu"} | model)
    family = build(lambda: StackedAutoencoder(config, SHAPE), 0)
    with torch.no_grad():
        for index, weight in enumerate(family.parameters()):
            if weight.ndim == 1:
                weight.copy_(torch.randn(len(weight), generator=generator(index)) / 5)
    return family


def linears(layers: nn.Module) -> list[nn.Linear]:
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def pairs(family: StackedAutoencoder) -> list[tuple[Tensor, Tensor]]:
    """Return the decoder's (matrix, bias) of each layer, from the codings to the picture."""
    if not isinstance(family.decoder, Tied):
        return [(layer.weight, layer.bias) for layer in linears(family.decoder)]
    matrices = [layer.weight.T for layer in reversed(linears(family.encoder))]
    return list(zip(matrices, family.decoder.biases, strict=True))


def untied_copy(family: StackedAutoencoder) -> StackedAutoencoder:
    config = family.config.model_copy(update={"tied": False})
    copy = StackedAutoencoder(config, SHAPE)
    copy.encoder.load_state_dict(family.encoder.state_dict())
    with torch.no_grad():
        for layer, (matrix, bias) in zip(linears(copy.decoder), pairs(family), strict=True):
            layer.weight.copy_(matrix)
            layer.bias.copy_(bias)
    return copy


@pytest.mark.parametrize("activation", get_args(Activation))
@both
@every_depth
def test_it_is_the_layers_written_out(depth, tied, activation):
    family = autoencoder(depth=depth, tied=tied, activation=activation)
    bend, h = ACTIVATIONS[activation](), X.flatten(1)
    for layer in linears(family.encoder)[:-1]:
        h = bend(h @ layer.weight.T + layer.bias)
    last = linears(family.encoder)[-1]
    z = h @ last.weight.T + last.bias
    torch.testing.assert_close(family.encode(X), z)
    *inner, (matrix, bias) = pairs(family)
    h = z
    for weight, offset in inner:
        h = bend(h @ weight.T + offset)
    torch.testing.assert_close(family.decode(z).flatten(1), h @ matrix.T + bias)


@every_depth
def test_a_tied_decoder_holds_no_matrix_and_half_of_the_weights_are_gone(depth):
    tied, untied = autoencoder(depth=depth, tied=True), autoencoder(depth=depth)
    assert all(weight.ndim == 1 for weight in tied.decoder.parameters())
    sizes = [16, *[8] * depth, 3]
    matrices = sum(a * b for a, b in pairwise(sizes))
    biases = sum(sizes[1:]) + sum(sizes[:-1])
    assert sum(weight.numel() for weight in tied.parameters()) == matrices + biases
    assert sum(weight.numel() for weight in untied.parameters()) == 2 * matrices + biases


def test_the_books_network_has_as_many_weights_as_the_book_counts():
    counts = {}
    for tied in (False, True):
        family = StackedAutoencoder(StackedConfig(tied=tied), (1, 28, 28))
        counts[tied] = sum(weight.numel() for weight in family.parameters())
        assert [units for _, units in family.sizes()] == [784, 100, 30, 100, 784]
    assert (
        counts[False] == (784 * 100 + 100) + (100 * 30 + 30) + (30 * 100 + 100) + 100 * 784 + 784
    )
    assert counts[True] == counts[False] - 784 * 100 - 100 * 30


@pytest.mark.parametrize("loss", ["mse", "bce"])
@every_depth
def test_the_gradient_of_a_tied_matrix_is_the_sum_of_both_its_roles(depth, loss):
    family = autoencoder(depth=depth, tied=True, loss=loss)
    copy = untied_copy(family)
    totals = []
    for one in (family, copy):
        (_, losses), *more = one.updates(Batch(X), generator(0))
        assert not more
        losses[loss].backward()
        totals.append(float(losses[loss].detach()))
    assert totals[0] == pytest.approx(totals[1], rel=1e-6)
    mirrored = reversed(linears(copy.decoder))
    for layer, first, second in zip(
        linears(family.encoder), linears(copy.encoder), mirrored, strict=True
    ):
        assert second.weight.grad.abs().max() > 0
        both_roles = first.weight.grad + second.weight.grad.T
        torch.testing.assert_close(layer.weight.grad, both_roles, rtol=1e-4, atol=1e-7)


@both
@every_depth
def test_one_layer_at_a_time_names_a_phase_for_each_layer_and_then_one_for_all(depth, tied):
    names = [stage.name for stage in autoencoder(depth=depth, tied=tied, layerwise=True).stages()]
    assert names == (
        ["train"] if depth == 0 else [f"phase {k}" for k in range(1, depth + 2)] + ["fine-tune"]
    )
    assert [stage.name for stage in autoencoder(depth=depth, tied=tied).stages()] == ["train"]


def layer_pair(phase: int, layers: int, tied: bool) -> set[str]:
    """Return the names of what a phase may change: layer k and the one that mirrors it."""
    encoder, decoder = f"encoder.{2 * phase - 2}", f"decoder.{2 * (layers - phase)}"
    mirrored = (
        {f"decoder.biases.{layers - phase}"} if tied else {f"{decoder}.weight", f"{decoder}.bias"}
    )
    return {f"{encoder}.weight", f"{encoder}.bias", *mirrored}


@both
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_in_each_phase_its_pair_of_layers_changes_and_no_other(depth, tied):
    family, layers = autoencoder(depth=depth, tied=tied, layerwise=True), depth + 1
    run, seen = Training(family, IMAGES, CONFIG), []
    while run.step < run.steps:
        before = {name: value.clone() for name, value in family.state_dict().items()}
        run.advance()
        after = dict(family.named_parameters())
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        _, _, phase = run.stage_name.partition("phase ")
        assert changed == (layer_pair(int(phase), layers, tied) if phase else set(after))
        assert {id(after[name]) for name in changed} == set(
            map(id, family.players(run.stage_name)["autoencoder"].parameters())
        )
        seen += [run.stage_name] if run.stage_name not in seen else []
    assert seen == [stage.name for stage in family.stages()]
    assert len(seen) == layers + 1


@torch.no_grad()
@both
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_phase_copies_the_codings_of_the_one_before(depth, tied):
    family, bend = autoencoder(depth=depth, tied=tied, layerwise=True), ACTIVATIONS["gelu"]()
    h, layers, mirrored = X.flatten(1), linears(family.encoder), pairs(family)[::-1]
    for number, (layer, (matrix, bias)) in enumerate(zip(layers, mirrored, strict=True), 1):
        z = h @ layer.weight.T + layer.bias
        z = bend(z) if number < len(layers) else z
        again = z @ matrix.T + bias
        again = bend(again) if number > 1 else again
        stage = f"phase {number}"
        ((_, losses),) = family.updates(Batch(X, stage=stage), generator(0))
        assert list(losses) == ["mse"]
        assert float(losses["mse"]) == pytest.approx(float((h - again).square().mean()), rel=1e-5)
        torch.testing.assert_close(family.in_stage(stage, 0.5).encode(X), z)
        h = z


def test_each_phase_learns():
    family = autoencoder(depth=2, layerwise=True)
    config = CONFIG.model_copy(update={"batch_size": 20, "epochs": 200, "decay": "none"})
    run = Training(family, IMAGES, config)
    while run.step < run.steps:
        run.advance()
    rows = run.curve.read(run.steps)
    for stage in family.stages()[:-1]:
        losses = [row.losses["mse"] for row in rows if row.stage == stage.name]
        assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("epochs", [1, 2, 3, 8], ids="{} epochs".format)
@both
def test_what_is_finished_has_its_full_depth_and_is_the_same_when_read_again(tied, epochs):
    """Even where there are fewer steps than phases."""
    family = autoencoder(depth=3, tied=tied, layerwise=True)
    config = CONFIG.model_copy(update={"batch_size": 20, "epochs": epochs})
    *_, last = train(family, IMAGES, IMAGES, IMAGES, config)
    assert isinstance(last, Finished)
    assert last.family.depth == 4
    assert last.family.encode(X).shape == (20, 3)
    again = autoencoder(depth=3, tied=tied, layerwise=True)
    again.load_state_dict(load(save(last.family.state_dict())))
    assert torch.equal(again.reconstruct(X), last.family.reconstruct(X))


@both
def test_training_goes_on_from_the_middle_of_a_phase_with_the_same_bits(tied):
    whole = Training(autoencoder(depth=1, tied=tied, layerwise=True), IMAGES, CONFIG)
    states = []
    while whole.step < whole.steps:
        states.append(save(whole.state()))
        whole.advance()
    for state in states[::5]:
        again = Training(autoencoder(depth=1, tied=tied, layerwise=True), IMAGES, CONFIG)
        again.restore(load(state))
        while again.step < again.steps:
            again.advance()
        for one, other in zip(
            whole.average.state_dict().values(), again.average.state_dict().values(), strict=True
        ):
            assert torch.equal(one, other)


@torch.no_grad()
@both
def test_cross_entropy_is_what_the_grey_levels_diverge_as_probabilities(tied):
    family = autoencoder(loss="bce", tied=tied)
    ((_, losses),) = family.updates(Batch(X), generator(0))
    output = Bernoulli(logits=family.logits(family.encode(X)).double())
    expected = float(kl_divergence(Bernoulli(probs=X.double()), output).mean())
    assert float(losses["bce"]) == pytest.approx(expected, rel=1e-5)
    assert float(family.evaluate(X)["bce_excess"]) == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(family.reconstruct(X), output.probs.float())


@torch.no_grad()
def test_a_perfect_copy_costs_no_cross_entropy():
    family, x = autoencoder(depth=0, loss="bce"), X[:1].clamp(0.01, 0.99)
    linears(family.decoder)[0].weight.zero_()  # whatever the codings, always the same picture
    linears(family.decoder)[0].bias.copy_(x.flatten().logit())
    ((_, losses),) = family.updates(Batch(x), generator(0))
    assert float(losses["bce"]) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(family.reconstruct(x), x)
