"""Runs beside one another: their reconstructions, and the button that sets a preset's knobs."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import streamlit as st
import torch

from genlib.config import Difference, differences
from genlib.data import DATASETS
from genlib.family import to_float, to_uint8
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.summary import RunSummary
from ui import cache
from ui.cache import cached_figure
from ui.runs import knobs
from ui.widgets.elements import not_trained_here
from ui.widgets.pictures import image

SHOWN = 6  # pictures of a row
MEASURED = 1000  # pictures
Result = TypeVar("Result")


def presets(
    family: str,
    titled: Mapping[str, str],
    draw: Callable[[dict[str, RunSpec]], None] | None = None,
) -> None:
    """Draw presets of a family side by side, and the button that sets the knobs to the first.

    Args:
        family: whose presets they are.
        titled: the name of each by the title over it.
        draw: draws them; their reconstructions by default.
    """
    runs = {title: RunSpec.of_preset(family, name) for title, name in titled.items()}
    (draw or side_by_side)(runs)
    preset_button(family, next(iter(titled.values())))


def preset_button(family: str, preset: str) -> None:
    """Draw the button that sets the knobs to a preset."""
    st.button(
        f"Set the knobs to “{preset}”",
        on_click=knobs.apply_preset,
        args=(family, preset),
        icon=":material/tune:",
    )


def in_columns(specs: dict[str, RunSpec], draw: Callable[[Run], None]) -> None:
    """Draw each run in a column of its own under its title; say which is not trained yet."""
    _columns({title: cache.finished(spec) for title, spec in specs.items()}, draw)
    st.caption(apart(list(specs.values())))


def summaries_in_columns(specs: dict[str, RunSpec], draw: Callable[[RunSummary], None]) -> None:
    """Draw the summary of each run in a column of its own; it may be shipped without the run."""
    _columns({title: cache.summary(spec) for title, spec in specs.items()}, draw)
    st.caption(apart(list(specs.values())))


def apart(specs: list[RunSpec]) -> str:
    """Return every setting in which runs differ, with its value in each of them, in order."""
    values = dict[str, list[Any]]()
    for index, other in enumerate(specs[1:], 1):
        for title, first, own in differences(specs[0], other):
            values.setdefault(title, [first] * len(specs))[index] = own
    if not values:
        return "No setting differs."
    settings = [f"{title} {' | '.join(map(in_words, row))}" for title, row in values.items()]
    return f"All settings that differ, from left to right: {'; '.join(settings)}."


def moved(difference: Difference) -> str:
    """Return the two values of a setting in words, from the left one to the right one."""
    return f"{in_words(difference.left)} → {in_words(difference.right)}"


def in_words(value: Any) -> str:
    """Return a setting's value in words; a dash where the family has no such setting."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return DATASETS[value].title if value in DATASETS else str(value)


def _columns(results: dict[str, Result | None], draw: Callable[[Result], None]) -> None:
    columns = st.columns(len(results), gap="large")
    for column, (title, result) in zip(columns, results.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            if result is None:
                not_trained_here()
            else:
                draw(result)


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw the reconstructions of runs side by side, of training pictures and of test pictures."""
    in_columns(specs, _both)


def _both(run: Run) -> None:
    data = cache.dataset(run.spec.dataset)
    count = run.spec.train.pictures or len(data.train)
    _reconstructions(run, "Training pictures", data.train[: min(count, MEASURED)])
    _reconstructions(run, "Test pictures", data.test[:MEASURED])


@cached_figure
def _reconstructions(run: Run, title: str, images: torch.Tensor) -> None:
    """Draw pictures over their reconstructions, with the mean squared error of all of them."""
    x = to_float(images)
    error = float(run.family.evaluate(x)["mse"])
    st.caption(f"{title}, MSE {error:.2g}")
    parts = x[:SHOWN], *run.family.preview(x[:SHOWN], generator(0)).split(SHOWN)
    rows = np.stack([to_uint8(part).numpy() for part in parts])
    alt = f"{title}, and under them what the model makes of them"
    image(picture_grid(rows, 6), alt)
