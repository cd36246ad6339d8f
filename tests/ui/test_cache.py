"""Figures are computed once for each run and its knobs, whoever asks for them."""

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from genlib.classifier import Classifier
from genlib.data.dataset import load
from genlib.rng import build
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot
from tests.support.studied import trained
from ui.cache import cached_figure, cached_object

COMPUTED = []


@pytest.fixture(autouse=True)
def _fresh():
    COMPUTED.clear()
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@cached_figure
def figure(subject: object, knob: float = 0.0, *, dark: bool = False) -> int:
    COMPUTED.append((subject, knob, dark))
    return len(COMPUTED)


@cached_object
def built(subject: object) -> list[object]:
    COMPUTED.append(subject)
    return [subject]


def again(run: Run) -> Run:
    """Return another object that is the same run."""
    return Run.from_files(run.to_files())


def test_equal_runs_share_a_figure_and_others_do_not():
    run, other = trained(epochs=1), trained(epochs=1, codings=3)
    assert figure(run) == figure(again(run)) == 1
    assert figure(other) == 2
    assert len(COMPUTED) == 2


def test_another_knob_is_another_figure():
    run = trained(epochs=1)
    assert [figure(run, 1.0), figure(run, 2.0), figure(run, 1.0, dark=True)] == [1, 2, 3]
    assert [figure(run, 1.0), figure(run, 2.0), figure(run, 1.0, dark=True)] == [1, 2, 3]


def test_a_missing_run_is_no_run():
    assert figure(None) == figure(None) != figure(trained(epochs=1))


def test_objects_are_shared_and_not_copied():
    run = trained(epochs=1)
    assert built(run) is built(again(run))
    assert built(run) is not built(trained(epochs=1, codings=3))


def classifier(seed: int) -> Classifier:
    return build(lambda: Classifier(1, 10, 8), seed).requires_grad_(requires_grad=False)


PAIRS = {
    "specs": (RunSpec.of_preset("vae"), RunSpec.of_preset("vae", "collapse")),
    "data sets": (load("digits"), load("ring")),
    "tensors": (torch.zeros(2, 3), torch.zeros(3, 2)),
    "numbers": (torch.zeros(2), torch.zeros(2, dtype=torch.uint8)),
    "arrays": (np.zeros(3), np.ones(3)),
    "snapshots": tuple(Snapshot(1, {"mse": mse}, torch.zeros(1, 1, 1, 1)) for mse in (0.5, 0.4)),
    "classifiers": (classifier(0), classifier(1)),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_what_figures_are_made_of_is_told_apart(kind: str):
    one, other = PAIRS[kind]
    assert figure(one) == figure(one)
    assert figure(one) != figure(other)
    assert figure([one, other]) == figure([one, other])
    assert figure([one, other]) != figure([other, one])


def test_what_a_figure_draws_is_drawn_again():
    def script(run) -> None:
        import streamlit as st

        from ui.autoencoders import sparsity
        from ui.cache import cached_figure

        @cached_figure
        def caption(run, knob) -> None:
            st.caption(f"{run.spec.family} {knob}")

        for knob in (1, 1, 2):
            caption(run, knob)
        sparsity.activations(None, "sparse")

    app = AppTest.from_function(script, kwargs={"run": trained(epochs=1)}).run()
    assert not app.exception
    assert [each.value for each in app.caption] == ["stacked 1", "stacked 1", "stacked 2"]
    assert ["Train this model first" in each.value for each in app.info] == [True]
