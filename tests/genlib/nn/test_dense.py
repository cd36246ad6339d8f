from typing import get_args

import pytest
import torch
from torch import nn

from genlib.config import Activation
from genlib.nn import ACTIVATIONS, Tied, stack
from genlib.rng import build, generator

FUNCTIONS = {
    "relu": torch.relu,
    "selu": torch.nn.functional.selu,
    "gelu": torch.nn.functional.gelu,
    "tanh": torch.tanh,
    "leaky relu": lambda x: torch.nn.functional.leaky_relu(x, 0.2),
}


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed))


def dense(sizes: list[int], activation: str = "gelu") -> nn.Sequential:
    return build(lambda: stack(sizes, activation), 0)


def test_each_name_is_the_function_of_that_name():
    x = drawn(100)
    assert ACTIVATIONS.keys() == FUNCTIONS.keys()
    for name, make in ACTIVATIONS.items():
        assert torch.equal(make()(x), FUNCTIONS[name](x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [[7, 5], [7, 5, 3], [4, 9, 9, 2]])
def test_the_activation_is_between_the_layers_and_not_after_the_last(sizes, activation):
    layers, x = dense(sizes, activation), drawn(6, sizes[0])
    *hidden, last = [layer for layer in layers if isinstance(layer, nn.Linear)]
    expected = x
    for layer in hidden:
        expected = FUNCTIONS[activation](expected @ layer.weight.T + layer.bias)
    torch.testing.assert_close(layers(x), expected @ last.weight.T + last.bias)
    assert [layer.out_features for layer in (*hidden, last)] == sizes[1:]


def tied(layers: nn.Sequential, activation: str = "gelu") -> Tied:
    """Return a tied stack with biases that are not zero."""
    backwards = Tied(layers, activation)
    with torch.no_grad():
        for index, bias in enumerate(backwards.biases):
            bias.copy_(drawn(len(bias), seed=10 + index))
    return backwards


@pytest.mark.parametrize("activation", get_args(Activation))
def test_a_tied_stack_is_the_untied_one_with_the_matrices_transposed(activation):
    layers = dense([7, 5, 4, 3], activation)
    backwards, untied = tied(layers, activation), dense([3, 4, 5, 7], activation)
    with torch.no_grad():
        for index, bias in enumerate(backwards.biases):
            untied[2 * index].weight.copy_(layers[4 - 2 * index].weight.T)
            untied[2 * index].bias.copy_(bias)
    z = drawn(6, 3)
    torch.testing.assert_close(backwards(z, layers, 3, 0), untied(z))


def test_it_can_go_back_in_steps():
    layers = dense([7, 5, 4, 3])
    backwards, z = tied(layers), drawn(6, 3)
    whole = backwards(z, layers, 3, 0)
    for middle in (1, 2):
        half = backwards(z, layers, 3, middle)
        assert half.shape == (6, layers[2 * middle - 2].out_features)
        torch.testing.assert_close(backwards(half, layers, middle, 0), whole)
    assert torch.equal(backwards(z, layers, 3, 3), z)


def test_it_holds_no_matrix_and_a_bias_for_each_layer():
    backwards = Tied(dense([7, 5, 3]), "relu")
    assert [tuple(weight.shape) for weight in backwards.parameters()] == [(5,), (7,)]


def test_it_follows_the_weights_that_it_borrows():
    layers = dense([7, 3])
    backwards, z = tied(layers), drawn(6, 3)
    with torch.no_grad():
        layers[0].weight.copy_(drawn(3, 7, seed=5))
    expected = z @ layers[0].weight + backwards.biases[0]
    torch.testing.assert_close(backwards(z, layers, 1, 0), expected)


def test_turning_and_turning_back_is_a_copy():
    layers = dense([6, 6])
    with torch.no_grad():
        layers[0].weight.copy_(torch.linalg.qr(drawn(6, 6))[0])
        layers[0].bias.zero_()
    x = drawn(4, 6, seed=1)
    torch.testing.assert_close(Tied(layers, "relu")(layers(x), layers, 1, 0), x)
