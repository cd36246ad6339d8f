"""The score field of points in the plane, learned and exact, and the trajectories along it."""

from operator import itemgetter

import numpy as np
import streamlit as st
import torch
from jaxtyping import Float
from torch import Tensor

from genlib.data import DATASETS
from genlib.data.points import MODES, score
from genlib.diffusion.diffusion import Diffusion
from genlib.diffusion.samplers import SAMPLERS, noise
from genlib.plots import Line, arrows, lines, paths
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import diffusing
from ui import cache
from ui.cache import cached_figure
from ui.controls import ranged, record_views
from ui.diffusion import plane_quality, samplers
from ui.runs import side_by_side
from ui.widgets.elements import needs_run, static_chart

record_views("moment")

ARROWS = 15  # of a row and of a column
POINTS = 400  # of the noised data, under the arrows
WALKS = 40  # paths
STEPS = 25  # of a path
TITLES = {"ddpm": "Diffusion, cosine", "flow": "Flow matching"}


def field(run: Run | None, family: str) -> None:
    """Draw the learned score beside the exact one, at a time of the student's choice."""
    points = samplers.plane_run(run, family)
    _field(points, family)
    if points is not None and points is not run:
        side_by_side.preset_button(family, samplers.PLANE)


@needs_run
@st.fragment
def _field(run: Run, family: str) -> None:
    left, right = st.columns([1, 2], gap="large")
    with left:
        share = st.slider(
            "Time",
            value=30,
            step=2,
            format="%d %% of T",
            help="At 100 % all is noise, and every arrow points to the middle.",
            **ranged(family, "moment", 2, 100),
        )
        data = DATASETS[run.spec.dataset].title
        st.caption(
            f"Data: {data}. An arrow says which way p(x_t) rises, times σ: the noise to take away."
        )
        _error_metric(_score_error(run, share))
    with right:
        _arrows(run, share, family)
    plane_quality.by_steps(run)


def _error_metric(error: float | None) -> None:
    if error is None:
        st.caption("For these data the exact score is not known.")
    else:
        st.metric(
            "Relative error of the learned score",
            f"{error:.1%}",
            help="The squared error of the learned arrows over the squares of the exact ones.",
        )


def _scales(run: Run, share: int) -> tuple[int, float, float]:
    """Return the time of a share of T, with its α and σ."""
    noises = diffusing(run).schedule
    time = max(1, round(share / 100 * noises.last))
    return time, float(noises.alphas[time]), float(noises.sigmas[time])


def _vectors(
    run: Run, places: torch.Tensor, share: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return σ times the learned score at places, and the exact one where it is known."""
    model = diffusing(run)
    time, alpha, sigma = _scales(run, share)
    x = places.view(-1, *model.shape)
    learned = -noise(model.schedule, x, model.predictor()(x, time, time), time).flatten(1)
    name = run.spec.dataset
    exact = sigma * score(MODES[name], places, alpha, sigma) if name in MODES else None
    return learned, exact


def _noised(run: Run, share: int, count: int) -> torch.Tensor:
    """Return points of the data in noise."""
    _, alpha, sigma = _scales(run, share)
    x = cache.dataset(run.spec.dataset).test[:count].flatten(1)
    return alpha * x + sigma * torch.randn(x.shape, generator=generator(0))


@cached_figure
def _score_error(run: Run, share: int) -> float | None:
    """Return the squared error of the learned score over the exact one's, where the data lie."""
    learned, exact = _vectors(run, _noised(run, share, 2000), share)
    if exact is None:
        return None
    return float((learned - exact).square().mean() / exact.square().mean())


def _reach(run: Run) -> float:
    """Return half the side of the square that holds data and noise."""
    data = cache.dataset(run.spec.dataset).test
    return max(2.2, 1.25 * float(data.abs().max()))


@cached_figure
def _arrows(run: Run, share: int, family: str) -> None:
    """Draw the score as arrows over the noised data."""
    reach = _reach(run)
    line = torch.linspace(-0.93 * reach, 0.93 * reach, ARROWS)
    places = torch.cartesian_prod(line, line)
    learned, exact = _vectors(run, places, share)
    fields = {"learned": learned} if exact is None else {"exact": exact, "learned": learned}
    longest = 0.9 * float(line[1] - line[0])
    shortened = {title: _shortened(field, longest).numpy() for title, field in fields.items()}
    points = _noised(run, share, POINTS).numpy()
    static_chart(arrows(places.numpy(), shortened, points, reach), f"{family}-field")


def _shortened(vectors: torch.Tensor, longest: float) -> torch.Tensor:
    """Return vectors at most so long: long ones all alike, short ones in proportion."""
    length: Tensor = vectors.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return longest * vectors * (length.tanh() / length)


@st.fragment
def trajectories(run: Run | None, family: str) -> None:
    """Draw how trajectories of the same noise bend, by diffusion and by flow matching."""
    own = run.spec if run is not None and DATASETS[run.spec.dataset].kind == "plane" else None
    left, right = st.columns(2, gap="large")
    with left:
        _curvature({title: RunSpec.of_preset(kind) for kind, title in TITLES.items()}, "pictures")
    data = own.dataset if own is not None else None
    plane = {
        title: own
        if own is not None and kind == family
        else RunSpec.of_preset(kind, samplers.PLANE, data)
        for kind, title in TITLES.items()
    }
    with right:
        _curvature(plane, "points")
    side_by_side.in_columns(plane, lambda run: _paths(run, f"{family}-{run.spec.family}"))


def _curvature(specs: dict[str, RunSpec], key: str) -> None:
    """Draw how far trajectories are from even ones along straight lines, at each time."""
    runs = {title: cache.finished(spec) for title, spec in specs.items()}
    with st.spinner("Sampling…"):
        curves = {title: _bend(run) for title, run in runs.items() if run is not None}
    st.caption(_straightest(curves, key))
    y_title = "distance from the line / its length"
    chart = lines(curves, "share of the way, from noise to data", y_title)
    static_chart(chart, f"bend-{key}")


def _straightest(curves: dict[str, Line], key: str) -> str:
    """Return how far the paths of each model stray from straight and even ones, at most."""
    most = {title: float(curve.y.max()) for title, curve in curves.items()}
    strays = "; ".join(
        f"{title} {far:.2f}" for title, far in sorted(most.items(), key=itemgetter(1))
    )
    return f"{key.capitalize()}, largest distance: {strays}." if strays else ""


@cached_figure
def _bend(run: Run) -> Line:
    values = bend(_trajectories(run)).double().numpy()
    return Line(np.linspace(0, 1, len(values)), values)


@cached_figure
def _trajectories(run: Run) -> torch.Tensor:
    return walked(diffusing(run))


@cached_figure
def _paths(run: Run, key: str) -> None:
    """Draw trajectories of points from noise to data."""
    walks = _trajectories(run)
    points = cache.dataset(run.spec.dataset).test[:POINTS].flatten(1).numpy()
    st.caption(f"On average a path is {longer(walks):.0%} longer than the line between its ends.")
    static_chart(paths(walks.numpy(), points, _reach(run)), f"{key}-paths")
    plane_quality.by_steps(run)


def walked(model: Diffusion) -> Float[Tensor, "walks times values"]:
    """Return the trajectories of WALKS pictures or points from noise, by Heun's method."""
    start = torch.randn(WALKS, *model.shape, generator=generator(0))
    times = model.schedule.times(min(STEPS, model.schedule.last))
    frames = model.trajectory(start, SAMPLERS["Heun"], times, generator(0))
    return torch.stack([frame.x.flatten(1) for frame in frames], 1)


def longer(walks: Float[Tensor, "walks times values"]) -> float:
    """Return by how much trajectories are longer than the straight lines between their ends."""
    along = walks.diff(dim=1).norm(dim=2).sum(1)
    across = (walks[:, -1] - walks[:, 0]).norm(dim=1)
    return float((along.sum() / across.sum()) - 1)


def bend(walks: Float[Tensor, "walks times values"]) -> Float[Tensor, "times"]:
    """Return how far trajectories are, at each time, from even ones straight to their ends.

    It is the root of the mean square, in units of that of the lines' lengths.
    """
    share = torch.linspace(0, 1, walks.shape[1]).view(1, -1, 1)
    way = walks[:, -1:] - walks[:, :1]
    away = (walks - walks[:, :1] - share * way).square().sum(2).mean(0)
    mean_square: Tensor = away / way.square().sum(2).mean()
    return mean_square.sqrt()
