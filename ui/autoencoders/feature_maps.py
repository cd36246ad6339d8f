"""Feature maps: what each layer of a convolutional network makes of one picture."""

import numpy as np
import streamlit as st
import torch
from torch.nn import functional as F

from genlib.family import to_float
from genlib.models.convolutional.config import ConvolutionalConfig
from genlib.models.convolutional.model import ConvolutionalAutoencoder
from genlib.plots import Line, lines, picture_grid
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import model_of
from ui import cache
from ui.cache import cached_figure
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import image, picture_slider

WIDE = 720  # CSS pixels of a layer's row of maps
MOST = 16  # maps shown of a layer
SHIFTS = (0, 1, 2, 3, 4)  # pixels
MEASURED = 1000  # test pictures that are shifted


@needs_run
@st.fragment
def feature_maps(run: Run, family: str) -> None:
    """Draw the maps of every layer for a test picture that the student chooses."""
    test = cache.dataset(run.spec.dataset).test
    number = picture_slider(family, len(test))
    _layers(run, number)


@cached_figure
def _layers(run: Run, number: int) -> None:
    """Draw the feature maps of each layer in turn."""
    x = to_float(cache.dataset(run.spec.dataset).test[number : number + 1])
    for layer, maps in model_of(run, ConvolutionalAutoencoder).feature_maps(x):
        values = maps.numpy()
        count, rows, columns = values.shape
        silent = int((values <= 0).all((1, 2)).sum())
        st.caption(
            f"**{layer.capitalize()}**: {count} of {rows} × {columns}"
            + (f", the first {MOST} shown" if count > MOST else "")
            + (f"; {silent} never active for this picture" if silent else "")
        )
        width = WIDE if count > 1 else 160
        image(_map_grid(values[:MOST]), f"The feature maps of {layer}", width)


@needs_run
def beside_dense(run: Run, family: str) -> None:
    """Draw the error of shifted pictures, of a run and of the stacked one with as many codings."""
    codings = run.spec.model_as(ConvolutionalConfig).codings
    usual = RunSpec.of_preset("stacked", dataset=run.spec.dataset)
    model = usual.model.model_copy(update={"codings": codings})
    dense = cache.finished(usual.model_copy(update={"model": model}))
    _shifted({"convolutional": run, "dense": dense}, family)


def _shifted(runs: dict[str, Run | None], family: str) -> None:
    finished = {name: run for name, run in runs.items() if run is not None}
    for name, run in finished.items():
        weights = sum(weight.numel() for weight in run.family.parameters())
        st.markdown(
            f"- **{name.capitalize()}**: {weights:,} weights and biases, test MSE "
            f"{run.provenance.metrics['test_mse']:.4f}, trained in {run.provenance.seconds:.0f} s "
            f"on {run.provenance.device}."
        )
    if len(finished) < len(runs):
        st.caption("The stacked autoencoder with as many codings was not trained here yet.")
    curves = {name: Line(np.array(SHIFTS), _shift_errors(run)) for name, run in finished.items()}
    chart = lines(curves, "shift in pixels", "MSE of shifted test pictures")
    static_chart(chart, f"{family}-shifts")


@cached_figure
def _shift_errors(run: Run) -> np.ndarray:
    """Return the mean squared error of test pictures at each of SHIFTS."""
    x = to_float(cache.dataset(run.spec.dataset).test[:MEASURED])
    pictures = [shifted(x, pixels) for pixels in SHIFTS]
    return np.array([float(run.family.evaluate(each)["mse"]) for each in pictures])


def shifted(x: torch.Tensor, pixels: int) -> torch.Tensor:
    """Return pictures moved to the right; what leaves them is lost, and black comes in."""
    width = x.shape[-1]
    return F.pad(x, (pixels, 0))[..., :width]


def _map_grid(maps: np.ndarray) -> np.ndarray:
    """Return maps as one image: black is none of a feature, white the most in any map shown."""
    low = min(0.0, float(maps.min()))
    high = float(maps.max())
    grey = ((maps - low) / max(high - low, 1e-6) * 255).round().astype(np.uint8)
    columns = min(len(grey), MOST // 2) if len(grey) > 1 else 1
    padding = np.full((-len(grey) % columns, *grey.shape[1:]), 128, np.uint8)
    grey = np.concatenate([grey, padding])
    enlarged = max(1, 84 // grey.shape[2])  # first, so that gutters are thin beside tiny maps
    grey = grey.repeat(enlarged, 1).repeat(enlarged, 2)
    return picture_grid(grey.reshape(-1, columns, 1, *grey.shape[1:]), 2)
