"""A Gaussian mixture as the prior of a VAE: samples beside N(0, I)'s, and classifier FID."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from genlib.family import to_uint8
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.mixture_prior import Mixture, MixturePrior, PriorQuality, mixture, quality
from genlib.studies.starts import variational
from ui import cache, controls
from ui.cache import cached_figure
from ui.runs.measured_fid import EARLIER, disagreement
from ui.runs.study_panel import study_panel
from ui.widgets.pictures import image
from ui.widgets.seed import draw_number

controls.record_views("mixed", "components")

ROWS = 4  # of samples
COLUMNS = 8
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
    distinct = {spec.fingerprint: (title, spec) for title, spec in reversed(specs.items())}
    for title, spec in reversed(distinct.values()):
        st.markdown(f"**{title}**")
        study = cache.measured_or_shipped(MixturePrior(start=spec, components=components))
        study_panel(study, "Fit the mixture", partial(_draw, spec, seed))


def _draw(spec: RunSpec, seed: int, files: Mapping[str, bytes]) -> None:
    run = cache.finished(spec)
    if run is not None and "figures.json" in files:
        _samples(run, seed, mixture(dict(files)), quality(dict(files)))


@cached_figure
def _samples(run: Run, seed: int, fit: Mixture, fids: PriorQuality) -> None:
    """Draw samples of the prior beside samples of the mixture, with their classifier FID."""
    model = variational(run)
    count = ROWS * COLUMNS
    z = fit.sample(count, generator(seed))
    pictures = {"prior": model.sample(count, generator(seed)), "mixture": model.decode(z)}
    for column, (prior, x) in zip(st.columns(2, gap="large"), pictures.items(), strict=True):
        with column:
            fid = f"classifier FID **{getattr(fids, prior):.2f}**"
            st.caption(f"{NAMES[prior]}: {fid}{_pixels(fids, prior)}")
            rows = to_uint8(x).unflatten(0, (ROWS, COLUMNS)).numpy()
            image(picture_grid(rows, 3), f"Samples of {NAMES[prior]}")
    st.caption(
        f"{gain(fids)} Real pictures have {fids.floor:.2f}{_pixels(fids, 'floor')}; what the "
        f"decoder cannot draw is missing with any prior. {_measured(fids)}"
    )


def gain(fids: PriorQuality) -> str:
    """Return how far the classifier FID of the mixture is below the prior's, or above."""
    share = fids.mixture / fids.prior - 1
    return f"The mixture's distance is {abs(share):.0%} {'smaller' if share < 0 else 'larger'}."


def _pixels(fids: PriorQuality, name: str) -> str:
    return f", pixel FID {fids.pixels[name]:.2f}" if fids.pixels else ""


def _measured(fids: PriorQuality) -> str:
    """Return by how many samples, and whether both FIDs prefer the same prior."""
    if not fids.pixels:
        return EARLIER
    priors = {name: getattr(fids, name) for name in NAMES}
    pixels = {name: fids.pixels[name] for name in NAMES}
    named = ({NAMES[name]: fid for name, fid in each.items()} for each in (priors, pixels))
    return f"By {fids.pictures:,} samples of each. {disagreement(*named)}"
