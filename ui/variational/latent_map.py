"""A latent space of two codings as a map: what every place decodes to, and where pictures lie."""

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import Generates, encoding, to_float, to_uint8
from genlib.plots import CLASSES, plane, sheet
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.controls import record_views, view_key
from ui.widgets import elements
from ui.widgets.picture_field import Field, Place, picture_field
from ui.widgets.pictures import row_of_pictures

record_views("pin")

DRAWN = 16  # pictures that are drawn along each side
FINE = 2  # decoded places for each of them, where one map has all the room
DOTS = 2000  # test pictures on the map
OUTSIDE = 0.005  # of the pictures may lie beyond each side
PRIOR = 2.0  # radius of the circle: 86 % of the draws from N(0, I) lie in it


class Window(NamedTuple):
    """The square of the latent space that a map shows."""

    left: float
    low: float
    side: float

    def codings(self, places: torch.Tensor) -> torch.Tensor:
        """Return the codings of places in units of the sides."""
        return torch.tensor([self.left, self.low]) + self.side * places

    def places(self, codings: torch.Tensor) -> torch.Tensor:
        """Return the places of codings."""
        return (codings - torch.tensor([self.left, self.low])) / self.side


@st.fragment
def latent_map(spec: RunSpec) -> None:
    """Let the student point at the map of a run with two codings; a click decodes exactly."""
    family = spec.family
    run = cache.finished(spec)
    if run is None:
        elements.missing()
        return
    window, field = _field(spec.fingerprint, FINE, run)
    key = f"{family}-map-{spec.fingerprint[:8]}"
    start = st.session_state.setdefault(f"{key}-start", _asked(family, window))
    at = picture_field(field, key, start)
    if at is not None:
        z = window.codings(torch.tensor(at))
        st.query_params[view_key(family, "pin")] = f"{z[0]:.3f},{z[1]:.3f}"
    _decoded(spec.fingerprint, at or start, window, run)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Show the maps of several runs with two codings, to point at."""
    for column, (title, spec) in zip(
        st.columns(len(specs), gap="large"), specs.items(), strict=True
    ):
        run = cache.finished(spec)
        with column:
            st.markdown(f"**{title}**")
            if run is None:
                st.info("Not trained on this server yet.")
                continue
            _, field = _field(spec.fingerprint, 1, run)
            picture_field(field, f"beside-{spec.fingerprint[:8]}", (0.5, 0.5), 112)


def _asked(family: str, window: Window) -> Place:
    """Return the place that the link names, or the middle."""
    parts = st.query_params.get(view_key(family, "pin"), "")[:40].split(",")
    try:
        z = torch.tensor([float(part) for part in parts])
    except ValueError:
        return 0.5, 0.5
    if z.shape != (2,) or not z.isfinite().all():
        return 0.5, 0.5
    x, y = window.places(z).clamp(0, 1).tolist()
    return x, y


@st.cache_data(max_entries=64, show_spinner=False)
def _decoded(name: str, at: Place, window: Window, _run: Run) -> None:
    """Draw what a place decodes to, and the test picture whose codings lie nearest."""
    z = window.codings(torch.tensor(at))
    codings = cache.codings(name, _run)
    distances = (codings - z).norm(dim=1)
    near = int(distances.argmin())
    data = cache.dataset(_run.spec.dataset)
    title = DATASETS[data.name].classes[int(data.test_labels[near])]
    st.caption(
        f"Decoded exactly at z = ({z[0]:.2f}, {z[1]:.2f}); beside it the nearest test picture, "
        f"“{title}”, {distances[near]:.2f} away. Click the map for another place."
    )
    made = encoding(_run.family).decode(z[None])
    pictures = torch.cat([made, to_float(data.test[near : near + 1])])
    row_of_pictures(pictures, "The decoded place, and the nearest test picture", 6, 240)


@st.cache_resource(max_entries=8, show_spinner=False)
def _field(name: str, fine: int, _run: Run) -> tuple[Window, Field]:
    """Return the map of a run: its window, and the field with DRAWN × fine places a side."""
    codings = cache.codings(name, _run)
    window = _window(codings)
    cells = DRAWN * fine
    steps = (torch.arange(cells) + 0.5) / cells
    places = torch.cartesian_prod(steps.flip(0), steps).flip(1)  # row by row from the top
    z = window.codings(places)
    made = to_uint8(encoding(_run.family).decode(z)).numpy()
    grid = made.reshape(cells, cells, *made.shape[1:])
    middle = slice(fine // 2, None, fine)
    thumbs = grid[middle, middle].reshape(-1, *made.shape[1:])
    data = cache.dataset(_run.spec.dataset)
    factor = max(1, 28 // made.shape[-1])
    x, y = window.places(torch.zeros(2)).tolist()
    ground = plane(
        thumbs.repeat(factor, 2).repeat(factor, 3),
        DRAWN,
        window.places(codings[:DOTS]).numpy(),
        data.test_labels[:DOTS].numpy(),
        [(x, y, PRIOR / window.side)] if isinstance(_run.family, Generates) else [],
    )
    classes = DATASETS[data.name].classes
    return window, Field(
        ground=(ground, "image/png"),
        sheet=sheet(made, cells),
        tile=(made.shape[2], made.shape[3]),
        places=[(x, y) for x, y in np.round(places.numpy(), 4).tolist()],
        captions=[f"z = ({x:.2f}, {y:.2f})" for x, y in z.tolist()],
        width=DRAWN * made.shape[3] * factor,
        label="A map of the two codings, with what each place decodes to.",
        legend={each: CLASSES[index] for index, each in enumerate(classes)},
    )


def _window(codings: torch.Tensor) -> Window:
    """Return the square that holds almost all codings, with the origin in it."""
    low, high = np.quantile(codings.numpy(), [OUTSIDE, 1 - OUTSIDE], axis=0)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    side = 1.08 * float((high - low).max())
    left, bottom = ((low + high) / 2 - side / 2).tolist()
    return Window(left, bottom, side)
