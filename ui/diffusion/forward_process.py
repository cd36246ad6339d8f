"""The forward process: a picture in noise at every time, noise schedules, the error by time."""

import numpy as np
import streamlit as st
import torch

from genlib.diffusion.schedules import Schedule, ScheduleName, schedule
from genlib.family import to_float
from genlib.latents import spread
from genlib.models.ddpm.config import PREDICTED, DDPMConfig
from genlib.plots import Line, lines
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import diffusing
from ui import cache
from ui.cache import cached_figure
from ui.controls import record_views
from ui.widgets import picture_source
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.film import Film, film
from ui.widgets.pictures import grid, picture_slider

record_views("source")

MOMENTS = 41  # of a picture that drowns
ENLARGED = 11  # times, of a picture by itself
MEASURED = 256  # test pictures, of the error at each time
TIMES = 20  # at which it is measured
NAMES: tuple[ScheduleName, ...] = ("linear", "cosine", "sigmoid", "flow")


@needs_run
@st.fragment
def drowning(run: Run, family: str) -> None:
    """Draw the forward process of a picture at every time, beside the model's x0_hat."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        count = len(cache.dataset(run.spec.dataset).test)
        number = picture_slider(family, count)
        x = picture_source.chosen(run.spec, family, "source", number)
        st.caption("x_t is computed from the picture in one step, at every time.")
    with right:
        if not len(x):
            st.info("Draw something, or upload a picture, to add noise to it.")
            return
        factor = max(1, ENLARGED * 28 // x.shape[-1])
        shown = _film(run, x)
        start = len(shown.captions) // 3
        film(shown, f"{family}-forward", "a picture and noise", factor, start=start)


@cached_figure
def _film(run: Run, x: torch.Tensor) -> Film:
    """Return the film of one picture from t = 0 to T, with the same noise throughout."""
    model = diffusing(run)
    times = spread(model.schedule.last + 1, MOMENTS)
    t = torch.tensor(times)
    x_0 = model.scaled(x).expand(len(times), *x.shape[1:])
    eps = torch.randn(x.shape, generator=generator(0)).expand(len(times), *x.shape[1:])
    x_t = model.schedule.noised(x_0, t, eps)
    x0_hat = model.predict(x_t[1:], t[1:], t[1:])
    x0_hat = torch.cat([x_0[:1], x0_hat])  # at t = 0 there is no noise
    panels = {"Noisy picture x_t": x_t, "Predicted clean picture": x0_hat}
    return Film(
        {
            title: np.stack([grid(model.unscaled(one[None]), 1) for one in frames])
            for title, frames in panels.items()
        },
        [_caption(model.schedule, time) for time in times],
    )


def _caption(noise: Schedule, time: int) -> str:
    """Return the shares of picture and of noise at a time."""
    return (
        f"t = {time:,} of {noise.last:,}: x_t = {noise.alphas[time]:.3f} · picture + "
        f"{noise.sigmas[time]:.3f} · noise"
    )


def predicted(spec: RunSpec) -> None:
    """Say what the network of these knobs predicts; the noise follows from each answer."""
    if not isinstance(spec.model, DDPMConfig):
        return
    prediction = spec.model.prediction
    follows = (
        "The clean picture follows from it and from $x_t$."
        if prediction == "noise"
        else "The noise follows from it and from $x_t$."
    )
    st.caption(f"With these knobs the network predicts {PREDICTED[prediction]}. {follows}")


@needs_run
def schedules(run: Run, family: str) -> None:
    """Draw this run's noise schedule beside the others: ᾱ, β and the signal-to-noise ratio."""
    model = diffusing(run)
    complaint = model.schedule.complaint()
    if complaint:
        st.warning(complaint, icon=":material/water_drop:")
    own: ScheduleName = run.spec.model.model_dump().get("schedule", "flow")
    _schedule_charts(model.schedule.last, family, own)


@cached_figure
def _schedule_charts(last: int, family: str, own: ScheduleName) -> None:
    names = own, *(name for name in NAMES if name != own)
    tables = {
        f"{each} (this run)" if each == own else each: schedule(each, last) for each in names
    }
    left, middle, right = st.columns(3)
    share = np.arange(last + 1) / last
    with left:
        st.caption("Signal power ᾱ_t: what is left of the picture, squared.")
        power = {name: _line(share, table.alphas.square()) for name, table in tables.items()}
        static_chart(lines(power, "t / T", "ᾱ"), f"{family}-kept")
    with middle:
        st.caption("β_t: the share of the variance that each step replaces by noise.")
        betas = {
            name: _line(share[1:], table.betas)
            for name, table in tables.items()
            if not table.straight
        }
        static_chart(lines(betas, "t / T", "β", log="y"), f"{family}-betas")
    with right:
        st.caption("Signal against noise, in decibels.")
        ratio = {name: _decibels(share, table) for name, table in tables.items()}
        static_chart(lines(ratio, "t / T", "SNR in dB"), f"{family}-snr")


def _line(share: np.ndarray, values: torch.Tensor) -> Line:
    few = spread(len(share), 200)
    return Line(share[few], values.double().numpy()[few])


def _decibels(share: np.ndarray, table: Schedule) -> Line:
    """Return the signal-to-noise ratio, where it is within 60 decibels."""
    ratio = 10 / np.log(10) * table.log_snr.double().numpy()
    within = np.abs(ratio) < 60
    return Line(share[within], ratio[within])


@needs_run
@cached_figure
def by_time(run: Run, family: str) -> None:
    """Draw the model's error at each time: of the noise (epsilon), and of the picture (x0_hat)."""
    share, noise, picture = _errors(run)
    left, right = st.columns(2)
    with left:
        st.caption(
            "Error of the noise: small where there is much of it. Dashed: always predicting zero."
        )
        baseline = Line(share, np.ones_like(share), dashed=True)
        curves = {"this model": Line(share, noise), "guessing 0": baseline}
        chart = lines(curves, "t / T", "mean squared error", log="y")
        static_chart(chart, f"{family}-noise-error")
    with right:
        st.caption(
            "Error of the picture: large where there is much noise. Dashed: the mean picture."
        )
        baseline = Line(share, np.full_like(share, _error_of_the_mean(run)), dashed=True)
        curves = {"this model": Line(share, picture), "mean picture": baseline}
        chart = lines(curves, "t / T", "mean squared error", log="y")
        static_chart(chart, f"{family}-guess-error")


def _errors(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times as shares of T, and the errors of the noise and of the picture at each."""
    model = diffusing(run)
    x = model.scaled(to_float(cache.dataset(run.spec.dataset).test[:MEASURED]))
    eps = torch.randn(x.shape, generator=generator(0))
    times = spread(model.schedule.last + 1, TIMES + 2)[1:-1] or [1]  # the ends say nothing
    noise = []
    picture = []
    for time in times:
        t = torch.full((len(x),), time)
        alpha, sigma = model.schedule.at(t, x.ndim)
        x0_hat = model.predict(model.schedule.noised(x, t, eps), t, t)
        noise.append(float((alpha / sigma * (x0_hat - x)).square().mean()))
        picture.append(float((x0_hat - x).square().mean()) / 4)  # of pictures in [0, 1]
    return np.array(times) / model.schedule.last, np.array(noise), np.array(picture)


def _error_of_the_mean(run: Run) -> float:
    """Return the mean squared error of the mean training picture."""
    data = cache.dataset(run.spec.dataset)
    mean = to_float(data.train[:10_000]).mean(0)
    return float((to_float(data.test[:MEASURED]) - mean).square().mean())
