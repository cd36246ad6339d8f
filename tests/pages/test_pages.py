"""Every page draws, its knobs are the configs, and no link can make it fail or train."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from genlib.config import TrainConfig
from genlib.data import DATASETS, default_dataset
from genlib.jobs import Jobs
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.settings import Settings
from tests.support.app import NONSENSE, opened, shared, shown_run
from ui.navigation import PLAN
from ui.runs.knobs import usual_dataset
from ui.server.lifespan import warm

LESSONS = [name for name in PLAN if name in FAMILIES]


@pytest.fixture(scope="module", autouse=True)
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A house of its own for this module, in which nobody asks for a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLIB_HOME", str(tmp_path_factory.mktemp("home")))
        st.cache_resource.clear()
        st.cache_data.clear()
        warm.set()
        yield
        assert Jobs(Settings()).client.list_workflows(load_input=False) == []
        st.cache_resource.clear()
        st.cache_data.clear()


def knobs(app: AppTest, family: str) -> dict[str, Any]:
    """Return the widgets of a family by the name of their field."""
    keyed = [(getattr(item, "key", None) or "", item) for item in app.main]
    prefix = f"{family}."
    return {key.removeprefix(prefix): item for key, item in keyed if key.startswith(prefix)}


FUZZED = ["stacked", "denoising"]  # between them they have every kind of widget
DATA = [
    (family, name)
    for family in LESSONS
    for name, source in DATASETS.items()
    if source.kind in FAMILIES[family].learns and name != usual_dataset(family)
]


def spec_of(family: str, preset: str = "") -> RunSpec:
    """Return a preset's run with the data set that this machine has; the first by default."""
    spec = RunSpec.of_preset(family, preset or None)
    here = default_dataset() if spec.dataset == "fashion_mnist" else spec.dataset
    return spec.model_copy(update={"dataset": here})


def fields_of(family: str) -> dict[str, Any]:
    return FAMILIES[family].config_type.model_fields | TrainConfig.model_fields


@pytest.mark.parametrize("name", PLAN)
def test_a_page_draws(name: str):
    app = opened(name)
    assert len(app.title) == 1
    assert not app.warning
    assert "Traceback" not in "".join(str(item) for item in app.markdown)


def test_every_family_has_its_page():
    assert FAMILIES.keys() <= PLAN.keys()


@pytest.mark.parametrize("family", LESSONS)
def test_every_field_of_the_configs_is_a_knob_at_its_default(family: str):
    app, spec = opened(family), spec_of(family)
    widgets = knobs(app, family)
    wanted = spec.model.model_dump() | spec.train.model_dump()
    for name, field in fields_of(family).items():
        assert widgets[name].label == field.title
        assert widgets[name].help == field.description
        assert widgets[name].value == wanted[name]
    assert widgets["dataset"].value == usual_dataset(family)
    assert shown_run(app) == spec.fingerprint[:12]
    assert shared(app) == {}


@pytest.mark.parametrize(
    ("family", "preset"),
    [(family, preset) for family in LESSONS for preset in FAMILIES[family].presets],
)
def test_a_preset_sets_every_knob_and_is_shared_by_its_link(family: str, preset: str):
    app = opened(family)
    app.button(key=f"{family}-preset-{preset}").click().run()
    spec = spec_of(family, preset)
    widgets = knobs(app, family)
    for name, value in (spec.model.model_dump() | spec.train.model_dump()).items():
        assert widgets[name].value == value
    assert shown_run(app) == spec.fingerprint[:12]
    again = opened(family, shared(app))
    assert shown_run(again) == spec.fingerprint[:12]
    assert not [told.value for told in again.warning if "link" in told.value]


@pytest.mark.parametrize("family", LESSONS)
def test_a_preset_after_a_link_is_no_wrong_link(family: str):
    app = opened(family, {f"{family}.seed": "7"})
    app.button(key=f"{family}-preset-{list(FAMILIES[family].presets)[1]}").click().run()
    assert not app.warning
    assert knobs(app, family)["seed"].value == 0


@pytest.mark.parametrize("family", LESSONS)
def test_a_knob_changes_the_run_and_the_link_holds_that_knob_alone(family: str):
    app, spec = opened(family, {f"{family}.seed": "7"}), spec_of(family)
    seeded = spec.model_copy(update={"train": spec.train.model_copy(update={"seed": 7})})
    assert shown_run(app) == seeded.fingerprint[:12] != spec.fingerprint[:12]
    assert shared(app) == {f"{family}.seed": ["7"]}
    app.number_input(key=f"{family}.seed").set_value(0).run()
    assert shown_run(app) == spec.fingerprint[:12]


@pytest.mark.parametrize("family", LESSONS)
def test_the_first_screen_shows_the_shipped_run(family: str):
    app = opened(family)
    assert any("shipped" in item.value for item in app.markdown)
    assert [item.label for item in app.get("download_button")].count("Weights") == 1


@pytest.mark.parametrize(("family", "dataset"), DATA)
def test_every_data_set_can_be_chosen_and_shared(family: str, dataset: str):
    app = opened(family, {f"{family}.dataset": DATASETS[dataset].title})
    assert not any("not possible" in item.value for item in app.warning)
    assert app.selectbox(key=f"{family}.dataset").value == dataset
    document = spec_of(family).model_dump() | {"dataset": dataset}
    assert shown_run(app) == RunSpec.model_validate(document).fingerprint[:12]
    assert shared(app) == {f"{family}.dataset": [DATASETS[dataset].title]}


@pytest.mark.parametrize("family", FUZZED)
@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: ascii(text)[:20])
def test_nonsense_in_every_knob_at_once_gives_the_defaults_and_a_notice(family: str, text: str):
    names = [*fields_of(family), "dataset"]
    app = opened(family, {f"{family}.{name}": text for name in names})
    assert shown_run(app) == spec_of(family).fingerprint[:12]
    assert len(app.warning) == 1
    assert "not possible here" in app.warning[0].value
    assert len(app.warning[0].value) < 500
    assert shared(app) == {}
    app.number_input(key=f"{family}.seed").set_value(7).run()
    assert not app.exception
    assert not app.warning
    assert shown_run(app) != spec_of(family).fingerprint[:12]


@pytest.mark.parametrize("family", FUZZED)
@pytest.mark.parametrize("name", TrainConfig.model_fields)
def test_nonsense_in_one_knob_names_it_and_leaves_the_others(family: str, name: str):
    asked = {f"{family}.seed": "5", f"{family}.epochs": "3", f"{family}.{name}": "-3.25e7"}
    app = opened(family, asked)
    assert f"“{name}”" in app.warning[0].value
    widgets = knobs(app, family)
    default = spec_of(family).train
    for knob, value in {"seed": 5, "epochs": 3}.items():
        assert widgets[knob].value == (getattr(default, knob) if knob == name else value)


@pytest.mark.parametrize("unknown", ["nonsense", "beta=4", "<b>x</b>", "x" * 2000, "🦊"])
@pytest.mark.parametrize("prefix", ["", "{family}.", "page."])
@pytest.mark.parametrize("family", FUZZED)
def test_an_unknown_name_is_said_and_not_passed_on(family: str, prefix: str, unknown: str):
    app = opened(family, {prefix.format(family=family) + unknown: "1", f"{family}.seed": "3"})
    assert len(app.warning) == 1
    assert knobs(app, family)["seed"].value == 3
    assert shared(app) == {f"{family}.seed": ["3"]}


@pytest.mark.parametrize("family", LESSONS)
def test_a_name_from_a_link_is_shown_as_text_not_as_markup(family: str):
    app = opened(family, {"![x](http://a.example/p)": "1", "[win](http://a.example)": "1"})
    assert not re.search(r"\]\(|http:|`|<", app.warning[0].value)


@pytest.mark.parametrize("family", FUZZED)
@given(
    query=some.dictionaries(
        some.sampled_from([*TrainConfig.model_fields, "codings", "rewind", "picture", "dataset"]),
        some.one_of(
            some.text(max_size=30),
            some.integers().map(str),
            some.floats().map(str),
            some.lists(some.integers(0, 40).map(str), min_size=2, max_size=3),
        ),
        max_size=8,
    )
)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_any_link_gives_a_valid_run_and_a_link_that_gives_it_again(
    family: str, query: dict[str, Any]
):
    app = opened(family, {f"{family}.{name}": text for name, text in query.items()})
    link = shared(app)
    again = opened(family, link)
    assert shown_run(again) == shown_run(app)
    assert not [told.value for told in again.warning if "link" in told.value]


@pytest.mark.parametrize("family", LESSONS)
def test_a_raw_client_cannot_pass_the_limits_of_a_widget(family: str):
    app = opened(family)
    app.number_input(key=f"{family}.seed").set_value(10**9)
    app.session_state[f"{family}.warmup"] = 7.5
    app.run()
    assert not app.exception
    assert shown_run(app) == spec_of(family).fingerprint[:12]
