import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from genlib.config import TrainConfig
from genlib.data.dataset import load
from genlib.metrics import pca_error
from genlib.models import FAMILIES
from genlib.models.linear.config import LinearConfig
from genlib.models.linear.model import LinearAutoencoder
from genlib.rng import build, generator
from genlib.training.events import Finished
from genlib.training.loop import train

POINTS = load("ellipse").train
PRESET = FAMILIES["linear"].presets["ellipse"]


def autoencoder(codings: int) -> LinearAutoencoder:
    return build(lambda: LinearAutoencoder(LinearConfig(codings=codings), (3, 1, 1)), 0)


def trained(codings: int, config: TrainConfig) -> LinearAutoencoder:
    *_, last = train(autoencoder(codings), POINTS, POINTS, POINTS, config)
    assert isinstance(last, Finished)
    return last.family


def error(family: LinearAutoencoder) -> float:
    return float(family.evaluate(POINTS)["mse"].detach())


def components(codings: int) -> PCA:
    return PCA(codings).fit(POINTS.flatten(1).double().numpy())


def set_weights(family: LinearAutoencoder, pca: PCA, mix: torch.Tensor) -> None:
    """Let the codings be `mix` times PCA's, and the decoder undo the mixing."""
    axes, mean = torch.from_numpy(pca.components_), torch.from_numpy(pca.mean_)
    with torch.no_grad():
        family.encoder.weight.copy_(mix @ axes)
        family.encoder.bias.copy_(-mix @ axes @ mean)
        family.decoder.weight.copy_(axes.T @ mix.inverse())
        family.decoder.bias.copy_(mean)


@pytest.mark.parametrize("codings", [1, 2])
def test_descent_ends_on_the_first_principal_components(codings):
    family, pca = trained(codings, PRESET.train), components(codings)
    weight = family.decoder.weight.detach().numpy()
    assert subspace_angles(weight, pca.components_.T).max() < 1e-3
    x = POINTS.flatten(1)
    mse = error(family)
    assert mse == pytest.approx(pca_error(x, x, codings), rel=1e-4)
    again = pca.inverse_transform(pca.transform(x.double().numpy()))
    assert mse == pytest.approx(((x.numpy() - again) ** 2).mean(), rel=1e-4)


def test_its_reconstructions_are_the_projections_onto_the_plane():
    family, pca = trained(2, PRESET.train), components(2)
    expected = pca.inverse_transform(pca.transform(POINTS.flatten(1).double().numpy()))
    again = family.reconstruct(POINTS).detach().flatten(1).double()
    torch.testing.assert_close(again, torch.from_numpy(expected), rtol=0, atol=1e-3)


@pytest.mark.parametrize("preset", ["ellipse", "textbook"])
def test_the_presets_on_points_end_beside_pca(preset):
    family, x = trained(2, FAMILIES["linear"].presets[preset].train), POINTS.flatten(1)
    least = pca_error(x, x, 2)
    assert least * (1 - 1e-5) < error(family) < 1.05 * least


@pytest.mark.parametrize("seed", range(3))
def test_any_two_directions_that_span_the_plane_are_as_good_and_a_rest_of_descent(seed):
    family, x = autoencoder(2), POINTS.flatten(1)
    mix = torch.randn(2, 2, generator=generator(seed)).double() + 3 * torch.eye(2).double()
    set_weights(family, components(2), mix)
    assert error(family) == pytest.approx(pca_error(x, x, 2), rel=1e-5)
    mse = family.evaluate(POINTS)["mse"]
    for slope in torch.autograd.grad(mse, list(family.parameters())):
        assert slope.abs().max() < 1e-6


@pytest.mark.parametrize("codings", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_no_weights_beat_pca(codings, seed):
    family, x, rng = autoencoder(codings), POINTS.flatten(1), generator(seed)
    set_weights(family, components(codings), torch.eye(codings).double())
    with torch.no_grad():
        for weight in family.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=rng)
    assert error(family) > pca_error(x, x, codings)


def test_as_many_codings_as_numbers_can_copy():
    family = autoencoder(3)
    set_weights(family, components(3), torch.eye(3).double())
    assert error(family) < 1e-12


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.3, 2.0])
def test_a_mixture_is_encoded_as_the_mixture_of_codings_and_decoded_so_too(share):
    family = autoencoder(2)
    one, other = POINTS[:30], POINTS[30:]
    z, z_other = family.encode(one), family.encode(other)
    mixed = share * z + (1 - share) * z_other
    torch.testing.assert_close(family.encode(share * one + (1 - share) * other), mixed)
    pictures = share * family.decode(z) + (1 - share) * family.decode(z_other)
    torch.testing.assert_close(family.decode(mixed), pictures, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("codings", "values"), [(2, 3), (30, 784), (128, 3072)])
def test_it_has_two_matrices_and_two_biases(codings, values):
    family = LinearAutoencoder(LinearConfig(codings=codings), (1, 1, values))
    count = sum(weight.numel() for weight in family.parameters())
    assert count == 2 * values * codings + values + codings
    assert [units for _, units in family.sizes()] == [values, codings, values]
