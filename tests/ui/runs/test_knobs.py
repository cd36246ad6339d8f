"""The knobs of every family by themselves: widget, config and link say the same.

A script of a few lines draws them, without the rest of their page.
"""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from genlib.config import Config, TrainConfig
from genlib.data import DATASETS, default_dataset
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from tests.support.app import NONSENSE, shared, shown_run
from ui.runs.knobs import usual_dataset

PRESETS = [(family, preset) for family in FAMILIES for preset in FAMILIES[family].presets]
OTHER_DATA = [
    (family, name)
    for family in FAMILIES
    for name, source in DATASETS.items()
    if source.kind in FAMILIES[family].learns and name != usual_dataset(family)
]
DIGITS = [family for family in FAMILIES if "pictures" in FAMILIES[family].learns]
FUZZED = ["stacked", "denoising"]  # between them they have every kind of widget
every_family = pytest.mark.parametrize("family", FAMILIES)


def script(family: str) -> None:
    from urllib.parse import urlencode

    import streamlit as st

    from ui.runs.knobs import knobs

    spec = knobs(family)
    address = st.query_params.to_dict().items()
    own = [(key, value) for key, value in address if key.startswith(f"{family}.")]
    st.code(f"/{family}?{urlencode(own)}")
    st.caption(f"Run {spec.fingerprint[:12]}")


def drawn(family: str, query: dict[str, Any] | None = None) -> AppTest:
    """Return a family's knobs as a visitor of a link sees them."""
    app = AppTest.from_function(script, kwargs={"family": family}, default_timeout=60)
    for key, value in (query or {}).items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def widgets(app: AppTest, family: str) -> dict[str, Any]:
    """Return the widgets of a family by the name of their field."""
    keyed = [(getattr(item, "key", None) or "", item) for item in app.main]
    prefix = f"{family}."
    return {key.removeprefix(prefix): item for key, item in keyed if key.startswith(prefix)}


def values(spec: RunSpec) -> dict[str, Any]:
    """Return what the knobs of a run stand at."""
    return spec.model.model_dump() | spec.train.model_dump()


def spec_of(family: str, preset: str | None = None) -> RunSpec:
    """Return a preset's run with the data set that this machine has; the first by default."""
    usual = RunSpec.of_preset(family, preset).dataset
    here = default_dataset() if usual == "fashion_mnist" else usual
    return RunSpec.of_preset(family, preset, here)


def fields_of(family: str) -> dict[str, Any]:
    return FAMILIES[family].config_type.model_fields | TrainConfig.model_fields


@every_family
def test_every_field_of_the_configs_is_a_knob_at_its_default(family: str):
    app, spec = drawn(family), spec_of(family)
    knobs, defaults = widgets(app, family), values(spec)
    for name, field in fields_of(family).items():
        assert knobs[name].label == field.title
        assert knobs[name].help == field.description
        assert knobs[name].value == defaults[name]
    assert knobs["dataset"].value == usual_dataset(family)
    assert shown_run(app) == spec.fingerprint[:12]
    assert shared(app) == {}


@pytest.mark.parametrize(("family", "preset"), PRESETS)
def test_a_preset_sets_every_knob_and_is_shared_by_its_link(family: str, preset: str):
    app, spec = drawn(family), spec_of(family, preset)
    app.button(key=f"{family}-preset-{preset}").click().run()
    knobs = widgets(app, family)
    assert {name: knobs[name].value for name in values(spec)} == values(spec)
    assert shown_run(app) == spec.fingerprint[:12]
    again = drawn(family, shared(app))
    assert shown_run(again) == spec.fingerprint[:12]
    assert not again.warning


@every_family
def test_a_preset_after_a_link_is_no_wrong_link(family: str):
    app = drawn(family, {f"{family}.seed": "7"})
    app.button(key=f"{family}-preset-{list(FAMILIES[family].presets)[1]}").click().run()
    assert not app.warning
    assert widgets(app, family)["seed"].value == 0


@every_family
def test_a_knob_changes_the_run_and_the_link_holds_that_knob_alone(family: str):
    app, spec = drawn(family, {f"{family}.seed": "7"}), spec_of(family)
    seeded = spec.model_copy(update={"train": spec.train.model_copy(update={"seed": 7})})
    assert shown_run(app) == seeded.fingerprint[:12] != spec.fingerprint[:12]
    assert shared(app) == {f"{family}.seed": ["7"]}
    app.number_input(key=f"{family}.seed").set_value(0).run()
    assert shown_run(app) == spec.fingerprint[:12]


def choices(family: str) -> some.SearchStrategy[dict[str, Any]]:
    """Return values for some of a family's knobs, each one that its widget can take."""
    knobs = dict[str, some.SearchStrategy[Any]]()
    for config in (FAMILIES[family].config_type, TrainConfig):
        for name, schema in config.model_json_schema()["properties"].items():
            if options := schema.get("enum") or schema.get("options"):
                knobs[name] = some.sampled_from(options)
            elif schema["type"] == "boolean":
                knobs[name] = some.booleans()
            elif schema["type"] == "integer":
                knobs[name] = some.integers(schema["minimum"], schema["maximum"])
    return some.fixed_dictionaries({}, optional=knobs)


def written(value: Any) -> str:
    """Return a value as a link holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def changed(config: Config, chosen: dict[str, Any]) -> Config:
    """Return the config with those of the values that are its own."""
    own = {name: value for name, value in chosen.items() if name in type(config).model_fields}
    return type(config).model_validate(config.model_dump() | own)


@every_family
@given(data=some.data())
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_widget_config_and_link_say_the_same_wherever_the_knobs_stand(family: str, data):
    chosen = data.draw(choices(family))
    spec = spec_of(family)
    model, train = (changed(config, chosen) for config in (spec.model, spec.train))
    spec = spec.model_copy(update={"model": model, "train": train})
    moved = drawn(family)
    for name, value in chosen.items():
        widgets(moved, family)[name].set_value(value)
    assert shown_run(moved.run()) == spec.fingerprint[:12]
    app = drawn(family, {f"{family}.{name}": written(value) for name, value in chosen.items()})
    knobs, defaults = widgets(app, family), values(spec_of(family))
    assert {name: knobs[name].value for name in values(spec)} == values(spec)
    assert shown_run(app) == spec.fingerprint[:12]
    assert not app.warning
    differing = {name: value for name, value in chosen.items() if value != defaults[name]}
    assert shared(app) == {f"{family}.{name}": [written(differing[name])] for name in differing}


@pytest.mark.parametrize(("family", "dataset"), OTHER_DATA)
def test_every_data_set_can_be_chosen_and_shared(family: str, dataset: str):
    app = drawn(family, {f"{family}.dataset": DATASETS[dataset].title})  # a link of before
    assert not app.warning
    assert app.selectbox(key=f"{family}.dataset").value == dataset
    assert shown_run(app) == RunSpec.of_preset(family, dataset=dataset).fingerprint[:12]
    assert shared(app) == {f"{family}.dataset": [dataset]}
    assert shown_run(drawn(family, shared(app))) == shown_run(app)


def switched(app: AppTest, family: str, dataset: str) -> AppTest:
    """Return the knobs after a student chose another data set."""
    return app.selectbox(key=f"{family}.dataset").set_value(dataset).run()


@pytest.mark.parametrize("family", DIGITS)
def test_knobs_that_nobody_touched_follow_the_data_set_and_the_link_gives_the_same(family: str):
    app = drawn(family, {f"{family}.seed": "7"})
    for dataset in ("digits", "mnist", "digits"):
        spec = RunSpec.of_preset(family, dataset=dataset)
        train = spec.train.model_copy(update={"seed": 7})
        expected = spec.model_copy(update={"train": train}).fingerprint[:12]
        assert shown_run(switched(app, family, dataset)) == expected
        assert shown_run(drawn(family, shared(app))) == expected


@pytest.mark.parametrize("preset", FAMILIES["vae"].presets)
def test_a_preset_stays_the_same_preset_on_other_data(preset: str):
    app = drawn("vae")
    app.button(key=f"vae-preset-{preset}").click().run()
    for dataset in ("digits", "kmnist"):
        expected = RunSpec.of_preset("vae", preset, dataset).fingerprint[:12]
        assert shown_run(switched(app, "vae", dataset)) == expected
        assert shown_run(drawn("vae", shared(app))) == expected


def test_epochs_that_a_student_or_a_link_has_chosen_stay():
    asked = {"vae.dataset": DATASETS["digits"].title, "vae.epochs": "8"}
    assert widgets(drawn("vae", asked), "vae")["epochs"].value == 8
    app = drawn("vae", {"vae.epochs": "3"})
    for dataset in ("digits", "mnist"):
        assert widgets(switched(app, "vae", dataset), "vae")["epochs"].value == 3
        assert shared(app)["vae.epochs"] == ["3"]


@pytest.mark.parametrize(("family", "preset"), PRESETS)
def test_the_epochs_of_every_preset_on_digits_can_be_chosen(family: str, preset: str):
    if family in DIGITS:
        options = TrainConfig.model_json_schema()["properties"]["epochs"]["options"]
        assert RunSpec.of_preset(family, preset, "digits").train.epochs in options


@pytest.mark.parametrize("family", FUZZED)
@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: ascii(text)[:20])
def test_nonsense_in_every_knob_at_once_gives_the_defaults_and_a_notice(family: str, text: str):
    names = [*fields_of(family), "dataset"]
    app = drawn(family, {f"{family}.{name}": text for name in names})
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
    app = drawn(family, asked)
    assert f"“{name}”" in app.warning[0].value
    knobs, defaults = widgets(app, family), spec_of(family).train
    for knob, value in {"seed": 5, "epochs": 3}.items():
        assert knobs[knob].value == (getattr(defaults, knob) if knob == name else value)


@pytest.mark.parametrize("unknown", ["nonsense", "beta=4", "<b>x</b>", "x" * 2000, "🦊"])
@pytest.mark.parametrize("prefix", ["", "{family}.", "page."])
@pytest.mark.parametrize("family", FUZZED)
def test_an_unknown_name_is_reported_and_not_passed_on(family: str, prefix: str, unknown: str):
    app = drawn(family, {prefix.format(family=family) + unknown: "1", f"{family}.seed": "3"})
    assert len(app.warning) == 1
    assert widgets(app, family)["seed"].value == 3
    assert shared(app) == {f"{family}.seed": ["3"]}


@every_family
def test_a_name_from_a_link_is_shown_as_text_not_as_markup(family: str):
    app = drawn(family, {"![x](http://a.example/p)": "1", "[win](http://a.example)": "1"})
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
    app = drawn(family, {f"{family}.{name}": text for name, text in query.items()})
    again = drawn(family, shared(app))
    assert shown_run(again) == shown_run(app)
    assert not again.warning


@every_family
def test_a_raw_client_cannot_pass_the_limits_of_a_widget(family: str):
    app = drawn(family)
    app.number_input(key=f"{family}.seed").set_value(10**9)
    app.session_state[f"{family}.warmup"] = 7.5
    app.run()
    assert not app.exception
    assert shown_run(app) == spec_of(family).fingerprint[:12]
