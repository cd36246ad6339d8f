"""The panel of a run: a moved knob takes nothing away, and everyone can train a model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from genlib.jobs import Jobs
from genlib.runs.spec import RunSpec
from genlib.settings import Settings
from tests.support.app import opened, shared
from ui.server.lifespan import warm

UNTRAINED = "Train this model first"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the pages a queue and a store of their own."""
    monkeypatch.setenv("GENLIB_HOME", str(tmp_path))
    st.cache_resource.clear()
    warm.set()
    yield
    st.cache_resource.clear()


def missing(app: AppTest) -> int:
    """Return how many parts of a lesson have no model to show."""
    return sum(UNTRAINED in each.value for each in app.info)


def moved_rate(app: AppTest) -> AppTest:
    return app.select_slider(key="linear.learning_rate").set_value(0.1).run()


def test_a_moved_knob_says_what_changed_and_leaves_the_run_before():
    app = moved_rate(opened("linear"))
    assert not app.exception
    assert missing(app) == 0
    assert any("Learning rate 0.03 → 0.1" in each.value for each in app.markdown)
    assert "linear-train" in {each.key for each in app.button}


def test_a_link_to_a_run_that_nobody_trained_has_none_before_it():
    app = opened("linear", {"linear.learning_rate": "0.1"})
    assert missing(app) > 0
    assert "linear-train" in {each.key for each in app.button}


def test_the_run_before_is_of_the_same_data():
    app = opened("linear")
    app.selectbox(key="linear.dataset").set_value("digits").run()
    moved_rate(app)
    assert not app.exception
    assert missing(app) > 0


def test_the_weights_of_the_run_before_are_not_offered_as_those_of_the_knobs():
    app = opened("linear", {"linear.part": "Take home"})
    assert "Weights" in {each.label for each in app.get("download_button")}
    assert "Weights" not in {each.label for each in moved_rate(app).get("download_button")}


def test_a_finished_run_is_trained_again_from_the_next_seed():
    app = opened("linear")
    app.button(key="linear-train-another").click().run()
    assert not app.exception
    assert shared(app)["linear.seed"] == ["1"]
    usual = RunSpec.of_preset("linear")
    asked = usual.model_copy(update={"train": usual.train.model_copy(update={"seed": 1})})
    jobs = Jobs(Settings())
    (job,) = jobs.client.list_workflows(load_input=False)
    jobs.client.destroy()
    assert job.workflow_id == asked.fingerprint
