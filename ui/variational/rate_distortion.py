"""The rate–distortion curve of a β sweep, and importance-weighted bounds on the likelihood."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.models.vae.config import VAEConfig
from genlib.plots import Line, lines, picture_grid, pointed_curve, sheet
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.beta_sweep import BetaSweep, Point, points
from genlib.studies.beta_sweep import samples as samples_of
from genlib.studies.likelihood import COUNTS, Likelihood, bounds
from ui import controls
from ui.cache import cached_figure, cached_object
from ui.runs.knobs import apply_spec
from ui.runs.study_panel import study_panel
from ui.variational import posterior
from ui.widgets.elements import is_dark, needs_run, static_chart
from ui.widgets.picture_field import Field, picture_field

controls.record_views("measured")

SIZE = 480, 380  # pixels of the curve
Files = Mapping[str, bytes]


@needs_run
def sweep(run: Run, family: str) -> None:
    """Draw both terms of a run, and the curve of its β sweep or the button that trains it."""
    posterior.split(run, family)
    study = BetaSweep(start=run.spec)
    study_panel(study, "Train the sweep", partial(_curve, study))


@st.fragment
def _curve(study: BetaSweep, files: Files) -> None:
    """Draw the curve; pointing at a β shows samples of the model that was trained with it."""
    if "points.json" not in files:
        return
    measured = points(dict(files))
    field = _field(measured, samples_of(dict(files)), dark=is_dark())
    key = f"sweep-{study.fingerprint[:8]}-{len(measured)}"
    at = picture_field(field, key, field.places[len(measured) // 2], 360)
    if at is None:
        return
    distances = [np.hypot(x - at[0], y - at[1]) for x, y in field.places]
    nearest = measured[int(np.argmin(distances))]
    spec = next(spec for spec in study.specs() if spec.fingerprint == nearest.fingerprint)
    pressed = st.button(
        f"Set the knobs to β = {nearest.beta:g}",
        key="take-beta",
        on_click=partial(apply_spec, spec),
        icon=":material/tune:",
    )
    if pressed:
        st.rerun()


@cached_object
def _field(measured: list[Point], samples: torch.Tensor, *, dark: bool) -> Field:
    """Return the rate–distortion curve, with samples of the model at each point."""
    drawing, places = pointed_curve(
        np.array([(point.rate, point.distortion) for point in measured]),
        [f"β = {point.beta:g}" for point in measured],
        ("rate: nats in the codings", "distortion: nats left"),
        SIZE,
        dark=dark,
    )
    tiles = _sample_grids(samples.numpy())
    return Field(
        ground=(drawing.encode(), "image/svg+xml"),
        sheet=sheet(tiles, len(tiles)),
        tile=(tiles.shape[2], tiles.shape[3]),
        places=places,
        captions=[_caption(point) for point in measured],
        width=SIZE[0],
        label="Rate against distortion for several β, with samples of each.",
        legend={},
    )


def _sample_grids(samples: np.ndarray) -> np.ndarray:
    """Return a square grid of the samples of each model."""
    side = round(samples.shape[1] ** 0.5)
    grids = [picture_grid(each.reshape(side, side, *each.shape[1:]), 1) for each in samples]
    return np.stack(grids).transpose(0, 3, 1, 2)


def _caption(point: Point) -> str:
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
        _bound_curve(bounds(dict(files)), family)


@cached_figure
def _bound_curve(log_likelihoods: torch.Tensor, family: str) -> None:
    """Draw the mean bound on −ln p(x) against the number of draws K."""
    nats = -log_likelihoods.numpy()
    means = nats.mean(0)
    error = nats[:, -1].std() / len(nats) ** 0.5
    st.caption(
        f"{len(nats):,} test pictures. Negative ELBO {means[0]:.1f} nats; with {COUNTS[-1]:,} "
        f"draws the bound says −ln p(x) ≤ **{means[-1]:.1f} ± {error:.1f}**, "
        f"{means[0] - means[-1]:.1f} nats less. The interval is the standard error of the mean."
    )
    curve = Line(np.array(COUNTS, dtype=float), means)
    chart = lines({"bound on −ln p(x)": curve}, "draws K", "nats a picture", log="x")
    static_chart(chart, f"{family}-bounds")
