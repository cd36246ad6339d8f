"""The runs that samplers are tried on; guidance, few steps, samples side by side."""

import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.samplers import SAMPLERS
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import diffusing
from ui import cache
from ui.cache import cached_figure
from ui.controls import one_of, record_views
from ui.runs import side_by_side
from ui.runs.knobs import read_link
from ui.widgets.elements import is_dark, needs_run
from ui.widgets.pictures import labelled_rows, row_of_pictures
from ui.widgets.seed import draw_number

record_views("model", "draw")

GUIDED = (0.0, 1.0, 2.0, 4.0)
FEW = (1, 2, 3, 5, 20)
PLANE = "in the plane"  # the preset of points
CONDITIONAL = "told the class"  # the preset of a class-conditional model
MODELS = {"DDPM": "ddpm", "Flow matching": "flow"}
USUAL = "DDPM"


def model_choice(page: str) -> RunSpec:
    """Return the shipped model that the student chooses, for the samplers to be tried on."""
    read_link(page, {})
    title = st.segmented_control(
        "Model", default=USUAL, required=True, **one_of(page, "model", list(MODELS))
    )
    return RunSpec.of_preset(MODELS[title])


def picture_run(run: Run | None, family: str) -> Run | None:
    """Return the page's run where it is one of pictures, else the shipped one."""
    if run is not None and DATASETS[run.spec.dataset].kind == "pictures":
        return run
    if run is None:
        return None
    st.info("Your run is of points: what follows on pictures is of the shipped model.")
    return cache.finished(RunSpec.of_preset(family))


def conditional_run(run: Run | None, family: str) -> Run | None:
    """Return the page's run where it is class-conditional, else the shipped one that is."""
    if run is not None and diffusing(run).classes:
        return run
    return cache.finished(RunSpec.of_preset(family, CONDITIONAL))


def plane_run(run: Run | None, family: str) -> Run | None:
    """Return the page's run where it is one of points, else the shipped one of the plane."""
    if run is not None and DATASETS[run.spec.dataset].kind == "plane":
        return run
    return cache.finished(RunSpec.of_preset(family, PLANE))


@needs_run
@st.fragment
def guided(run: Run, family: str) -> None:
    """Draw classifier-free guidance: each class at several strengths, all of the same noise."""
    seed = draw_number(family, "draw", "Seed of the noise", "Other noise")
    _guided(run, seed, dark=is_dark())


@cached_figure
def _guided(run: Run, seed: int, *, dark: bool) -> None:
    model = diffusing(run)
    classes = DATASETS[run.spec.dataset].classes
    noise = torch.randn(len(classes), *model.shape, generator=generator(seed))
    labels = torch.arange(len(classes))
    rows = {
        f"guidance {strength:g}": model.reverse(noise, labels=labels, guidance=strength)
        for strength in GUIDED
    }
    st.caption(f"From left to right: {', '.join(classes)}.")
    labelled_rows(rows, "A row of classes for each strength of guidance", 3, dark=dark)


def few_steps(specs: dict[str, RunSpec]) -> None:
    """Draw samples of the same noise after few of Euler's steps, by each of some runs."""
    dark = is_dark()
    side_by_side.in_columns(specs, lambda run: _few_steps(run, dark=dark))


@cached_figure
def _few_steps(run: Run, *, dark: bool) -> None:
    model = diffusing(run)
    noise = torch.randn(6, *model.shape, generator=generator(0))
    rows = {
        f"{steps} step{'s' if steps > 1 else ''}": model.reverse(noise, SAMPLERS["Euler"], steps)
        for steps in FEW
    }
    labelled_rows(rows, "Six pictures after a few steps, and after more", 3, dark=dark)


def samples_of(specs: dict[str, RunSpec]) -> None:
    """Draw samples of runs side by side, and what is wrong with their noise schedules."""
    side_by_side.in_columns(specs, _samples)


@cached_figure
def _samples(run: Run) -> None:
    model = diffusing(run)
    st.caption(model.schedule.complaint() or "x_T is noise, as it should be.")
    pictures = model.generate(torch.randn(12, model.codings, generator=generator(0)))
    row_of_pictures(pictures[:6], "New pictures", 4, 620)
    row_of_pictures(pictures[6:], "More new pictures", 4, 620)
