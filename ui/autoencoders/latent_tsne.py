"""The map of the codings: a click on a picture shows it, its reconstruction and its neighbours."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
import torch
from safetensors.numpy import load

from genlib.data import DATASETS, Dataset
from genlib.family import encoding, to_float
from genlib.plots import picture_map
from genlib.runs.run import Run
from genlib.studies import CodeMap
from ui import cache
from ui.controls import bound, record_views
from ui.runs.study_panel import study_panel
from ui.widgets import elements
from ui.widgets.pictures import row_of_pictures

record_views("map")

KINDS = {"tsne": "t-SNE", "pca": "PCA"}
NEIGHBOURS = 6


def code_map(run: Run | None, family: str) -> None:
    """Draw the map of a run's codings, or the button that computes it."""
    if run is None:
        elements.missing()
        return
    count = min(5000, len(cache.dataset(run.spec.dataset).test))
    study = CodeMap(start=run.spec, pictures=count)
    study_panel(study, "Compute the map", partial(_draw, run, family))


def _draw(run: Run, family: str, files: Mapping[str, bytes]) -> None:
    places = load(files["map.safetensors"])
    kind = st.segmented_control(
        "Map",
        list(KINDS),
        default="tsne",
        required=True,
        format_func=KINDS.get,
        help="t-SNE keeps neighbours together; PCA keeps large distances, and is linear.",
        **bound(family, "map"),
    )
    data = cache.dataset(run.spec.dataset)
    count = len(places[kind])
    chosen = st.session_state.get(f"{family}-chosen", 0) % count
    left, right = st.columns([2, 1], gap="large")
    with right:
        details = st.container()
    with left:
        st.plotly_chart(
            _figure(run.spec.fingerprint, kind, chosen, places[kind], data),
            key=f"{family}-map-{kind}",
            on_select=partial(_choose, family, kind),
            selection_mode="points",
            config={"displayModeBar": False, "scrollZoom": True},
        )
    with details:
        _details(run.spec.fingerprint, chosen, count, run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _figure(name: str, kind: str, chosen: int, places: np.ndarray, _data: Dataset) -> Any:
    """Return the map; it is kept, as drawing thousands of points takes time."""
    count = len(places)
    return picture_map(
        places,
        _data.test_labels[:count].numpy(),
        DATASETS[_data.name].classes,
        _data.test[:count].numpy(),
        chosen,
    )


def _choose(family: str, kind: str) -> None:
    """Keep the picture that was clicked; the chart sends its points."""
    points = st.session_state[f"{family}-map-{kind}"]["selection"]["points"]
    if points and isinstance(points[0].get("customdata"), int):
        st.session_state[f"{family}-chosen"] = points[0]["customdata"]


@st.cache_data(max_entries=64, show_spinner=False)
def _details(name: str, number: int, count: int, _run: Run) -> None:
    """Draw a picture, its reconstruction, and the pictures whose codings are nearest."""
    data = cache.dataset(_run.spec.dataset)
    x = to_float(data.test[number : number + 1])
    made = encoding(_run.family).reconstruct(x)
    title = DATASETS[data.name].classes[int(data.test_labels[number])]
    st.markdown(f"**Test picture {number}: {title}.** Click any point for another.")
    st.caption("The picture, and its reconstruction")
    row_of_pictures(torch.cat([x, made]), "A picture and its reconstruction", 6, 240)
    codings = cache.codings(name, _run)[:count]
    distances = (codings - codings[number]).square().sum(1)
    near = np.argsort(distances.numpy(), kind="stable")[1 : NEIGHBOURS + 1].tolist()
    st.caption(
        "The nearest by their codings: "
        + ", ".join(DATASETS[data.name].classes[int(data.test_labels[index])] for index in near)
    )
    row_of_pictures(to_float(data.test[near]), "The nearest pictures", 4, 360)
