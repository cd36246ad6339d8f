"""The page that compares: what was measured is shown, links hold the choice, none can fail it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from genlib.classifier import ClassifierSpec
from genlib.config import TrainConfig
from genlib.data import DATASETS, default_dataset
from genlib.jobs import Jobs
from genlib.jobs.attempt import Attempt
from genlib.runs.run import perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies import comparison
from genlib.studies.comparison import MEMBERS, REAL, Comparison, standings
from genlib.tasks.durations import Durations
from genlib.tasks.workspace import Workspace
from tests.support.app import NONSENSE, opened, shared
from tests.support.studied import CPU, trained
from ui import cache
from ui.runs import run_choice
from ui.server.lifespan import warm

DIGITS = DATASETS["digits"].title
MEASURED = Comparison(dataset="digits", seconds=10)
SHOWN = {"compare.dataset": DIGITS, "compare.seconds": "10"}
USUAL = RunSpec.of_preset("vae"), RunSpec.of_preset("vae", "holes")
MISSING = "not on this server"
PAIR = {"compare.inside": "Any two runs"}


@pytest.fixture(scope="module", autouse=True)
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A house of its own with one small comparison, in which nobody asks for more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLIB_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(comparison, "MOST", 2)
        st.cache_resource.clear()
        st.cache_data.clear()
        warm.set()
        store = open_store(Settings())
        spec = ClassifierSpec(dataset="digits")
        *_, last = spec.model_copy(update={"steps": 30}).perform(Workspace(store, CPU), {})
        store.write_run(spec.fingerprint, last.files)
        assert all(Attempt(store, CPU, MEASURED).progress())
        yield
        assert Jobs(Settings()).client.list_workflows(load_input=False) == []
        st.cache_resource.clear()
        st.cache_data.clear()


def warned(query: dict[str, Any]) -> tuple[AppTest, list[str]]:
    app = opened("compare", query)
    return app, [each.value for each in app.warning]


def differing(app: AppTest) -> list[list[str]]:
    """Return the rows of the first table: what differs in what was asked for."""
    return app.table[0].value.to_numpy().tolist()


def test_what_was_measured_is_shown_with_each_family_s_figures():
    app = opened("compare", SHOWN)
    assert not app.warning
    actual = standings(open_store(Settings()).read_run(MEASURED.fingerprint))
    table = app.dataframe[0].value
    assert list(table.index) == [REAL, *MEMBERS]
    for each in actual:
        row = table.loc[each.name]
        assert row["Classifier FID"].startswith(f"{each.fid.value:.3g} (")
        assert row["Parameters"] == (f"{each.parameters:,}" if each.parameters else "–")
        assert (row["Test MSE"] == "–") == (each.reconstruction is None)
    assert any("**Quality**" in item.value for item in app.markdown)
    assert f"Run {MEASURED.fingerprint[:12]}" in app.caption[-1].value


def test_what_was_not_measured_is_offered_with_what_it_takes():
    app = opened("compare", SHOWN | {"compare.seed": "3"})
    (button,) = (each for each in app.button if "Train and compare" in each.label)
    messages = re.fullmatch(r"Train and compare all four, about (\d+) s", button.label)
    assert int(messages[1]) == round(cache.seconds(MEASURED.model_copy(update={"seed": 3})))
    assert not app.dataframe


def test_the_time_is_that_of_the_trainings_that_are_missing():
    fresh, expected = MEASURED.model_copy(update={"seed": 5}), MEASURED
    store = open_store(Settings())
    specs = expected.specs(Workspace(store, CPU).seconds).values()
    cost = sum(Durations(store).of_run(spec) for spec in specs)
    gone = cache.seconds(fresh) - cache.seconds(expected)
    assert gone == pytest.approx(cost)


def test_every_budget_can_be_chosen():
    app = opened("compare")
    slider = app.select_slider(key="compare.seconds")
    assert slider.value == Comparison.model_fields["seconds"].default
    for seconds in (10, 30, 240):
        app.select_slider(key="compare.seconds").set_value(seconds).run()
        assert not app.exception
        study = cache.measured_or_shipped(Comparison(dataset=default_dataset(), seconds=seconds))
        assert f"Run {study.fingerprint[:12]}" in app.caption[-1].value


@pytest.mark.parametrize("name", ["dataset", "seconds", "seed"])
@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: ascii(text)[:20])
def test_nonsense_in_a_knob_is_said_in_one_sentence(name: str, text: str):
    app, sentence = warned({f"compare.{name}": text})
    assert len(sentence) == 1
    assert f"“{name}”" in sentence[0]
    assert shared(app) == {}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("text", [*NONSENSE, "0" * 64], ids=lambda text: ascii(text)[:20])
def test_nonsense_for_a_run_is_said_in_one_sentence_and_the_usual_pair_is_shown(side, text):
    app, sentence = warned(PAIR | {f"compare.{side}": text})
    assert len(sentence) == 1
    assert MISSING in sentence[0]
    assert [app.selectbox(key=f"compare.{each}").value for each in ("left", "right")] == [
        spec.fingerprint for spec in USUAL
    ]
    assert differing(app) == [["β", "1", "0"]]
    assert shared(app) == {key: [value] for key, value in PAIR.items()}


def test_an_unknown_knob_is_said_and_leaves_the_link():
    app, sentence = warned({"compare.colour": "red", "compare.seed": "3"})
    assert len(sentence) == 1
    assert "“colour”" in sentence[0]
    assert shared(app) == {"compare.seed": ["3"]}


def test_a_raw_client_cannot_pass_the_limits_of_a_knob():
    app = opened("compare")
    app.number_input(key="compare.seed").set_value(10**9)
    app.run()
    assert not app.exception
    study = cache.measured_or_shipped(Comparison(dataset=default_dataset()))
    assert f"Run {study.fingerprint[:12]}" in app.caption[-1].value


def test_a_pair_survives_in_the_link():
    app = opened("compare", PAIR)
    left, right = RunSpec.of_preset("gan"), RunSpec.of_preset("stacked")
    app.selectbox(key="compare.left").set_value(left.fingerprint).run()
    app.selectbox(key="compare.right").set_value(right.fingerprint).run()
    assert not app.exception
    link = shared(app)
    chosen = {"compare.left": [left.fingerprint], "compare.right": [right.fingerprint]}
    assert link == chosen | {key: [value] for key, value in PAIR.items()}
    again = opened("compare", {name: value[0] for name, value in link.items()})
    assert not again.warning
    assert differing(again) == differing(app)
    assert ["Family", "gan", "stacked"] in differing(again)


def test_a_run_beside_itself_has_nothing_to_compare():
    app = opened("compare", PAIR | {"compare.right": USUAL[0].fingerprint})
    assert any("the same run" in item.value for item in app.info)
    assert not app.table


@pytest.mark.parametrize(
    ("left", "right"),
    [
        *(("linear", "gan2d"), ("gan2d", "gan2d:collapse"), ("ddpm:in the plane", "gan2d")),
        *(("linear:ellipse", "linear:break it"), ("ddpm", "flow"), ("dcgan", "sparse")),
    ],
)
def test_any_two_shipped_runs_can_be_drawn_side_by_side(left: str, right: str):
    specs = [RunSpec.of_preset(*name.split(":")) for name in (left, right)]
    if not all(map(cache.finished, specs)):
        pytest.skip("not shipped")
    names = [spec.fingerprint for spec in specs]
    app = opened("compare", PAIR | {"compare.left": names[0], "compare.right": names[1]})
    assert not app.warning
    assert len(app.table) == 2, "what was asked for, and what came of it"


def test_what_is_trained_here_can_be_chosen_before_what_is_shipped():
    run = trained(epochs=1)
    open_store(Settings()).write_run(run.spec.fingerprint, run.to_files())
    app = opened("compare", PAIR | {"compare.left": run.spec.fingerprint})
    assert not app.warning
    names = app.selectbox(key="compare.left").options
    own = names.index(run_choice.run_title(run.spec))
    assert own < names.index(run_choice.run_title(RunSpec.of_preset("flow")))
    shipped = {
        run_choice.run_title(spec)
        for name in cache.store().fingerprints()
        if (spec := cache.spec_of(name))
    }
    assert shipped <= set(names)


def test_figures_of_both_runs_are_told():
    app = opened("compare", PAIR)
    rows = {name: (one, other) for name, one, other in app.table[1].value.to_numpy()}
    for side, spec in enumerate(USUAL):
        metrics = cache.finished(spec).provenance.metrics
        assert rows["test MSE"][side] == f"{metrics['test_mse']:.4g}"
        weights = sum(weight.numel() for weight in spec.build().parameters())
        assert rows["weights and biases"][side] == f"{weights:,}"


def test_two_runs_that_differ_in_the_recipe_alone_say_so():
    left = trained(epochs=1).spec
    train = TrainConfig(batch_size=64, epochs=1, seed=4)
    right = left.model_copy(update={"train": train})
    store = open_store(Settings())
    for spec in (left, right):
        *_, run = perform(spec, CPU)
        store.write_run(spec.fingerprint, run.to_files())
    chosen = {"compare.left": left.fingerprint, "compare.right": right.fingerprint}
    assert differing(opened("compare", PAIR | chosen)) == [["Seed", "0", "4"]]
