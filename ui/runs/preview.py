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
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot
from ui import cache
from ui.cache import cached_figure
from ui.runs import plane_preview
from ui.widgets.film import Film, film

COLUMNS = 5  # of pictures
SAMPLES = 10  # new pictures of a row
HEIGHT = 460  # pixels, of points in space
ROOM = 620, 600  # CSS pixels, the width and height of all pictures together at most


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
    else:
        _show(spec.family, _still(spec.family, data, snapshots[-1].images), side)


def first_snapshot(spec: RunSpec, data: Dataset | None) -> list[Snapshot]:
    """Return the preview before the first step; nothing while there are no data."""
    if data is None:
        return []
    shown = data.test[data.showcase()]
    preview = cache.untrained(spec).preview(to_float(shown), generator(0))
    return [Snapshot(0, {}, preview if preview.dtype == shown.dtype else to_uint8(preview))]


def training(run: Run, data: Dataset | None, start: float) -> None:
    """Draw the film of a run's training: a finished one's previews, played in the browser.

    Args:
        run: of pictures.
        data: its data set, if it is here yet.
        start: the share of the training at which it rests.
    """
    if data is None:
        draw(run.spec, data, run.snapshots)
        return
    steps = [snapshot.step for snapshot in run.snapshots]
    frame = sum(step <= start * steps[-1] for step in steps) - 1
    _show(run.spec.family, _film(run, data), start=frame)


@cached_figure
def _film(run: Run, data: Dataset) -> Film:
    """Return the previews of all snapshots, and the figures of each."""
    spec, last = run.spec, run.snapshots[-1].step
    entry = FAMILIES[spec.family]
    captions = []
    for snapshot in run.snapshots:
        phase = cache.untrained(spec).phase(snapshot.step / last)
        value = snapshot.figures[entry.primary_metric]
        parts = [f"Step {snapshot.step:,} of {last:,}", phase]
        parts.append(f"validation {entry.metric_title} {value:.4f}")
        captions.append(", ".join(filter(None, parts)))
    return _film_of(spec.family, data, [each.images for each in run.snapshots], captions)


@cached_figure
def _still(family: str, data: Dataset, images: torch.Tensor) -> Film:
    """Return what a family of pictures shows as a film of one frame."""
    return _film_of(family, data, [images], [""])


def _film_of(family: str, data: Dataset, frames: list[torch.Tensor], captions: list[str]) -> Film:
    panel = np.stack([_grid(family, data, images) for images in frames])
    grey = data.test.shape[1] == 1
    return Film({_words(family)[0]: panel[..., :1] if grey else panel}, captions)


def _show(family: str, shown: Film, side: str = "", start: int = -1) -> None:
    """Draw a film of one frame or more; it keeps its place and size from one to the other."""
    (panel,) = shown.panels.values()
    factor = max(1, min(ROOM[0] // panel.shape[2], ROOM[1] // panel.shape[1]))
    film(shown, f"{family}-pictures{side}", _words(family)[1], factor, start)


def _words(family: str) -> tuple[str, str]:
    """Return what stands over the pictures that a family shows, and their text alternative."""
    shows = FAMILIES[family].shows
    if _copies(family):
        caption = f"A test picture of each class; under it: {', then '.join(shows)}."
        return caption, f"Test pictures, and under each: {', '.join(shows)}"
    kinds = list(dict.fromkeys(shows))
    order = f" From top to bottom: {', then '.join(kinds)}." if kinds[1:] else ""
    caption = f"New pictures, always of the same codings: watch one place while it learns.{order}"
    return caption, "New pictures that the model made"


def _grid(family: str, data: Dataset, images: torch.Tensor) -> np.ndarray:
    """Return what a family shows as one image, not enlarged.

    One test picture of each class, and under each what the family makes of it; or samples, always
    of the same codings.
    """
    if not _copies(family):
        return picture_grid(images.unflatten(0, (-1, SAMPLES)).numpy(), 1)
    shown = data.test[data.showcase()]
    parts = [shown, *images.split(len(shown))]
    halves = zip(*(part.split(COLUMNS) for part in parts), strict=True)
    return picture_grid(np.stack([half.numpy() for group in halves for half in group]), 1)


def _copies(family: str) -> bool:
    """Return whether a family shows test pictures and what it makes of them."""
    return bool({"encodes", "denoises"} & FAMILIES[family].abilities)


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
