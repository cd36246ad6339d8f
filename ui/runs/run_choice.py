"""Choosing one of the finished runs of this server: the link holds its fingerprint."""

from collections.abc import Callable

import streamlit as st

from genlib.data import DATASETS
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from ui import cache

MOST = 80  # runs to choose from
SEARCHED = 400  # runs among which they are looked for


def run_choice(
    label: str,
    key: str,
    default: RunSpec,
    wanted: Callable[[RunSpec], bool] = lambda _: True,
    explained: str = "Any run that is finished on this server, the newest first.",
) -> RunSpec:
    """Return the specification of a finished run that the student chooses.

    The link names it, unless it is the default; one that is not here is said to be missing.
    """
    asked = st.query_params.get(key, default.fingerprint)
    specs = _specs(asked, default, wanted)
    here = st.session_state.pop(key, asked)
    if here in specs:
        st.session_state[key] = here
    else:
        st.warning(
            "The link asks for a run that is not on this server: choose another, or train it on "
            "its own page first.",
            icon=":material/link_off:",
        )
    chosen: str = st.selectbox(
        label, list(specs), format_func=lambda name: titled(specs[name]), key=key, help=explained
    )
    if chosen == default.fingerprint:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = chosen
    return specs[chosen]


def _specs(asked: str, default: RunSpec, wanted: Callable[[RunSpec], bool]) -> dict[str, RunSpec]:
    """Return the runs to choose from, by fingerprint: the default first, the shipped ones last."""
    store = cache.store()
    order = list(FAMILIES)
    names = store.fingerprints()
    shipped = {name for name in names if store.is_shipped(name)}
    own = [name for name in names if name not in shipped][:SEARCHED]
    newest = [spec for spec in map(cache.spec_of, (asked, *own)) if spec and wanted(spec)][:MOST]
    bundled = [spec for spec in map(cache.spec_of, sorted(shipped)) if spec and wanted(spec)]
    bundled.sort(key=lambda spec: order.index(spec.family))
    return {spec.fingerprint: spec for spec in (default, *newest, *bundled)}


def titled(spec: RunSpec) -> str:
    """Return a run's title: its family, preset, data set, and the start of its fingerprint."""
    presets = FAMILIES[spec.family].presets
    same = [
        name
        for name, preset in presets.items()
        if (preset.model, preset.train) == (spec.model, spec.train)
    ]
    kind = same[0] if same else "own knobs"
    return f"{spec.family}, {kind}, {DATASETS[spec.dataset].title} ({spec.fingerprint[:6]})"
