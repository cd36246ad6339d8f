"""What the stacked lesson measures: neighbors, detail, pictures that come out by heart."""

import numpy as np
import pytest
import streamlit as st
import torch
from sklearn.neighbors import NearestNeighbors

from genlib.data.dataset import load
from genlib.family import to_float
from genlib.metrics import like_neighbors
from genlib.rng import generator
from tests.support.studied import trained
from ui.autoencoders import anomalies, by_heart


@pytest.fixture(autouse=True)
def _fresh():
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.mark.parametrize("k", [1, 10])
def test_like_neighbors_are_those_of_scikit_learn(k: int):
    data = load("digits")
    x, labels = to_float(data.train).flatten(1), data.train_labels
    assert len(x) > 1000  # more than one part
    near = NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)
    expected = (labels.numpy()[near] == labels.numpy()[:, None]).mean()
    assert float(like_neighbors(x, labels, k).mean()) == pytest.approx(expected, abs=1e-3)


def test_classes_far_apart_have_like_neighbors_alone():
    labels = torch.arange(60) % 3
    x = 100.0 * labels[:, None] + torch.rand(60, 2, generator=generator(0))
    assert (like_neighbors(x, labels, 5) == 1).all()


def test_one_grey_has_no_detail_and_a_chessboard_all_there_is():
    chess = (torch.arange(8)[:, None] + torch.arange(8)) % 2
    pictures = torch.stack([torch.full((1, 8, 8), 0.4), chess[None].float()])
    torch.testing.assert_close(anomalies.details(pictures), torch.tensor([0.0, 1.0]))


def test_copies_are_not_recited_and_training_pictures_in_their_place_are():
    x = torch.rand(30, 1, 5, 5, generator=generator(0))
    learned = torch.rand(4, 1, 5, 5, generator=generator(1))
    assert by_heart.share_recited(x, x, learned) == 0
    recited = learned[torch.arange(30) % 4]
    assert by_heart.share_recited(recited, x, learned) == 1
    half = torch.cat([x[:15], recited[15:]])
    assert by_heart.share_recited(half, x, learned) == pytest.approx(0.5)


def test_the_error_of_a_black_picture_is_what_its_reconstruction_lacks():
    run = trained(codings=10)
    normal = anomalies._errors(run, "digits")
    error, share = anomalies.plain_picture(run, normal)
    output = run.family.reconstruct(torch.zeros(1, 1, 8, 8))
    assert error == pytest.approx(float(output.square().mean()), rel=1e-5)
    assert share == np.mean([each > error for each in normal])
