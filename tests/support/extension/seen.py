"""What is seen of the toys, in the tree that they were added to; run there, by test_extension."""

import json
import re

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from genlib import front
from genlib.__main__ import main
from genlib.classifier import ClassifierSpec
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies.sampler_bench import SamplerBench, quality
from genlib.tasks.workspace import Workspace
from tests.support.app import MAIN, opened, shared, shown_run
from tests.support.studied import CPU, trained
from ui.runs import queue
from ui.server.lifespan import warm


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLIB_HOME", str(tmp_path_factory.mktemp("home")))
        warm.set()
        yield
        st.cache_resource.clear()


@pytest.fixture(scope="module")
def run(_server) -> str:
    """Return the fingerprint of the toy's run, which the command line has trained."""
    assert main(["train", "toy"]) == 0
    spec = RunSpec.of_preset("toy")
    assert open_store(Settings()).has_run(spec.fingerprint)
    return spec.fingerprint


def label(query: dict[str, str]) -> str:
    """Return what the page's button says, with how long a training takes."""
    return opened("toy", query).button(key="toy-train").label


def test_home_shows_its_card():
    app = AppTest.from_file(MAIN, default_timeout=60).run()
    assert not app.exception
    assert "The least that an autoencoder can say." in [item.value for item in app.markdown]


def test_its_page_draws_its_knobs():
    knob = opened("toy").slider(key="toy.power")
    assert (knob.label, knob.min, knob.max, knob.value) == ("Power", 0.5, 2.0, 1.0)


def test_training_is_estimated_before_anybody_has_trained_it():
    assert re.fullmatch(r"Train, about [1-9]\d* (s|min)", label({"toy.epochs": "100"}))


def test_its_link_opens_with_its_knob():
    app = opened("toy", {"toy.power": "1.5", "toy.seed": "3"})
    assert not app.warning
    assert app.slider(key="toy.power").value == 1.5
    assert shared(app) == {"toy.power": ["1.5"], "toy.seed": ["3"]}


def test_a_finished_run_has_a_headline_in_the_words_of_its_family(run):
    app = opened("toy")
    assert shown_run(app) == run[:12]
    assert any(item.value.startswith("Every toy is off by **0.") for item in app.markdown)


def test_training_is_estimated_from_the_finished_run(run):
    seconds = 5 * front.load(run).provenance.seconds
    assert label({"toy.epochs": "10"}) == f"Train, {queue.about(seconds)}"


def test_its_study_is_measured(run, capsys):
    assert main(["measure", "toy_study", "--family", "toy", "--pictures", "50"]) == 0
    name = json.loads(capsys.readouterr().out.splitlines()[-1])["fingerprint"]
    files = open_store(Settings()).read_run(name)
    assert 0 < json.loads(files["grey.json"])["grey"] < 1


def test_its_sampler_is_offered():
    parts = opened("samplers").get("bidi_component")
    assert any(b'"Restart"' in part.proto.bytes for part in parts)


def test_its_sampler_is_compared():
    run = trained("ddpm", 1, timesteps=3, width=8, depth=1)
    workspace = Workspace(open_store(Settings()), CPU)
    workspace.store.write_run(run.fingerprint, run.to_files())
    judge = ClassifierSpec(dataset="digits")
    *_, last = judge.model_copy(update={"steps": 5}).perform(workspace, {})
    workspace.store.write_run(judge.fingerprint, last.files)
    *_, last = SamplerBench(start=run.spec, pictures=256).perform(workspace, {})
    assert "Restart" in [point.sampler for point in quality(last.files).points]
