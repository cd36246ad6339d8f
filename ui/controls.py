"""Widgets made from configs and bound to the URL: a link is the knobs, the knobs are a config."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args

import streamlit as st
from annotated_types import Ge, Le, MultipleOf
from pydantic.fields import FieldInfo

from ui import links
from ui.links import YES_OR_NO, Names, Numbers

T = TypeVar("T")

VIEWS = set[str]()  # recorded names


def record_views(*names: str) -> None:
    """Record the names of widgets that are in the link but no part of a run.

    A module that draws such widgets calls it when it is imported, so that a link's names are
    known before the widgets are drawn, which may be in a part that is not open yet.
    """
    VIEWS.update(names)


def view_key(page: str, name: str) -> str:
    """Return the key of a recorded widget, which is also its name in the link.

    Raises:
        KeyError: nobody recorded that name, so a link that holds it would be refused.
    """
    if name not in VIEWS:
        raise KeyError(name)
    return f"{page}.{name}"


def bound(key: str, allowed: Numbers | Names, *, several: bool = False) -> dict[str, Any]:
    """Return the arguments by which a widget is in the link; say what it asks for in vain."""
    links.warn([links.settle(key, allowed, several=several)])
    return {"key": key, "bind": "query-params"}


def ranged(page: str, name: str, low: Any, high: Any) -> dict[str, Any]:
    """Return the arguments of a recorded widget of numbers: `**ranged(page, name, 0, 9)`."""
    numbers = Numbers(low, high)
    return bound(view_key(page, name), numbers) | {"min_value": low, "max_value": high}


def one_of(
    page: str, name: str, options: Sequence[T], format_func: Callable[[T], str] = str
) -> dict[str, Any]:
    """Return the arguments of a recorded choice: `**one_of(page, name, options)`."""
    names = Names.of(map(format_func, options))
    choice = {"options": options, "format_func": format_func}
    return bound(view_key(page, name), names) | choice


def some_of(page: str, name: str, options: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a recorded choice of any number of options."""
    names = bound(view_key(page, name), Names.of(options), several=True)
    return names | {"options": options, "selection_mode": "multi"}


def extras(field: FieldInfo) -> Mapping[str, Any]:
    """Return what a field says of its widget: its options, its step, whether it is rare."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def possible(field: FieldInfo) -> Numbers | Names:
    """Return what a link may say for a field."""
    if field.annotation is bool:
        return YES_OR_NO
    if choices := get_args(field.annotation):
        return Names.of(choices)
    limits = {type(item): item for item in field.metadata}
    step = limits[MultipleOf].multiple_of if MultipleOf in limits else 1
    return Numbers(limits[Ge].ge, limits[Le].le, step)


def widget(family: str, name: str, field: FieldInfo, default: Any) -> Any:
    """Draw the widget that fits a field's type; its label, range and help are the field's."""
    extra, allowed = extras(field), possible(field)
    common = bound(f"{family}.{name}", allowed) | {"help": field.description}
    label = field.title or name
    if field.annotation is bool:
        return st.toggle(label, value=default, **common)
    if isinstance(allowed, Names):
        choices = list(get_args(field.annotation))
        if len(choices) <= 3:
            return st.segmented_control(label, choices, default=default, required=True, **common)
        return st.selectbox(label, choices, index=choices.index(default), **common)
    if "options" in extra:
        options = links.marks(f"{family}.{name}", [*extra["options"], default], allowed)
        return st.select_slider(label, options, default, format_func=links.written, **common)
    limits: Any = {"min_value": allowed.low, "max_value": allowed.high}
    if name == "seed":
        return st.number_input(label, value=default, **limits, **common)
    return st.slider(label, value=default, step=extra.get("step"), **limits, **common)
