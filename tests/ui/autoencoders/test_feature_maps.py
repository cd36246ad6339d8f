"""Shifted pictures keep what stays in the frame; a run without a dense one stands alone."""

import torch
from streamlit.testing.v1 import AppTest

from genlib.rng import generator
from tests.support.studied import trained
from ui.autoencoders.feature_maps import shifted


def test_a_shifted_picture_has_black_at_its_left_and_the_rest_moved_there():
    x = 0.1 + torch.rand(3, 2, 5, 6, generator=generator(0))
    moved = shifted(x, 2)
    assert torch.equal(moved[..., 2:], x[..., :4])
    assert (moved[..., :2] == 0).all()
    assert torch.equal(shifted(x, 0), x)


def test_without_a_dense_run_of_its_data_the_convolutional_one_stands_alone():
    run = trained("convolutional", epochs=1, codings=5)

    def script(run) -> None:
        from ui.autoencoders import feature_maps

        feature_maps.beside_dense(run, "convolutional")

    app = AppTest.from_function(script, kwargs={"run": run}, default_timeout=30).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert len(app.markdown) == 1
    weights = sum(weight.numel() for weight in run.family.parameters())
    assert f"{weights:,} weights" in app.markdown[0].value
