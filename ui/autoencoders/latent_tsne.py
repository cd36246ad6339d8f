"""The latent space as a t-SNE or PCA map: a click shows a picture and its nearest neighbors."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
import torch
from safetensors.numpy import load

from genlib.data import DATASETS, DatasetName
from genlib.data.dataset import Dataset
from genlib.export.tables import place_table
from genlib.family import encoding, to_float
from genlib.metrics import like_neighbors
from genlib.plots import picture_map
from genlib.runs.run import Run
from genlib.studies.code_map import CodeMap
from ui import cache
from ui.cache import cached_figure, cached_object
from ui.controls import one_of, record_views
from ui.runs.study_panel import study_panel
from ui.widgets.elements import CHART, download, needs_run
from ui.widgets.pictures import row_of_pictures

record_views("map")

KINDS = {"tsne": "t-SNE", "pca": "PCA"}
NEIGHBORS = 6
COMPARED = 2000  # test pictures whose neighbors are looked at, by codings and by pixels


@needs_run
def code_map(run: Run, family: str) -> None:
    """Draw the t-SNE or PCA map of a run's codings, or the button that computes it."""
    count = min(5000, len(cache.dataset(run.spec.dataset).test))
    study = CodeMap(start=run.spec, pictures=count)
    study_panel(study, "Compute the map", partial(_draw, run, family))


def _draw(run: Run, family: str, files: Mapping[str, bytes]) -> None:
    places = load(files["map.safetensors"])
    kind = st.segmented_control(
        "Map",
        default="tsne",
        required=True,
        help="t-SNE tries to keep neighbours together; distances between groups mean little. "
        "PCA is linear and keeps large distances.",
        **one_of(family, "map", list(KINDS), lambda kind: KINDS[kind]),
    )
    count = len(places[kind])
    chosen = st.session_state.get(f"{family}-chosen", 0) % count
    left, right = st.columns([2, 1], gap="large")
    with right:
        details = st.container()
    with left:
        st.plotly_chart(
            _map(cache.dataset(run.spec.dataset), places[kind], chosen),
            key=f"{family}-map-{kind}",
            on_select=partial(_choose, family, kind),
            selection_mode="points",
            config=CHART | {"scrollZoom": True},
        )
        st.caption(_beside_pixels(run))
        data, name = cache.dataset(run.spec.dataset), f"{family}-{kind}-map.csv"
        download("Map as CSV", name, lambda: place_table(places[kind], data, ("x", "y")))
    with details:
        _details(run, chosen, count)


@cached_object
def _map(data: Dataset, places: np.ndarray, chosen: int) -> Any:
    """Return the map; it is cached, as drawing thousands of points takes time."""
    count = len(places)
    classes = DATASETS[data.name].classes
    labels = data.test_labels[:count].numpy()
    return picture_map(places, labels, classes, data.test[:count].numpy(), chosen)


def _choose(family: str, kind: str) -> None:
    """Remember the picture that was clicked; the chart sends its points."""
    points = st.session_state[f"{family}-map-{kind}"]["selection"]["points"]
    if points and isinstance(points[0].get("customdata"), int):
        st.session_state[f"{family}-chosen"] = points[0]["customdata"]


@cached_figure
def _beside_pixels(run: Run) -> str:
    """Return how often neighbors are of one class, by the codings and by the raw pixels."""
    data = cache.dataset(run.spec.dataset)
    labels = data.test_labels[:COMPARED]
    pixels = like_neighbors(to_float(data.test[:COMPARED]).flatten(1), labels)
    own = like_neighbors(cache.codings(run)[:COMPARED], labels)
    gain = 100 * (own - pixels)
    interval = 1.96 * float(gain.std()) / len(gain) ** 0.5
    return (
        f"Of the ten nearest neighbours {own.mean():.1%} are of the same class by the codings, "
        f"{pixels.mean():.1%} by the raw pixels: {gain.mean():+.1f} ± {interval:.1f} points, "
        f"over {len(gain):,} test pictures."
    )


@cached_figure
def _details(run: Run, number: int, count: int) -> None:
    """Draw a picture, its reconstruction, and the pictures whose codings are nearest."""
    x = to_float(cache.dataset(run.spec.dataset).test)
    name = _class_name(run.spec.dataset, number)
    st.markdown(f"**Test picture {number}: {name}.** Click any point for another.")
    st.caption("The picture, and its reconstruction")
    picture = x[number : number + 1]
    pair = torch.cat([picture, encoding(run.family).reconstruct(picture)])
    row_of_pictures(pair, "A picture and its reconstruction", 6, 240)
    near = _nearest(cache.codings(run)[:count], number)
    names = ", ".join(_class_name(run.spec.dataset, index) for index in near)
    st.caption(f"The nearest by their codings: {names}")
    row_of_pictures(x[near], "The nearest pictures", 4, 360)


def _nearest(codings: torch.Tensor, number: int) -> list[int]:
    """Return the indices of a picture's nearest neighbors in the latent space."""
    distances = (codings - codings[number]).square().sum(1)
    order: list[int] = np.argsort(distances.numpy(), kind="stable").tolist()
    return order[1 : NEIGHBORS + 1]


def _class_name(name: DatasetName, number: int) -> str:
    """Return the name of the class of a test picture."""
    return DATASETS[name].classes[int(cache.dataset(name).test_labels[number])]
