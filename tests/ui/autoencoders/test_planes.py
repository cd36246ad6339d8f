"""What the linear lesson says of planes and errors is what algebra and scikit-learn say."""

import numpy as np
import pytest
import streamlit as st
from sklearn.decomposition import PCA

from genlib.data.dataset import load
from genlib.family import to_float
from tests.support.studied import trained
from ui.autoencoders import planes


@pytest.fixture(autouse=True)
def _fresh():
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.mark.parametrize("codings", [2, 10])
def test_on_training_pictures_no_linear_autoencoder_is_better_than_pca(codings: int):
    own, pca = planes.training_errors(trained("linear", codings=codings))
    train = to_float(load("digits").train).flatten(1).double().numpy()
    fitted = PCA(codings, svd_solver="full").fit(train)
    again = fitted.inverse_transform(fitted.transform(train))
    assert pca == pytest.approx(((again - train) ** 2).mean(), rel=1e-4)
    assert own > pca


def test_a_linear_map_explains_all_of_a_turned_and_stretched_plane_and_half_of_a_line():
    rng = np.random.default_rng(0)
    flat = np.linalg.qr(rng.normal(size=(500, 2)))[0]  # two coordinates of the same variance
    assert planes.unexplained(flat @ rng.normal(size=(2, 2)), flat) == pytest.approx(0, abs=1e-9)
    one = flat * [1, 0]
    assert planes.unexplained(one, flat) == pytest.approx(0.5)
