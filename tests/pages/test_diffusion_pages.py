"""What the pages of diffusion say is what their runs, bundles and settings are."""

import pytest
from streamlit.testing.v1 import AppTest

from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from tests.support.app import opened
from ui import cache

pytestmark = pytest.mark.usefixtures("house")


def captions(app: AppTest) -> str:
    return "\n".join(item.value for item in app.caption)


def test_the_two_losses_of_diffusion_are_named_and_the_dashed_line_is_one_that_is_drawn():
    text = captions(opened("ddpm"))
    assert "Training loss: squared error of the **velocity**" in text
    assert "another quantity. The dashed line, always zero, is" in text


@pytest.mark.parametrize("family", ["stacked", "vae", "recurrent"])
def test_a_dashed_line_is_named_where_it_is_drawn_and_nowhere_else(family: str):
    metrics = cache.finished(RunSpec.of_preset(family)).provenance.metrics
    drawn = f"{FAMILIES[family].baseline}_mse" in metrics
    assert ("The dashed line" in captions(opened(family))) == drawn


def test_the_page_says_what_the_network_of_these_knobs_predicts():
    app = opened("ddpm")
    assert "the network predicts the **velocity**" in captions(app)
    app.button(key="ddpm-preset-textbook").click().run()
    assert "the network predicts the **noise**" in captions(app)


def test_the_preview_in_the_plane_says_of_how_many_steps_it_is_and_what_more_steps_give():
    app = opened("ddpm", {"ddpm.inside": "The score, in the plane"})
    app.button(key="ddpm-preset-in the plane").click().run()
    assert "with 8 steps" in captions(app)
    assert "Training shows samples of 8 steps" in captions(app)


def test_compare_says_how_long_each_family_trained():
    app = opened("compare", {"compare.dataset": "Fashion-MNIST", "compare.seconds": "30"})
    if not app.dataframe:
        pytest.skip("Fashion-MNIST is not here")
    (sentence,) = (item.value for item in app.markdown if "The budget is 30 s" in item.value)
    assert "Diffusion 107 s" in sentence
    assert "Recall, %" not in app.dataframe[0].value, "version 1 did not measure it"
