"""Models, steps, guidance and samplers of noise, side by side; and which run a part is about."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.diffusion.base import SAMPLERS
from genlib.family import to_uint8
from genlib.plots import Line, lines, named_rows
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import SamplerBench
from genlib.studies.sampler_bench import SHOWN, WALKS, floor, points
from genlib.studies.starts import diffusing
from ui import cache
from ui.controls import record_views
from ui.runs import side_by_side
from ui.runs.study_panel import study_panel
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest
from ui.widgets.pictures import row_of_pictures
from ui.widgets.seed import draw_number

record_views("draw")

GUIDED = (0.0, 1.0, 2.0, 4.0)
FEW = (1, 2, 3, 5, 20)
PLANE = "in the plane"  # the preset of points
Files = Mapping[str, bytes]


def of_pictures(run: Run | None, family: str) -> Run | None:
    """Return the page's run where it is one of pictures, else the shipped one."""
    if run is not None and DATASETS[run.spec.dataset].kind == "pictures":
        return run
    if run is None:
        return None
    st.info("Your run is of points: what follows on pictures is of the shipped model.")
    return cache.finished(RunSpec.of_preset(family))


def of_points(run: Run | None, family: str) -> Run | None:
    """Return the page's run where it is one of points, else the shipped one of the plane."""
    if run is not None and DATASETS[run.spec.dataset].kind == "plane":
        return run
    return cache.finished(RunSpec.of_preset(family, PLANE))


@st.fragment
def guided(run: Run | None, family: str) -> None:
    """Draw each class at several strengths of guidance, all of the same noise."""
    if run is None:
        elements.missing()
        return
    seed = draw_number(family, "draw", "Seed of the noise", "Other noise")
    _guided(run.spec.fingerprint, seed, run, dark=st.context.theme.type == "dark")


@st.cache_data(max_entries=32, show_spinner=False)
def _guided(name: str, seed: int, _run: Run, *, dark: bool) -> None:
    model = diffusing(_run)
    classes = DATASETS[_run.spec.dataset].classes
    noise = torch.randn(len(classes), *model.shape, generator=generator(seed))
    labels = torch.arange(len(classes))
    rows = [
        to_uint8(model.walked(noise, labels=labels, guidance=strength)).numpy()
        for strength in GUIDED
    ]
    st.caption(f"From left to right: {', '.join(classes)}.")
    titles = [f"guidance {strength:g}" for strength in GUIDED]
    image = named_rows(np.stack(rows), titles, 3, dark=dark)
    st.image(image, width="stretch", alt="A row of classes for each strength of guidance")


def few_steps(specs: dict[str, RunSpec]) -> None:
    """Draw what few of Euler's steps make of the same noise, by each of some runs."""
    dark = st.context.theme.type == "dark"
    side_by_side.in_columns(specs, lambda run: _few(run.spec.fingerprint, run, dark=dark))


@st.cache_data(max_entries=32, show_spinner=False)
def _few(name: str, _run: Run, *, dark: bool) -> None:
    model = diffusing(_run)
    noise = torch.randn(6, *model.shape, generator=generator(0))
    rows = [to_uint8(model.walked(noise, SAMPLERS["Euler"], steps)).numpy() for steps in FEW]
    titles = [f"{steps} step{'s' if steps > 1 else ''}" for steps in FEW]
    image = named_rows(np.stack(rows), titles, 3, dark=dark)
    st.image(image, width="stretch", alt="Six pictures after a few steps, and after more")


def samples_of(specs: dict[str, RunSpec]) -> None:
    """Draw what runs make, side by side, and what is wrong with their schedules."""
    side_by_side.in_columns(specs, _sampled)


def _sampled(run: Run) -> None:
    st.caption(diffusing(run).schedule.complaint() or "x_T is noise, as it should be.")
    _twelve(run.spec.fingerprint, run)


@st.cache_data(max_entries=32, show_spinner=False)
def _twelve(name: str, _run: Run) -> None:
    model = diffusing(_run)
    made = model.generate(torch.randn(12, model.codings, generator=generator(0)))
    row_of_pictures(made[:6], "New pictures", 4, 620)
    row_of_pictures(made[6:], "More new pictures", 4, 620)


def quality(run: Run | None) -> None:
    """Draw the quality of each sampler against its steps and its seconds, or offer to measure."""
    if run is None:
        elements.missing()
        return
    study_panel(SamplerBench(start=run.spec), "Measure the samplers", partial(_quality, run.spec))


def _quality(spec: RunSpec, files: Files) -> None:
    found = points(files)
    if not found:
        return
    left, right = st.columns(2, gap="large")
    ways = [name for name in WALKS if any(point.sampler == name for point in found)]
    for column, title, place in (
        (left, "looks of the network", lambda point: point.looks),
        (right, f"seconds for {SHOWN} pictures", lambda point: point.seconds),
    ):
        with column:
            curves = {
                name: Line(
                    np.array([place(point) for point in found if point.sampler == name], float),
                    np.array([point.fid for point in found if point.sampler == name]),
                )
                for name in ways
            }
            st.caption(f"Classifier FID against {title}: lower and further left is better.")
            chart_at_rest(
                lines(curves, title, "classifier FID", log="xy"),
                f"quality-{spec.fingerprint[:8]}-{title[:5]}",
            )
    st.caption(
        "Classifier FID: how far pictures are from real ones in the eyes of our own classifier. "
        f"Real pictures are {floor(files):.2f} from other real ones."
    )
    table = pd.DataFrame([point._asdict() for point in found])
    with st.expander("The numbers"):
        st.dataframe(table, hide_index=True)
