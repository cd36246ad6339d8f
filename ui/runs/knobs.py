"""The knobs of a run or of a study: widgets made from its config, and what a link asked."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

import streamlit as st
from pydantic import ValidationError

from genlib.config import Config, TrainConfig
from genlib.data import DATASETS, DatasetName, default_dataset
from genlib.entry import Preset
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from ui.controls import VIEWS, extras, widget
from ui.widgets import drawn_points

Asked = TypeVar("Asked", bound=Config)


def knobs(family: str) -> RunSpec:
    """Draw a family's presets and knobs; return the run that they stand for.

    Whatever a link or a client sends, the result is valid: what is not falls back to the
    default, and a notice says so.
    """
    fields = FAMILIES[family].config_type.model_fields | TrainConfig.model_fields
    asked = _asked(family, {*fields, "dataset"})
    presets = FAMILIES[family].presets
    default = next(iter(presets.values()))
    slot = st.container()
    dataset = dataset_knob(family)
    model = _widgets(family, default.model, hidden=False)
    train = _widgets(family, default.train, hidden=False)
    with st.expander("More knobs"):
        model |= _widgets(family, default.model, hidden=True)
        train |= _widgets(family, default.train, hidden=True)
    spec = _validated(family, dataset, model, train)
    with slot:
        title = DATASETS[dataset].title  # what the address calls it
        _say_what_was_dropped(family, asked, {"dataset": title} | model | train)
        _presets(family, presets, spec)
    return spec


def study_knobs(page: str, kind: type[Asked], names: tuple[str, ...]) -> Asked:
    """Draw the choice of pictures and some fields of a study, the seed among them, in a row.

    As with `knobs`, the result is valid whatever a link or a client sends.
    """
    asked, usual = _asked(page, {*names, "dataset"}), default_dataset()
    first, *columns = st.columns(1 + len(names), gap="medium")
    with first:
        pictures = [name for name, source in DATASETS.items() if source.kind == "pictures"]
        dataset = _dataset(page, pictures, usual)
    values = dict[str, Any]()
    for name, column in zip(names, columns, strict=True):
        with column:
            field = kind.model_fields[name]
            values[name] = widget(page, name, field, field.default)
    _say_what_was_dropped(page, asked, {"dataset": DATASETS[dataset].title} | values)
    try:
        return kind.model_validate({"dataset": dataset} | values)
    except ValidationError as error:
        _say_what_is_wrong(error)
        return kind.model_validate({"dataset": usual})


def _widgets(family: str, default: Config, *, hidden: bool) -> dict[str, Any]:
    """Draw the widgets of a config, those that lie behind "More knobs" or the others."""
    return {
        name: widget(family, name, field, getattr(default, name))
        for name, field in type(default).model_fields.items()
        if extras(field).get("rare", False) == hidden
    }


def apply_preset(family: str, name: str) -> None:
    """Set a family's knobs to a preset; for a button's `on_click`."""
    preset = FAMILIES[family].presets[name]
    wanted = _here(preset.dataset)
    if not _alike(wanted, st.session_state.get(f"{family}.dataset", wanted)):
        st.session_state[f"{family}.dataset"] = wanted  # else the student's own choice stays
    _set(family, preset.model.model_dump() | preset.train.model_dump())


def _alike(one: DatasetName, other: DatasetName) -> bool:
    """Return whether what learns the one data set also learns the other."""
    return DATASETS[one].kind == DATASETS[other].kind


def apply_spec(spec: RunSpec) -> None:
    """Set a family's knobs to a run's; for a button's `on_click`."""
    values = spec.model.model_dump() | spec.train.model_dump()
    _set(spec.family, values | {"dataset": spec.dataset})


def _set(family: str, values: Mapping[str, Any]) -> None:
    for knob, value in values.items():
        st.session_state[f"{family}.{knob}"] = value


def titled(preset: str) -> str:
    """Return a preset's name as a title: only its first letter changes, PacGAN stays PacGAN."""
    return preset[:1].upper() + preset[1:]


def _presets(family: str, presets: Mapping[str, Preset], spec: RunSpec) -> None:
    """Draw a button for each preset; the one that the knobs stand at is filled."""
    with st.container(horizontal=True, gap="small"):
        for name, preset in presets.items():
            here = (preset.model, preset.train) == (spec.model, spec.train)
            here = here and _alike(spec.dataset, _here(preset.dataset))
            st.button(
                titled(name),
                key=f"{family}-preset-{name}",
                help=preset.note,
                type="primary" if here else "secondary",
                on_click=partial(apply_preset, family, name),
            )


def usual_dataset(family: str) -> DatasetName:
    """Return what a family learns by default: its first preset's data set, if it is here."""
    return _here(next(iter(FAMILIES[family].presets.values())).dataset)


def _here(name: str) -> DatasetName:
    """Return that data set; for Fashion-MNIST where it is missing, its stand-in."""
    known: dict[str, DatasetName] = {key: key for key in DATASETS}
    return default_dataset() if name == "fashion_mnist" else known[name]


def dataset_knob(family: str) -> DatasetName:
    """Draw the choice of the data sets that a family learns."""
    learns = FAMILIES[family].learns
    names = [name for name, source in DATASETS.items() if source.kind in learns]
    if "plane" in learns:
        names.append(drawn_points.EXAMPLE)
    chosen = _dataset(family, names, usual_dataset(family))
    return drawn_points.drawn(family) if chosen == drawn_points.EXAMPLE else chosen


def _dataset(page: str, names: list[DatasetName], usual: DatasetName) -> DatasetName:
    chosen: DatasetName = st.selectbox(
        "Data set",
        names,
        index=names.index(usual),
        format_func=lambda name: DATASETS[name].title,
        key=f"{page}.dataset",
        help="What to learn. Pictures that are not on the server are downloaded when you train.",
        bind="query-params",
    )
    if usual == "digits" and chosen == "digits":
        st.caption("Fashion-MNIST is not on this server, so scikit-learn's digits stand in.")
    return chosen


def _validated(family: str, dataset: str, model: dict[str, Any], train: dict[str, Any]) -> RunSpec:
    document = {"family": family, "dataset": dataset, "model": model, "train": train}
    try:
        return RunSpec.model_validate(document)
    except ValidationError as error:
        _say_what_is_wrong(error)
        return RunSpec.of_preset(family, dataset=usual_dataset(family))


def _say_what_is_wrong(error: ValidationError) -> None:
    wrong = ", ".join(sorted({str(item["loc"][-1]) for item in error.errors()}))
    st.warning(f"Not a possible value for: {wrong[:200]}. The defaults are used instead.")


def _asked(page: str, fields: set[str]) -> dict[str, str]:
    """Return what the link asks for, on the page's first run; unknown knobs leave the address."""
    if f"{page}.seed" in st.session_state:  # from now on it is the student who changes knobs
        return {}
    asked = st.query_params.to_dict()
    known = {f"{page}.{name}" for name in (*fields, *VIEWS)}
    for name in asked:
        if name.startswith(f"{page}.") and name not in known:
            del st.query_params[name]
    return asked


def _say_what_was_dropped(page: str, asked: dict[str, str], got: dict[str, Any]) -> None:
    """Compare what the link asked for with what the knobs now say."""
    values = {f"{page}.{name}": value for name, value in got.items()}
    views = {f"{page}.{name}" for name in VIEWS}
    dropped = [
        re.sub(r"[^\w.]", "?", name.removeprefix(f"{page}."))[:40]
        for name, text in asked.items()
        if name not in views and not (name in values and _same(text, values[name]))
        if not name.startswith("__")  # what a host that embeds the page adds
    ]
    if dropped:
        names = ", ".join(f"“{name}”" for name in dropped[:5])
        st.warning(
            f"The link asked for something that is not possible here: {names}. "
            "Those knobs stand at their defaults.",
            icon=":material/link_off:",
        )


def _same(text: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text.lower() == str(value).lower()
    try:
        return float(text) == float(value)
    except ValueError:
        return False
