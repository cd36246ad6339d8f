import pytest
import torch
from torch import Tensor, nn

from genlib.models.recurrent.config import RecurrentConfig
from genlib.models.recurrent.model import RecurrentAutoencoder
from genlib.rng import build, generator

every_shape = pytest.mark.parametrize("shape", [(1, 28, 28), (3, 5, 4), (1, 8, 8)], ids=str)


def autoencoder(shape=(3, 5, 4), codings: int = 6, hidden: int = 8) -> RecurrentAutoencoder:
    config = RecurrentConfig(codings=codings, hidden=hidden)
    return build(lambda: RecurrentAutoencoder(config, shape), 0).requires_grad_(False)


def pictures(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator(1))


def by_hand(lstm: nn.LSTM, rows: Tensor) -> Tensor:
    """Return the outputs of an LSTM, one row after the other, by the theory's equations."""
    h = c = torch.zeros(len(rows), lstm.hidden_size, dtype=rows.dtype)
    into, back = lstm.weight_ih_l0.double(), lstm.weight_hh_l0.double()
    bias, outputs = (lstm.bias_ih_l0 + lstm.bias_hh_l0).double(), []
    for row in rows.unbind(1):
        i, f, g, o = (row @ into.T + h @ back.T + bias).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs, 1)


@every_shape
def test_it_is_the_equations_written_out(shape):
    family, x = autoencoder(shape), pictures(3, *shape)
    channels, height, width = shape
    rows = [x[:, :, row].reshape(3, channels * width) for row in range(height)]
    states = by_hand(family.summary, by_hand(family.reader, torch.stack(rows, 1).double()))
    torch.testing.assert_close(family.states(x).double(), states, rtol=0, atol=1e-5)
    torch.testing.assert_close(family.encode(x).double(), states[:, -1], rtol=0, atol=1e-5)
    repeated = torch.stack([states[:, -1]] * height, 1)
    written = by_hand(family.writer, repeated) @ family.pixels.weight.double().T
    written = (written + family.pixels.bias).view(3, height, channels, width)
    again = family.reconstruct(x).double()
    for row in range(height):
        torch.testing.assert_close(again[:, :, row], written[:, row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 5, 17])
def test_it_reads_and_writes_any_number_of_rows(rows):
    family = autoencoder((3, 5, 4))
    x = pictures(2, 3, rows, 4)
    assert family.states(x).shape == (2, rows, 6)
    assert family.encode(x).shape == (2, 6)
    assert family.write(family.encode(x), rows).shape == x.shape
    assert family.decode(family.encode(x)).shape == (2, 3, 5, 4)


@pytest.mark.parametrize("row", range(5))
def test_no_state_knows_of_later_rows(row):
    family, x = autoencoder(), pictures(2, 3, 5, 4)
    other = x.clone()
    other[:, :, row + 1 :] = 9 - other[:, :, row + 1 :]
    assert torch.equal(family.states(x)[:, : row + 1], family.states(other)[:, : row + 1])
    earlier = x.clone()
    earlier[:, :, row] += 1
    assert (family.states(x)[:, row:] != family.states(earlier)[:, row:]).any(2).all()


@pytest.mark.parametrize("row", range(1, 6))
def test_the_codings_of_the_first_rows_are_the_state_after_them(row):
    family, x = autoencoder(), pictures(2, 3, 5, 4)
    torch.testing.assert_close(family.encode(x[:, :, :row]), family.states(x)[:, row - 1])


def test_the_codings_are_the_last_state():
    family, x = autoencoder(), pictures(2, 3, 5, 4)
    assert torch.equal(family.encode(x), family.states(x)[:, -1])


def test_more_rows_begin_as_fewer_do():
    family, z = autoencoder(), pictures(2, 6)
    torch.testing.assert_close(family.write(z, 9)[:, :, :4], family.write(z, 4))
    assert torch.equal(family.write(z, 5), family.decode(z))


def test_a_state_lies_between_minus_one_and_one():
    states = autoencoder().states(100 * pictures(4, 3, 50, 4) - 50)
    assert states.abs().max() <= 1


def test_the_order_of_the_rows_matters():
    family, x = autoencoder(), pictures(2, 3, 5, 4)
    assert (family.encode(x) - family.encode(x.flip(2))).abs().max() > 1e-3


def test_the_number_of_weights_does_not_depend_on_the_number_of_rows():
    def count(shape: tuple[int, int, int]) -> int:
        return sum(weight.numel() for weight in autoencoder(shape, 30, 100).parameters())

    lstms = [(28, 100), (100, 30), (30, 100)]  # each gate has a matrix for either and two biases
    expected = sum(4 * (units * (fan_in + units) + 2 * units) for fan_in, units in lstms)
    assert count((1, 28, 28)) == count((1, 3, 28)) == expected + 100 * 28 + 28


def test_the_error_of_more_than_a_thousand_pictures_is_the_mean_over_all():
    family, x = autoencoder((1, 4, 4)), pictures(1_003, 1, 4, 4)
    x[1_000:] *= 5  # the last, smaller part counts by its size
    expected = float((x - family.reconstruct(x)).square().mean())
    assert float(family.evaluate(x)["mse"]) == pytest.approx(expected, rel=1e-5)
