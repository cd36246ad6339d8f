"""The clouds of codings: the reparameterisation with its numbers, and what each coding says."""

import pandas as pd
import streamlit as st
import torch

from genlib.family import to_float
from genlib.models.vae.model import COLLAPSED, Posterior
from genlib.objectives import gaussian_kl
from genlib.plots import GENERATED, QUIET, Line, bars, cloud_chart, lines
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import variational
from ui import cache
from ui.controls import record_views
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest
from ui.widgets.pictures import picture_slider, row_of_pictures
from ui.widgets.seed import draw_number

record_views("draw")

DRAWS = 8  # codings from one cloud whose pictures are shown


@st.fragment
def cloud(run: Run | None, family: str) -> None:
    """Let the student draw codings from the cloud of a test picture, number by number."""
    if run is None:
        elements.missing()
        return
    name = run.spec.fingerprint
    left, right = st.columns([1, 2], gap="large")
    with left:
        number = picture_slider(family, len(cache.dataset(run.spec.dataset).test))
        draw = draw_number(family, "draw", "Draw of ε", "Draw again")
        _numbers(name, number, draw, run)
    with right:
        _spread(name, number, draw, run)


def _drawn(run: Run, number: int, draw: int) -> tuple[torch.Tensor, Posterior, torch.Tensor]:
    """Return a test picture, its cloud, and DRAWS draws of ε."""
    x = to_float(cache.dataset(run.spec.dataset).test[number : number + 1])
    posterior = variational(run).posterior(x)
    return x, posterior, torch.randn(DRAWS, *posterior.mean.shape, generator=generator(draw))


@st.cache_data(max_entries=64, show_spinner=False)
def _numbers(name: str, number: int, draw: int, _run: Run) -> None:
    """Draw the table of the first draw: z = μ + σ ε for each coding."""
    _, posterior, eps = _drawn(_run, number, draw)
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


@st.cache_data(max_entries=64, show_spinner=False)
def _spread(name: str, number: int, draw: int, _run: Run) -> None:
    """Draw the pictures of the draws, and the cloud over the prior."""
    x, posterior, eps = _drawn(_run, number, draw)
    z, model = posterior.draw(eps), variational(_run)
    st.caption(
        "From left: the picture, its cloud's middle μ decoded, then eight draws from the "
        "cloud decoded. The first draw is the one in the table."
    )
    pictures = torch.cat([x, model.decode(posterior.mean), model.decode(z[:, 0])])
    row_of_pictures(pictures, "A picture, its middle, and eight draws", 4, 800)
    st.caption(
        "For each coding: grey the prior, blue the cloud, both two σ to either side; orange the "
        "draw. A blue bar as tall as the grey one says nothing about the picture."
    )
    cloud = (part[0].numpy() for part in (posterior.mean, posterior.deviation, z[0]))
    chart_at_rest(cloud_chart(*cloud), f"{_run.spec.family}-cloud")


def rates(run: Run | None, family: str) -> None:
    """Draw what each coding says on average, and name the collapsed ones."""
    if run is None:
        elements.missing()
        return
    _rates(run.spec.fingerprint, family, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _rates(name: str, family: str, _run: Run) -> None:
    values = rate_of_each(name, _run)
    order = values.argsort(descending=True, stable=True).tolist()
    dead = [index for index in order if values[index] < COLLAPSED]
    said = "None is collapsed."
    if dead:
        names = ", ".join(str(index + 1) for index in sorted(dead))
        said = f"Collapsed, with less than a hundredth of a nat: {names}."
    st.caption(
        f"{len(order) - len(dead)} of {len(order)} codings are used, {values.sum():.1f} nats "
        f"in all. {said}"
    )
    named = {f"{index + 1}": float(values[index]) for index in order}
    colours = tuple(QUIET if index in dead else GENERATED for index in order)
    chart_at_rest(
        bars(named, "nats a picture", colours=colours, x_title="coding"), f"{family}-rates"
    )


@st.cache_data(max_entries=64, show_spinner=False)
def rate_of_each(name: str, _run: Run) -> torch.Tensor:
    """Return the rate of each coding in nats, the mean over the test pictures."""
    return variational(_run).rates(to_float(cache.dataset(_run.spec.dataset).test))


def split(run: Run | None, family: str) -> None:
    """Draw the two parts of the ELBO through training."""
    if run is None:
        elements.missing()
        return
    _split(run.spec.fingerprint, family, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _split(name: str, family: str, _run: Run) -> None:
    metrics = _run.provenance.metrics
    rate, distortion = metrics["test_kl"], metrics["test_distortion"]
    st.caption(
        f"On the test pictures: distortion **{distortion:.1f}** + rate **{rate:.1f}** = "
        f"**{rate + distortion:.1f}** nats: the negative ELBO, but for a constant."
    )
    steps = torch.tensor([float(snapshot.step) for snapshot in _run.snapshots]).numpy()
    curves = {
        title: Line(
            steps, torch.tensor([snapshot.figures[key] for snapshot in _run.snapshots]).numpy()
        )
        for key, title in (("distortion", "distortion"), ("kl", "rate"))
    }
    chart_at_rest(lines(curves, "step", "nats a picture", log="y"), f"{family}-split")
