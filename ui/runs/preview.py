"""Previews of a model: reconstructions, samples or points, at a moment of its training."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.data.dataset import Dataset
from genlib.family import to_float, to_uint8
from genlib.models import FAMILIES
from genlib.plots import picture_grid, plane_animation
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot
from ui import cache
from ui.cache import cached_figure
from ui.runs import plane_preview
from ui.widgets.pictures import image

COLUMNS = 5  # of pictures
SAMPLES = 10  # new pictures of a row
HEIGHT = 460  # pixels, of points in space


def draw(spec: RunSpec, data: Dataset | None, snapshots: list[Snapshot], side: str = "") -> None:
    """Draw the preview of the last snapshot; points move through all of them.

    What encodes or denoises is shown under the pictures that it was given, what only generates
    by itself.
    Where there are two runs on a page, `side` tells them apart.
    """
    if data is None or not snapshots:
        st.caption("The data come with the first training.")
        st.skeleton(height=480)
    elif DATASETS[spec.dataset].kind == "plane":
        plane_preview.draw(spec, data, snapshots)
    elif DATASETS[spec.dataset].kind == "points":
        codings = dict(cache.untrained(spec).sizes())["codings"]
        _points(data, snapshots, codings, f"{spec.family}-space{side}")
    elif {"encodes", "denoises"} & FAMILIES[spec.family].abilities:
        _reconstructions(spec.family, data, snapshots[-1].images)
    else:
        _samples(spec.family, snapshots[-1].images)


def first_snapshot(spec: RunSpec, data: Dataset | None) -> list[Snapshot]:
    """Return the preview before the first step; nothing while there are no data."""
    if data is None:
        return []
    shown = data.test[data.showcase()]
    preview = cache.untrained(spec).preview(to_float(shown), generator(0))
    return [Snapshot(0, {}, preview if preview.dtype == shown.dtype else to_uint8(preview))]


@cached_figure
def _reconstructions(family: str, data: Dataset, images: torch.Tensor) -> None:
    """Draw one test picture of each class, and under each what the family shows of it."""
    shows = FAMILIES[family].shows
    shown = data.test[data.showcase()]
    parts = [shown, *images.split(len(shown))]
    halves = zip(*(part.split(COLUMNS) for part in parts), strict=True)
    rows = [half.numpy() for group in halves for half in group]
    st.caption(f"A test picture of each class; under it: {', then '.join(shows)}.")
    alt = f"Test pictures, and under each: {', '.join(shows)}"
    image(picture_grid(np.stack(rows), 5), alt)


@cached_figure
def _samples(family: str, images: torch.Tensor) -> None:
    """Draw samples, always of the same codings, and what else the family shows."""
    kinds = list(dict.fromkeys(FAMILIES[family].shows))
    order = f" From top to bottom: {', then '.join(kinds)}." if kinds[1:] else ""
    st.caption(
        f"New pictures, always of the same codings: watch one place while it learns.{order}"
    )
    rows = images.unflatten(0, (-1, SAMPLES)).numpy()
    image(
        picture_grid(rows, 2 if images.shape[-1] > 16 else 6), "New pictures that the model made"
    )


@cached_figure
def _points(data: Dataset, snapshots: list[Snapshot], codings: int, key: str) -> None:
    """Draw points in space, and their reconstructions on the plane of the codings."""
    st.caption(
        "Blue: the points; it learns from all of them. Orange: their reconstructions, on the "
        "plane or line of the codings. Dashed: PCA's plane. Drag to turn, press Play to see it "
        "learn."
    )
    points = data.test.flatten(1).numpy()
    frames = {snapshot.step: snapshot.images.flatten(1).numpy() for snapshot in snapshots}
    st.plotly_chart(
        plane_animation(points, frames, min(codings, 3)),
        key=key,
        height=HEIGHT,
        config={"displayModeBar": False},
    )
