import pytest
import torch
from sklearn.decomposition import PCA

from genlib.data import load
from genlib.family import to_float
from genlib.metrics import pca_error
from genlib.rng import generator


@pytest.mark.parametrize("codings", [1, 2, 10, 30, 63])
def test_pca_error_is_scikit_learns(codings):
    data = load("digits")
    train, test = to_float(data.train).flatten(1), to_float(data.test).flatten(1)
    pca = PCA(codings, svd_solver="full").fit(train.double().numpy())
    again = pca.inverse_transform(pca.transform(test.double().numpy()))
    expected = ((test.double().numpy() - again) ** 2).mean()
    assert pca_error(train, test, codings) == pytest.approx(expected, rel=1e-4)


def test_with_all_components_nothing_is_lost():
    x = torch.rand(50, 6, generator=generator(0))
    assert pca_error(x, x, 6) == pytest.approx(0, abs=1e-12)


def test_points_on_a_line_need_one_component():
    position = torch.rand(40, 1, generator=generator(1))
    line = torch.tensor([[1.0, 2.0, 3.0]]) + position * torch.tensor([[0.5, -1.0, 2.0]])
    assert pca_error(line, line, 1) == pytest.approx(0, abs=1e-11)


def test_more_components_never_lose_more_on_the_pictures_they_were_fitted_to():
    x = to_float(load("digits").train).flatten(1)
    errors = [pca_error(x, x, codings) for codings in range(1, 65, 7)]
    assert errors == sorted(errors, reverse=True)
