"""What a model makes, drawn for the kind of data that it learns."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS, Dataset
from genlib.family import Encodes, to_float, to_uint8
from genlib.models import FAMILIES
from genlib.plots import picture_grid, plane_animation, to_png
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot
from ui import cache
from ui.runs import plane_preview

COLUMNS = 5  # of pictures
SAMPLES = 10  # new pictures of a row
POINTS = 460  # pixels, the height of points in space


def draw(spec: RunSpec, data: Dataset | None, snapshots: list[Snapshot], side: str = "") -> None:
    """Draw what a model made at the last of these moments; points move through all of them.

    What encodes is shown under the pictures that it was given, what only generates by itself.
    Where there are two runs on a page, `side` tells them apart.
    """
    if data is None or not snapshots:
        st.caption("The data come with the first training.")
        st.skeleton(height=480)
    elif DATASETS[spec.dataset].kind == "plane":
        plane_preview.draw(spec, data, snapshots)
    elif DATASETS[spec.dataset].kind == "points":
        steps = tuple(snapshot.step for snapshot in snapshots)
        _points(spec.fingerprint, steps, spec, data, snapshots, side)
    else:
        last = snapshots[-1]
        if issubclass(FAMILIES[spec.family], Encodes):
            _pictures(spec.fingerprint, last.step, spec.family, data, last.images)
        else:
            _samples(spec.fingerprint, last.step, spec.family, last.images)


def first_snapshot(spec: RunSpec, data: Dataset | None) -> list[Snapshot]:
    """Return what the model makes before its first step; nothing while there are no data."""
    if data is None:
        return []
    family = cache.untrained(spec.fingerprint, spec)
    shown = data.test[data.showcase()]
    made = family.preview(to_float(shown), torch.Generator().manual_seed(0))
    return [Snapshot(0, {}, made if made.dtype == shown.dtype else to_uint8(made))]


@st.cache_data(max_entries=64, show_spinner=False)
def _pictures(name: str, step: int, family: str, _data: Dataset, _made: torch.Tensor) -> None:
    """Draw one test picture of each class, and under each what the model made at a step."""
    shows = FAMILIES[family].shows
    shown = _data.test[_data.showcase()]
    parts = [shown, *_made.split(len(shown))]
    halves = zip(*(part.split(COLUMNS) for part in parts), strict=True)
    rows = [half.numpy() for group in halves for half in group]
    st.caption(f"A test picture of each class; under it: {', then '.join(shows)}.")
    st.image(
        to_png(picture_grid(np.stack(rows), 5)),
        output_format="PNG",
        width="stretch",
        alt=f"Test pictures, and under each: {', '.join(shows)}",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _samples(name: str, step: int, family: str, _made: torch.Tensor) -> None:
    """Draw new pictures, always of the same codings, and what else the family shows."""
    kinds = list(dict.fromkeys(FAMILIES[family].shows))
    below = f" Below: {', then '.join(kinds[1:])}." if kinds[1:] else ""
    st.caption(
        f"New pictures, always of the same codings: watch one place while it learns.{below}"
    )
    rows = _made.unflatten(0, (-1, SAMPLES)).numpy()
    st.image(
        to_png(picture_grid(rows, 2 if _made.shape[-1] > 16 else 6)),
        output_format="PNG",
        width="stretch",
        alt="New pictures that the model made",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _points(
    name: str,
    steps: tuple[int, ...],
    _spec: RunSpec,
    _data: Dataset,
    _snapshots: list[Snapshot],
    side: str,
) -> None:
    """Draw points in space; kept, as the same steps of a run are always the same picture."""
    st.caption(
        "Blue: the points. Orange: what the model makes of them, on the plane that its codings "
        "can say. Dashed: PCA's plane. Drag to turn, press Play to see it learn."
    )
    points = _data.test.flatten(1).numpy()
    frames = {snapshot.step: snapshot.images.flatten(1).numpy() for snapshot in _snapshots}
    codings = dict(cache.untrained(name, _spec).sizes())["codings"]
    st.plotly_chart(
        plane_animation(points, frames, min(codings, 3)),
        key=f"{_spec.family}-space{side}",
        height=POINTS,
        config={"displayModeBar": False},
    )
