"""The approximate posterior: reparameterization, the KL of each coding, and the two ELBO terms."""

import math

import numpy as np
import pandas as pd
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.family import to_float
from genlib.models.vae.config import VAEConfig
from genlib.models.vae.model import COLLAPSED, Posterior, error_variance
from genlib.objectives import gaussian_kl
from genlib.plots import GENERATED, QUIET, Line, bars, cloud_chart, lines
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import variational
from ui import cache
from ui.cache import cached_figure
from ui.controls import record_views
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import picture_slider, row_of_pictures
from ui.widgets.seed import draw_number

record_views("draw")

DEAR = 5  # β in the place of 1: from here on copies are blurred by it
DRAWS = 8  # codings from one posterior whose pictures are shown


@needs_run
@st.fragment
def cloud(run: Run, family: str) -> None:
    """Draw the approximate posterior of a test picture, and codings sampled from it."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        number = picture_slider(family, len(cache.dataset(run.spec.dataset).test))
        draw = draw_number(family, "draw", "Draw of ε", "Draw again")
        _reparameterization(run, number, draw)
    with right:
        _decoded(run, number, draw)


def _drawn(run: Run, number: int, draw: int) -> tuple[torch.Tensor, Posterior, torch.Tensor]:
    """Return a test picture, its posterior, and DRAWS draws of ε."""
    x = to_float(cache.dataset(run.spec.dataset).test[number : number + 1])
    posterior = variational(run).posterior(x)
    return x, posterior, torch.randn(DRAWS, *posterior.mean.shape, generator=generator(draw))


@cached_figure
def _reparameterization(run: Run, number: int, draw: int) -> None:
    """Draw the reparameterization of the first draw: z = μ + σ ε for each coding."""
    _, posterior, eps = _drawn(run, number, draw)
    columns = {
        "μ": posterior.mean,
        "γ": posterior.log_variance,
        "σ": posterior.deviation,
        "ε": eps[0],
        "z": posterior.draw(eps)[0],
    }
    table = pd.DataFrame({name: values[0].numpy() for name, values in columns.items()})
    table.index = pd.RangeIndex(1, len(table) + 1, name="k")
    formats = {name: st.column_config.NumberColumn(format="%.2f", width=50) for name in columns}
    st.dataframe(table, column_config=formats, height=min(420, 38 + 35 * len(table)))
    total = float(gaussian_kl(*posterior).sum())
    st.caption(
        f"z = μ + σ ε, with σ = exp(γ/2). All codings of this picture say {total:.1f} nats."
    )


@cached_figure
def _decoded(run: Run, number: int, draw: int) -> None:
    """Draw the pictures of the draws, and the posterior over the prior."""
    x, posterior, eps = _drawn(run, number, draw)
    z = posterior.draw(eps)
    decode = variational(run).decode
    st.caption(
        "From left: the picture, its cloud's middle μ decoded, then eight draws from the "
        "cloud decoded. The first draw is the one in the table."
    )
    middle, drawn = decode(posterior.mean), decode(z[:, 0])
    pictures = torch.cat([x, middle, drawn])
    row_of_pictures(pictures, "A picture, its middle, and eight draws", 4, 800)
    st.caption(
        f"Root mean square over the pixels: the draws differ from the middle's picture by "
        f"{distance(drawn, middle):.3f}, the middle's picture from the original by "
        f"{distance(middle, x):.3f}."
    )
    st.caption(
        "For each coding: grey the prior, blue the cloud, both two σ to either side; orange the "
        "draw. A blue bar that covers the grey one exactly says nothing about the picture."
    )
    parts = (part[0].numpy() for part in (posterior.mean, posterior.deviation, z[0]))
    static_chart(cloud_chart(*parts), f"{run.spec.family}-cloud")


def distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the root mean square difference of pictures, over all pixels."""
    return float((x - y).square().mean().sqrt())


@needs_run
@cached_figure
def rates(run: Run, family: str) -> None:
    """Draw the KL divergence (rate) of each coding, and name the collapsed ones."""
    kl = kl_by_coding(run)
    order = kl.argsort(descending=True, stable=True).tolist()
    collapsed = [index for index in order if kl[index] < COLLAPSED]
    sentence = "None is collapsed."
    if collapsed:
        names = ", ".join(str(index + 1) for index in sorted(collapsed))
        sentence = f"Collapsed, with less than a hundredth of a nat: {names}."
    st.caption(
        f"{len(order) - len(collapsed)} of {len(order)} codings are used, {kl.sum():.1f} nats "
        f"in all. {sentence}"
    )
    values = {f"{index + 1}": float(kl[index]) for index in order}
    colors = tuple(QUIET if index in collapsed else GENERATED for index in order)
    chart = bars(values, "nats a picture", colours=colors, x_title="coding")
    static_chart(chart, f"{family}-rates")


@cached_figure
def kl_by_coding(run: Run) -> torch.Tensor:
    """Return the KL divergence of each coding in nats, the mean over the test pictures."""
    return variational(run).rates(to_float(cache.dataset(run.spec.dataset).test))


def _true_beta(model: VAEConfig, variance: float) -> str:
    """Return what β is worth where pixels are as exact as the errors of the model are."""
    deviation = f"**σ = {variance**0.5:.2f}**"
    if model.variance == "optimal":
        return (
            f"Its pixels have {deviation}, the size of its errors, so β = 1 is the true bound. "
            f"With the squared error alone the same would be β = {2 * variance * model.beta:.2g}."
        )
    beta = model.beta / (2 * variance)
    blurred = " That is part of why copies are blurred." if beta > DEAR else ""
    return (
        "The squared error takes pixels of variance ½, σ = 0.71. The errors of this model have "
        f"{deviation}. For pixels that exact, β = {model.beta:g} is really **β = {beta:.2g}**."
        + blurred
    )


@needs_run
@cached_figure
def split(run: Run, family: str) -> None:
    """Draw the two terms of the ELBO over training: distortion, and rate (KL)."""
    metrics = run.provenance.metrics
    rate = metrics["test_kl"]
    distortion = metrics["test_distortion"]
    st.caption(
        f"On the test pictures: distortion **{distortion:.1f}** + rate **{rate:.1f}** = "
        f"**{rate + distortion:.1f}** nats: the negative ELBO, but for a constant."
    )
    model = run.spec.model_as(VAEConfig)
    if model.loss == "mse":
        pixels = math.prod(DATASETS[run.spec.dataset].shape)
        st.caption(_true_beta(model, error_variance(model, distortion, pixels)))
    steps = np.array([float(snapshot.step) for snapshot in run.snapshots])
    curves = {
        title: Line(steps, np.array([snapshot.figures[key] for snapshot in run.snapshots]))
        for key, title in (("distortion", "distortion"), ("kl", "rate"))
    }
    static_chart(lines(curves, "step", "nats a picture", log="y"), f"{family}-split")
