"""The latent space of two codings as a map: what every place decodes to, and the encoded data."""

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import GaussianCodings, encoding, to_float, to_uint8
from genlib.models.vae.config import VAEConfig
from genlib.plots import CLASSES, plane, sheet
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.cache import cached_figure, cached_object
from ui.controls import record_views, view_key
from ui.runs.side_by_side import in_columns
from ui.widgets.elements import needs_run
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


def latent_map(spec: RunSpec) -> None:
    """Draw the map of a VAE's latent space, to point at; of a preset where it has not two codings.

    A click decodes exactly.
    """
    if spec.model_as(VAEConfig).codings != 2:
        spec = RunSpec.of_preset(spec.family, "two-code map")
    _latent_map(cache.finished(spec))


@needs_run
@st.fragment
def _latent_map(run: Run) -> None:
    family = run.spec.family
    window, field = _field(run, FINE)
    key = f"{family}-map-{run.spec.fingerprint[:8]}"
    start = st.session_state.setdefault(f"{key}-start", _asked(family, window))
    at = picture_field(field, key, start)
    if at is not None:
        z = window.codings(torch.tensor(at))
        st.query_params[view_key(family, "pin")] = f"{z[0]:.3f},{z[1]:.3f}"
    _decoded(run, at or start, window)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw the maps of several runs with two codings, to point at."""
    in_columns(specs, _beside)


def _beside(run: Run) -> None:
    _, field = _field(run, 1)
    picture_field(field, f"beside-{run.spec.fingerprint[:8]}", (0.5, 0.5), 112)
    z = cache.codings(run)
    st.caption(
        f"Over the test pictures the codings have the means {_pair(z.mean(0))} and the standard "
        f"deviations {_pair(z.std(0))}. The prior N(0, I) has 0 and 1."
    )


def _pair(values: torch.Tensor) -> str:
    return " and ".join(f"{value:.2f}" for value in values)


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


@cached_figure
def _decoded(run: Run, at: Place, window: Window) -> None:
    """Draw what a place decodes to, and the test picture whose codings lie nearest."""
    z = window.codings(torch.tensor(at))
    distances = (cache.codings(run) - z).norm(dim=1)
    near = int(distances.argmin())
    data = cache.dataset(run.spec.dataset)
    title = DATASETS[data.name].classes[int(data.test_labels[near])]
    st.caption(
        f"Decoded exactly at z = ({z[0]:.2f}, {z[1]:.2f}); beside it the nearest test picture, "
        f"“{title}”, {distances[near]:.2f} away. Click the map for another place."
    )
    decoded = encoding(run.family).decode(z[None])
    pictures = torch.cat([decoded, to_float(data.test[near : near + 1])])
    row_of_pictures(pictures, "The decoded place, and the nearest test picture", 6, 240)


@cached_object
def _field(run: Run, fine: int) -> tuple[Window, Field]:
    """Return the map of a run: its window, and the field with DRAWN × fine places a side."""
    window = _window(cache.codings(run))
    cells = DRAWN * fine
    steps = (torch.arange(cells) + 0.5) / cells
    places = torch.cartesian_prod(steps.flip(0), steps).flip(1)  # row by row from the top
    z = window.codings(places)
    levels = to_uint8(encoding(run.family).decode(z)).numpy()
    *_, height, width = levels.shape
    factor = max(1, 28 // width)
    thumbnails = levels.reshape(cells, cells, *levels.shape[1:])[
        fine // 2 :: fine, fine // 2 :: fine
    ]
    ground = _ground(run, window, thumbnails.repeat(factor, 3).repeat(factor, 4))
    classes = DATASETS[run.spec.dataset].classes
    return window, Field(
        ground=(ground, "image/png"),
        sheet=sheet(levels, cells),
        tile=(height, width),
        places=[(x, y) for x, y in np.round(places.numpy(), 4).tolist()],
        captions=[f"z = ({x:.2f}, {y:.2f})" for x, y in z.tolist()],
        width=DRAWN * width * factor,
        label="A map of the two codings, with what each place decodes to.",
        legend={each: CLASSES[index] for index, each in enumerate(classes)},
    )


def _ground(run: Run, window: Window, thumbnails: np.ndarray) -> bytes:
    """Return the map as PNG: decoded pictures under the test pictures' dots, and the prior."""
    x, y = window.places(torch.zeros(2)).tolist()
    prior = [(x, y, PRIOR / window.side)] if isinstance(run.family, GaussianCodings) else []
    places = window.places(cache.codings(run)[:DOTS]).numpy()
    labels = cache.dataset(run.spec.dataset).test_labels[:DOTS].numpy()
    return plane(thumbnails.reshape(-1, *thumbnails.shape[2:]), DRAWN, places, labels, prior)


def _window(codings: torch.Tensor) -> Window:
    """Return the square that holds almost all codings, with the origin in it."""
    low, high = np.quantile(codings.numpy(), [OUTSIDE, 1 - OUTSIDE], axis=0)
    low = np.minimum(low, 0)
    high = np.maximum(high, 0)
    side = 1.08 * float((high - low).max())
    left, bottom = ((low + high) / 2 - side / 2).tolist()
    return Window(left, bottom, side)
