"""A mixture as a better prior: samples before and after, and what the judge makes of them."""

import json
from collections.abc import Mapping
from functools import partial

import streamlit as st

from genlib.family import to_uint8
from genlib.plots import picture_grid, to_png
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import MixturePrior
from genlib.studies.mixture_prior import mixture
from genlib.studies.starts import variational
from ui import cache, controls
from ui.runs.study_panel import study_panel
from ui.widgets.seed import draw_number

controls.record_views("mixed", "components")

SHOWN = 4, 8  # rows and columns of samples
NAMES = {"prior": "The prior N(0, I)", "mixture": "The mixture"}


@st.fragment
def better_prior(specs: dict[str, RunSpec], family: str) -> None:
    """Draw samples of the prior beside samples of a mixture fitted to the codings, by model."""
    field = MixturePrior.model_fields["components"]
    left, right = st.columns(2, gap="large")
    with left:
        components = controls.widget(family, "components", field, field.default)
    with right:
        seed = draw_number(family, "mixed", "Draw of both", "Draw others")
    for title, spec in specs.items():
        st.markdown(f"**{title}**")
        study = MixturePrior(start=spec, components=components)
        study_panel(study, "Fit the mixture", partial(_draw, spec, seed))


def _draw(spec: RunSpec, seed: int, files: Mapping[str, bytes]) -> None:
    run = cache.finished(spec)
    if run is not None and "figures.json" in files:
        _samples(spec.fingerprint, seed, files["mixture.safetensors"], files["figures.json"], run)


@st.cache_data(max_entries=64, show_spinner=False)
def _samples(name: str, seed: int, fitted: bytes, document: bytes, _run: Run) -> None:
    """Draw samples of the prior beside samples of the mixture, with their classifier FID."""
    model, count, figures = variational(_run), SHOWN[0] * SHOWN[1], json.loads(document)
    z = mixture({"mixture.safetensors": fitted}).sample(count, generator(seed))
    drawn = {"prior": model.sample(count, generator(seed)), "mixture": model.decode(z)}
    for column, (which, pictures) in zip(st.columns(2, gap="large"), drawn.items(), strict=True):
        with column:
            st.caption(f"{NAMES[which]}: classifier FID **{figures[which]:.2f}**")
            rows = to_uint8(pictures).numpy().reshape(*SHOWN, *pictures.shape[1:])
            image, alt = to_png(picture_grid(rows, 3)), f"Samples of {NAMES[which]}"
            st.image(image, output_format="PNG", width="stretch", alt=alt)
    st.caption(
        f"The mixture divides the distance by {figures['prior'] / figures['mixture']:.1f}. "
        f"Real test pictures have {figures['floor']:.2f}, the least that could be reached."
    )
