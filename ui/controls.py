"""Widgets made from configs and bound to the URL: a link is the knobs, the knobs are a config."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import streamlit as st
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

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


def bound(page: str, name: str) -> dict[str, Any]:
    """Return the arguments by which a recorded widget is in the link: `**bound(page, name)`."""
    return {"key": view_key(page, name), "bind": "query-params"}


def extras(field: FieldInfo) -> Mapping[str, Any]:
    """Return what a field says of its widget: its options, its step, whether it is rare."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def widget(family: str, name: str, field: FieldInfo, default: Any) -> Any:
    """Draw the widget that fits a field's type; its label, range and help are the field's."""
    extra = extras(field)
    key = f"{family}.{name}"
    common: dict[str, Any] = {"key": key, "help": field.description}
    if _readable(name, st.query_params.get(key, "0")):
        common["bind"] = "query-params"
    else:
        del st.query_params[key]
    label = field.title or name
    choices: list[Any] = list(get_args(field.annotation)) or extra.get("options", [])
    if field.annotation is bool:
        return st.toggle(label, value=default, **common)
    if get_args(field.annotation) and len(get_args(field.annotation)) <= 3:
        return st.segmented_control(label, choices, default=default, required=True, **common)
    if get_args(field.annotation):
        return st.selectbox(label, choices, index=choices.index(default), **common)
    if choices:
        return st.select_slider(label, choices, value=default, format_func=_short, **common)
    low: Any = next(item.ge for item in field.metadata if isinstance(item, Ge))
    high: Any = next(item.le for item in field.metadata if isinstance(item, Le))
    if name == "seed":
        return st.number_input(label, low, high, value=default, **common)
    return st.slider(label, low, high, value=default, step=extra.get("step"), **common)


def _readable(name: str, text: str) -> bool:
    """Return whether Streamlit can read that from a link: it fails at blanks and endless seeds."""
    return bool(text) and (name != "seed" or re.fullmatch(r"[0-9]{1,9}", text) is not None)


def _short(value: float) -> str:
    return f"{value:g}"
