"""The knobs of a run or of a study: widgets of its fields, presets, and checks of the link."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import streamlit as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from genlib.config import Config, TrainConfig, sentence_of
from genlib.data import DATASETS, DatasetName, default_dataset
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from ui import links
from ui.controls import VIEWS, possible, widget
from ui.runs.dataset_choice import dataset_choice, link_dataset, possible_datasets
from ui.widgets import drawn_points

StudyType = TypeVar("StudyType", bound=Config)


def knobs(family: str) -> RunSpec:
    """Draw a family's presets and knobs, those that matter first; return the run they ask for.

    Whatever a link or a client sends, it is valid: values out of range fall back to the default,
    and a notice says so.
    """
    entry = FAMILIES[family]
    fields = entry.config_type.model_fields | TrainConfig.model_fields
    read_link(family, fields, learnable(family))
    slot = st.container()
    dataset = dataset_knob(family)
    default = RunSpec.of_preset(family, dataset=dataset)
    usual = _values(default)
    values = {name: widget(family, name, fields[name], usual[name]) for name in entry.knobs}
    with st.expander("More knobs"):
        for name in fields:
            if name not in values:
                values[name] = widget(family, name, fields[name], usual[name])
    spec = _validated(family, dataset, values)
    with slot:
        _presets(family, spec)
    return spec


def study_knobs(page: str, study: type[StudyType], names: tuple[str, ...]) -> StudyType:
    """Draw the choice of pictures and some fields of a study, the seed among them, in a row.

    As with `knobs`, the result is valid whatever a link or a client sends.
    """
    usual = default_dataset()
    pictures = [name for name, source in DATASETS.items() if source.kind == "pictures"]
    read_link(page, {name: study.model_fields[name] for name in names}, pictures)
    first, *columns = st.columns(1 + len(names), gap="medium")
    with first:
        dataset = _dataset(page, pictures, usual)
    values = dict[str, Any]()
    for name, column in zip(names, columns, strict=True):
        with column:
            field = study.model_fields[name]
            values[name] = widget(page, name, field, field.default)
    try:
        return study.model_validate({"dataset": dataset} | values)
    except ValidationError as error:
        _warn_of_invalid(error)
        return study.model_validate({"dataset": usual})


def apply_preset(family: str, name: str) -> None:
    """Set a family's knobs to a preset; for a button's `on_click`."""
    usual = usual_dataset(family)
    apply_spec(_of_preset(family, name, st.session_state.get(f"{family}.dataset", usual)))


def _of_preset(family: str, name: str, dataset: DatasetName) -> RunSpec:
    """Return a preset's run on the data set that is chosen, where it is of the preset's kind."""
    own = _available(FAMILIES[family].presets[name].dataset)
    same = DATASETS[own].kind == DATASETS[dataset].kind
    return RunSpec.of_preset(family, name, dataset if same else own)


def apply_spec(spec: RunSpec) -> None:
    """Set a family's knobs to a run's; for a button's `on_click`."""
    for knob, value in _values(spec).items():
        st.session_state[f"{spec.family}.{knob}"] = value
    link_dataset(f"{spec.family}.dataset", spec.dataset, usual_dataset(spec.family))


def _values(spec: RunSpec) -> dict[str, Any]:
    return spec.model.model_dump() | spec.train.model_dump()


def _follow(family: str, before: DatasetName, after: DatasetName) -> None:
    """Set knobs that stood at a preset to its values on other data; else those at the default."""
    presets = list(FAMILIES[family].presets)
    old = {name: _values(RunSpec.of_preset(family, name, before)) for name in presets}
    stand = {knob: st.session_state.get(f"{family}.{knob}") for knob in old[presets[0]]}
    name = next((name for name in presets if old[name] == stand), presets[0])
    for knob, value in _values(RunSpec.of_preset(family, name, after)).items():
        untouched = stand[knob] == old[name][knob]
        # Also one that stays is set: it may differ from the new default, and is then in the link.
        st.session_state[f"{family}.{knob}"] = value if untouched else stand[knob]


def preset_title(preset: str) -> str:
    """Return a preset's name as a title: only its first letter changes, PacGAN stays PacGAN."""
    return preset[:1].upper() + preset[1:]


def _presets(family: str, spec: RunSpec) -> None:
    """Draw a button for each preset; the one that the knobs stand at is filled."""
    with st.container(horizontal=True, gap="small"):
        for name, preset in FAMILIES[family].presets.items():
            current = spec == _of_preset(family, name, spec.dataset)
            st.button(
                preset_title(name),
                key=f"{family}-preset-{name}",
                help=preset.note,
                type="primary" if current else "secondary",
                on_click=partial(apply_preset, family, name),
            )


def usual_dataset(family: str) -> DatasetName:
    """Return a family's default data set: that of its first preset, where it is available."""
    return _available(next(iter(FAMILIES[family].presets.values())).dataset)


def _available(name: str) -> DatasetName:
    """Return a data set; in place of Fashion-MNIST where it is missing, scikit-learn's digits."""
    names: dict[str, DatasetName] = {key: key for key in DATASETS}
    return default_dataset() if name == "fashion_mnist" else names[name]


def learnable(family: str) -> list[DatasetName]:
    """Return the data sets that a family learns."""
    learns = FAMILIES[family].learns
    names = [name for name, source in DATASETS.items() if source.kind in learns]
    return [*names, *([drawn_points.EXAMPLE] if "plane" in learns else [])]


def dataset_knob(family: str) -> DatasetName:
    """Draw the choice of the data sets that a family learns."""
    name = usual_dataset(family)

    def follow() -> None:
        _follow(family, before=name, after=st.session_state[f"{family}.dataset"])

    name = _dataset(family, learnable(family), name, follow)
    return drawn_points.drawn(family) if name == drawn_points.EXAMPLE else name


def _dataset(
    page: str,
    names: list[DatasetName],
    usual: DatasetName,
    on_change: Callable[[], None] | None = None,
) -> DatasetName:
    """Draw the choice among data sets; `usual` is the default."""
    name = dataset_choice(
        "Data set",
        f"{page}.dataset",
        names,
        usual,
        "What to learn. Pictures that are not on the server are downloaded when you train.",
        on_change,
    )
    if usual == "digits" and name == "digits":
        st.caption("Fashion-MNIST is not on this server, so scikit-learn's digits stand in.")
    return name


def _validated(family: str, dataset: str, values: dict[str, Any]) -> RunSpec:
    """Return the specification of the knobs' values; that of the default where one is invalid."""
    train = {name: values[name] for name in TrainConfig.model_fields}
    model = {name: value for name, value in values.items() if name not in train}
    document = {"family": family, "dataset": dataset, "model": model, "train": train}
    try:
        return RunSpec.model_validate(document)
    except ValidationError as error:
        _warn_of_invalid(error)
        return RunSpec.of_preset(family, dataset=usual_dataset(family))


def _warn_of_invalid(error: ValidationError) -> None:
    """Draw a warning that names the fields whose values are out of range."""
    st.warning(f"{sentence_of(error)[:400]} The defaults are used instead.")


def read_link(
    page: str, fields: Mapping[str, FieldInfo], datasets: Sequence[DatasetName] = ()
) -> None:
    """Read what the link says of a page's knobs and views as it is meant; say what is not here.

    A page calls it before it draws a widget.
    """
    titles = {name: field.title or "" for name, field in fields.items()}
    names = dict.fromkeys(sorted(VIEWS), "") | {"dataset": "Data set"} | titles
    refused = links.settle_names(page, names)
    for name, field in fields.items():
        refused.append(links.settle(f"{page}.{name}", possible(field)))
    refused.append(links.settle(f"{page}.dataset", possible_datasets(datasets)))
    links.warn(refused)
