"""The forward process: a picture drowned in noise, the schedules, and how hard each time is."""

import numpy as np
import streamlit as st
import torch

from genlib.diffusion.schedules import Schedule, ScheduleName, schedule
from genlib.family import to_float
from genlib.latents import spread
from genlib.plots import Line, lines
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.studies.starts import diffusing
from ui import cache
from ui.controls import record_views
from ui.widgets import elements, picture_source
from ui.widgets.elements import chart_at_rest
from ui.widgets.film import Film, film
from ui.widgets.pictures import grid, picture_slider

record_views("source")

MOMENTS = 41  # of a picture that drowns
ENLARGED = 11  # times, of a picture by itself
MEASURED = 256  # test pictures, of the error at each time
TIMES = 20  # at which it is measured
NAMES: tuple[ScheduleName, ...] = ("linear", "cosine", "sigmoid", "flow")


@st.fragment
def drowning(run: Run | None, family: str) -> None:
    """Let the student choose a picture, and show it at every time, and what the model sees."""
    if run is None:
        elements.missing()
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        count = len(cache.dataset(run.spec.dataset).test)
        number = picture_slider(family, count)
        x = picture_source.chosen(run.spec, family, "source", number)
        st.caption("Every time is one step away: the sum needs no chain of steps.")
    with right:
        if not len(x):
            st.info("Draw something, or upload a picture, and drown it.")
            return
        factor = max(1, ENLARGED * 28 // x.shape[-1])
        shown = _drowned(run.spec.fingerprint, x.numpy().tobytes(), run, x)
        film(
            shown,
            f"{family}-forward",
            "a picture and noise",
            factor,
            start=len(shown.captions) // 3,
        )


@st.cache_data(max_entries=64, show_spinner=False)
def _drowned(name: str, content: bytes, _run: Run, _x: torch.Tensor) -> Film:
    """Return the film of one picture from t = 0 to T, with the same noise throughout."""
    model, x = diffusing(_run), _x
    noise = model.schedule
    times = spread(noise.last + 1, MOMENTS)
    t = torch.tensor(times)
    clean = model.scaled(x).expand(len(times), *x.shape[1:])
    eps = torch.randn(x.shape, generator=generator(0)).expand(len(times), *x.shape[1:])
    x_t = noise.noised(clean, t, eps)
    seen = torch.cat([clean[:1], model.guess(x_t[1:], t[1:])])  # at t = 0 there is no noise
    captions = [
        f"t = {time:,} of {noise.last:,}: {noise.alphas[time]:.3f} of the picture + "
        f"{noise.sigmas[time]:.3f} of noise"
        for time in times
    ]
    panels = {"The picture in noise": x_t, "What the model sees in it": seen}
    return Film(
        {
            title: np.stack([grid(model.unscaled(one[None]), 1) for one in part])
            for title, part in panels.items()
        },
        captions,
    )


def schedules(run: Run | None, family: str) -> None:
    """Draw what is left of a picture at each time, by this run's schedule and by the others."""
    if run is None:
        elements.missing()
        return
    model = diffusing(run)
    complaint = model.schedule.complaint()
    if complaint:
        st.warning(complaint, icon=":material/water_drop:")
    _schedule_charts(model.schedule.last, family, _own_name(run))


def _own_name(run: Run) -> ScheduleName:
    """Return the name of a run's schedule; of flow matching there is one."""
    own: ScheduleName = run.spec.model.model_dump().get("schedule", "flow")
    return own


@st.cache_data(max_entries=64, show_spinner=False)
def _schedule_charts(last: int, family: str, own: ScheduleName) -> None:
    names = own, *(name for name in NAMES if name != own)
    tables = {name: schedule(name, last) for name in names}
    left, middle, right = st.columns(3)
    share = np.arange(last + 1) / last
    curves = {
        f"{name} (this run)" if name == own else name: table for name, table in tables.items()
    }
    with left:
        st.caption("What is left of the picture, by power.")
        kept = {name: _line(share, table.alphas.square()) for name, table in curves.items()}
        chart_at_rest(lines(kept, "t / T", "ᾱ"), f"{family}-kept")
    with middle:
        st.caption("The share that each step replaces.")
        betas = {
            name: _line(share[1:], table.betas)
            for name, table in curves.items()
            if not table.straight
        }
        chart_at_rest(lines(betas, "t / T", "β", log="y"), f"{family}-betas")
    with right:
        st.caption("Signal against noise, in decibels.")
        ratio = {name: _decibels(share, table) for name, table in curves.items()}
        chart_at_rest(lines(ratio, "t / T", "SNR in dB"), f"{family}-snr")


def _line(share: np.ndarray, values: torch.Tensor) -> Line:
    few = spread(len(share), 200)
    return Line(share[few], values.double().numpy()[few])


def _decibels(share: np.ndarray, table: Schedule) -> Line:
    """Return the signal-to-noise ratio, where it is within 60 decibels."""
    ratio = 10 / np.log(10) * table.log_snr.double().numpy()
    seen = np.abs(ratio) < 60
    return Line(share[seen], ratio[seen])


def by_time(run: Run | None, family: str) -> None:
    """Draw how wrong the model is at each time: about the noise, and about the picture."""
    if run is None:
        elements.missing()
        return
    _error_charts(run.spec.fingerprint, family, run)


@st.cache_data(max_entries=32, show_spinner=False)
def _error_charts(name: str, family: str, _run: Run) -> None:
    share, noise, picture = _errors(_run)
    left, right = st.columns(2)
    constant = np.ones_like(share)
    with left:
        st.caption("The noise: easy to tell where there is much of it. Dashed: to guess none.")
        both = {"this model": Line(share, noise), "guessing 0": Line(share, constant, dashed=True)}
        chart_at_rest(lines(both, "t / T", "mean squared error", log="y"), f"{family}-noise-error")
    with right:
        st.caption("The picture: hard where there is little of it. Dashed: the mean picture.")
        mean = np.full_like(share, _of_the_mean(_run))
        both = {"this model": Line(share, picture), "mean picture": Line(share, mean, dashed=True)}
        chart_at_rest(lines(both, "t / T", "mean squared error", log="y"), f"{family}-guess-error")


def _errors(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times as shares of T, and the errors of the noise and of the picture at each."""
    model = diffusing(run)
    x = model.scaled(to_float(cache.dataset(run.spec.dataset).test[:MEASURED]))
    eps = torch.randn(x.shape, generator=generator(0))
    times = spread(model.schedule.last + 1, TIMES + 2)[1:-1] or [1]  # the ends say nothing
    noise, picture = [], []
    for time in times:
        t = torch.full((len(x),), time)
        alpha, sigma = model.schedule.at(t, x.ndim)
        clean = model.guess(model.schedule.noised(x, t, eps), t)
        noise.append(float((alpha / sigma * (clean - x)).square().mean()))
        picture.append(float((clean - x).square().mean()) / 4)  # of pictures in [0, 1]
    return np.array(times) / model.schedule.last, np.array(noise), np.array(picture)


def _of_the_mean(run: Run) -> float:
    """Return the mean squared error of the mean training picture."""
    data = cache.dataset(run.spec.dataset)
    mean = to_float(data.train[:10_000]).mean(0)
    return float((to_float(data.test[:MEASURED]) - mean).square().mean())
