"""Choosing one of the finished runs of this server: the link holds its fingerprint."""

from collections.abc import Callable

import streamlit as st

from genlib.data import DATASETS
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from ui import cache

MOST, SEARCHED = 80, 400  # runs to choose from, and those among which they are looked for


def run_choice(
    label: str,
    key: str,
    default: RunSpec,
    wanted: Callable[[RunSpec], bool] = lambda _: True,
    explained: str = "Any run that is finished on this server, the newest first.",
) -> RunSpec:
    """Draw the choice of a finished run; return its specification.

    The link holds its fingerprint, unless it is the default; a warning says where that run is not
    on this server.
    """
    linked = st.query_params.get(key, default.fingerprint)
    specs = _specs(linked, default, wanted)
    current = st.session_state.pop(key, linked)
    if current in specs:
        st.session_state[key] = current
    else:
        st.warning(
            "The link asks for a run that is not on this server: choose another, or train it on "
            "its own page first.",
            icon=":material/link_off:",
        )
    fingerprint: str = st.selectbox(
        label,
        list(specs),
        format_func=lambda name: run_title(specs[name]),
        key=key,
        help=explained,
    )
    if fingerprint == default.fingerprint:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = fingerprint
    return specs[fingerprint]


def _specs(linked: str, default: RunSpec, wanted: Callable[[RunSpec], bool]) -> dict[str, RunSpec]:
    """Return what there is to choose, by fingerprint: the default first, the shipped runs last."""
    store, order = cache.store(), list(FAMILIES)
    names = store.fingerprints()
    shipped = {name for name in names if store.is_shipped(name)}
    own = [name for name in names if name not in shipped][:SEARCHED]
    newest = [spec for spec in map(cache.spec_of, (linked, *own)) if spec and wanted(spec)][:MOST]
    packaged = [spec for spec in map(cache.spec_of, sorted(shipped)) if spec and wanted(spec)]
    packaged.sort(key=lambda spec: order.index(spec.family))
    return {spec.fingerprint: spec for spec in (default, *newest, *packaged)}


def run_title(spec: RunSpec) -> str:
    """Return what a run is called: its family, preset, data set, and the start of its name."""
    presets = {
        name: RunSpec.of_preset(spec.family, name, spec.dataset)
        for name in FAMILIES[spec.family].presets
    }
    equal = (
        name
        for name, preset in presets.items()
        if (preset.model, preset.train) == (spec.model, spec.train)
    )
    preset, dataset = next(equal, "own knobs"), DATASETS[spec.dataset].title
    return f"{spec.family}, {preset}, {dataset} ({spec.fingerprint[:6]})"
