"""A mixture as a better prior: samples before and after, and what the judge makes of them."""

import json
from collections.abc import Mapping
from functools import partial

import streamlit as st

from genlib.family import to_uint8
from genlib.plots import bars, picture_grid, to_png
from genlib.rng import generator
from genlib.runs import Run
from genlib.studies import MixturePrior
from genlib.studies.mixture_prior import mixture
from genlib.studies.starts import variational
from ui import controls, inside
from ui.clouds import draw_number
from ui.components import chart_at_rest
from ui.study_panel import study_panel

SHOWN = 4, 8  # rows and columns of samples
NAMES = {"prior": "the prior N(0, I)", "mixture": "the mixture"}


def better_prior(run: Run | None, family: str) -> None:
    """Draw samples of the prior beside samples of a mixture fitted to the codings."""
    if run is None:
        inside.missing()
        return
    field = MixturePrior.model_fields["components"]
    components = controls.widget(family, "components", field, field.default)
    study = MixturePrior(start=run.spec, components=components)
    study_panel(study, "Fit the mixture", partial(_draw, run, family))


@st.fragment
def _draw(run: Run, family: str, files: Mapping[str, bytes]) -> None:
    if "figures.json" not in files:
        return
    seed = draw_number(family, "mixed", "Draw of both", "Draw others")
    _samples(run.spec.fingerprint, seed, files["mixture.safetensors"], run)
    _judged(family, files["figures.json"])


@st.cache_data(max_entries=64, show_spinner=False)
def _samples(name: str, seed: int, fitted: bytes, _run: Run) -> None:
    """Draw samples of the prior beside samples of the mixture."""
    model, count = variational(_run), SHOWN[0] * SHOWN[1]
    z = mixture({"mixture.safetensors": fitted}).sample(count, generator(seed))
    drawn = {"prior": model.sample(count, generator(seed)), "mixture": model.decode(z)}
    for column, (title, pictures) in zip(st.columns(2, gap="large"), drawn.items(), strict=True):
        with column:
            st.markdown(f"**Samples of {NAMES[title]}**")
            rows = to_uint8(pictures).numpy().reshape(*SHOWN, *pictures.shape[1:])
            image, alt = to_png(picture_grid(rows, 3)), f"Samples of {NAMES[title]}"
            st.image(image, output_format="PNG", width="stretch", alt=alt)


@st.cache_data(max_entries=64, show_spinner=False)
def _judged(family: str, document: bytes) -> None:
    """Draw the classifier FID of both, and of real pictures."""
    figures = json.loads(document)
    st.caption(
        f"Classifier FID, smaller is better: {figures['prior']:.1f} for the prior, "
        f"**{figures['mixture']:.1f}** for the mixture, {figures['floor']:.2f} for real test "
        "pictures, the least that a perfect model could reach."
    )
    values = {NAMES[name]: figures[name] for name in NAMES}
    chart = bars(values, "classifier FID", reference=("real", figures["floor"]))
    chart_at_rest(chart, f"{family}-mixture-fid")
