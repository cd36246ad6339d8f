"""What information in the codings costs and buys: the β sweep, and the likelihood's bounds."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st

from genlib.models.vae.model import VAEConfig
from genlib.plots import Line, lines, picture_grid, pointed_curve, sheet
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import BetaSweep, Likelihood
from genlib.studies.beta_sweep import Point, points
from genlib.studies.beta_sweep import samples as samples_of
from genlib.studies.likelihood import COUNTS, bounds
from ui import controls
from ui.runs.knobs import apply_spec
from ui.runs.study_panel import study_panel
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest
from ui.widgets.picture_field import Field, picture_field

controls.record_views("measured")

SIZE = 480, 380  # pixels of the curve
Files = Mapping[str, bytes]


def sweep(run: Run | None, family: str) -> None:
    """Draw the rate-distortion curve of a run's model, or the button that measures it."""
    if run is None:
        elements.missing()
        return
    study = BetaSweep(start=run.spec)
    study_panel(study, "Train the sweep", partial(_curve, study))


@st.fragment
def _curve(study: BetaSweep, files: Files) -> None:
    """Draw the curve; pointing at a β shows samples of the model that was trained with it."""
    if "points.json" not in files:
        return
    found = points(files)
    field = _field(files["points.json"], files["samples.safetensors"], st.context.theme.type)
    middle = field.places[len(found) // 2]
    at = picture_field(field, f"sweep-{study.fingerprint[:8]}-{len(found)}", middle, 360)
    if at is not None:
        distances = [np.hypot(x - at[0], y - at[1]) for x, y in field.places]
        nearest = found[int(np.argmin(distances))]
        spec = next(spec for spec in study.specs() if spec.fingerprint == nearest.fingerprint)
        taken = st.button(
            f"Set the knobs to β = {nearest.beta:g}",
            key="take-beta",
            on_click=partial(apply_spec, spec),
            icon=":material/tune:",
        )
        if taken:
            st.rerun()


@st.cache_resource(max_entries=16, show_spinner=False)
def _field(points_json: bytes, samples: bytes, theme: str) -> Field:
    """Return the curve with the samples of each point."""
    files = {"points.json": points_json, "samples.safetensors": samples}
    found, made = points(files), samples_of(files).numpy()
    side = round(made.shape[1] ** 0.5)
    grids = [picture_grid(each.reshape(side, side, *each.shape[1:]), 1) for each in made]
    tiles = np.stack(grids).transpose(0, 3, 1, 2)
    drawing, places = pointed_curve(
        np.array([(point.rate, point.distortion) for point in found]),
        [f"β = {point.beta:g}" for point in found],
        ("rate: nats in the codings", "distortion: nats left"),
        SIZE,
        dark=theme == "dark",
    )
    return Field(
        ground=(drawing.encode(), "image/svg+xml"),
        sheet=sheet(tiles, len(tiles)),
        tile=(tiles.shape[2], tiles.shape[3]),
        places=places,
        captions=[_told(point) for point in found],
        width=SIZE[0],
        label="Rate against distortion for several β, with samples of each.",
        legend={},
    )


def _told(point: Point) -> str:
    return (
        f"β = {point.beta:g}: rate {point.rate:.1f}, distortion {point.distortion:.1f} nats, "
        f"{point.active} codings used"
    )


def likelihood(run: Run | None, family: str) -> None:
    """Draw the bounds on the log-likelihood; of the shipped run where this one has none."""
    shown = run.spec if run is not None and _has_likelihood(run.spec) else None
    if shown is None:
        shown = RunSpec.of_preset(family, "binary pixels")
        st.caption(
            "The squared error is no likelihood of black or white pixels, so this is the preset "
            "“binary pixels”."
        )
    field = Likelihood.model_fields["pictures"]
    count = controls.widget(family, "measured", field, field.default)
    study = Likelihood(start=shown, pictures=count)
    study_panel(study, "Measure the bounds", partial(_bounds, family))


def _has_likelihood(spec: RunSpec) -> bool:
    return isinstance(spec.model, VAEConfig) and spec.model.loss != "mse"


def _bounds(family: str, files: Files) -> None:
    if "bounds.safetensors" in files:
        _drawn_bounds(family, files["bounds.safetensors"])


@st.cache_data(max_entries=64, show_spinner=False)
def _drawn_bounds(family: str, found: bytes) -> None:
    """Draw the mean bound against the number of draws."""
    nats = -bounds({"bounds.safetensors": found}).numpy()
    means, error = nats.mean(0), nats[:, -1].std() / len(nats) ** 0.5
    st.caption(
        f"{len(nats):,} test pictures. Negative ELBO {means[0]:.1f} nats; with {COUNTS[-1]:,} "
        f"draws the bound says −ln p(x) ≤ **{means[-1]:.1f} ± {error:.1f}**, "
        f"{means[0] - means[-1]:.1f} nats less. The interval is the standard error of the mean."
    )
    curve = Line(np.array(COUNTS, dtype=float), means)
    chart = lines({"bound on −ln p(x)": curve}, "draws K", "nats a picture", log="x")
    chart_at_rest(chart, f"{family}-bounds")
