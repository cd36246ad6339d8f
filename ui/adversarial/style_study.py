"""What styles decide, measured: class changes by layer, path lengths in z and w, droplets."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.plots import Line, bars, lines, picture_grid
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import styled
from genlib.studies.style_layers import Exchanged, Share, StyleLayers, drawn_styles
from genlib.studies.style_layers import exchanged as exchanged_of
from ui import cache
from ui.cache import cached_figure
from ui.runs import side_by_side
from ui.runs.study_panel import study_panel
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import image

Files = Mapping[str, bytes]
MAPS = 8  # of the layer whose maps are drawn
PRESS = "Exchange 2,000 styles"


@needs_run
def exchanged(run: Run) -> None:
    """Draw how often exchanged styles change the class, or the button that measures it."""
    study_panel(StyleLayers(start=run.spec), PRESS, partial(_exchanged, run.spec))


def _exchanged(spec: RunSpec, files: Files) -> None:
    if "styles.json" not in files:
        return
    result = exchanged_of(dict(files))
    st.markdown(_verdict(result))
    _by_layer(result.layers, spec.fingerprint[:8])
    st.caption(_path_lengths(result))


@cached_figure
def _by_layer(layers: list[Share], name: str) -> None:
    """Draw how often each layer's style changes the class, and by how much the pixels."""
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("Share of pictures that the classifier puts in another class, layer by layer.")
        changed = {each.name: each.changed for each in layers}
        figure = bars(changed, "another class", x_title="layer")
        figure.update_yaxes(tickformat=".0%")
        static_chart(figure, f"{name}-changed")
    with right:
        st.caption("Mean change of a pixel, of the range from black to white.")
        change = {each.name: each.pixels for each in layers}
        static_chart(bars(change, "change", x_title="layer"), f"{name}-pixels")


def _verdict(result: Exchanged) -> str:
    """Return whether coarse styles decide more often than fine ones what is drawn."""
    shares = ", ".join(
        f"the {group.name} ones **{group.changed:.0%}** ({group.low:.0%} … {group.high:.0%})"
        for group in result.groups
    )
    coarse, *_, fine = result.groups
    if coarse.low > fine.high:
        verdict = "what is drawn is decided by coarse layers, as it should be"
    elif fine.low > coarse.high:
        verdict = "here the fine layers decide more of what is drawn, against the book"
    else:
        verdict = "between coarse and fine no difference can be told"
    return (
        f"Of {result.pictures:,} pictures, exchanged styles put in another class: {shares}. "
        f"So {verdict}."
    )


def _path_lengths(result: Exchanged) -> str:
    """Return how long walks in z and in w are, over the distance of their ends."""
    ratios = " and ".join(
        f"in {each.space} {each.value:.2f} times ({each.low:.2f} … {each.high:.2f})"
        for each in result.lengths
    )
    return (
        f"A walk between two pictures, further down, is {ratios} as long as their distance, in "
        "the features of the classifier; intervals are of 95 %."
    )


def droplets(specs: dict[str, RunSpec]) -> None:
    """Draw droplet artifacts: the maps of AdaIN and of modulation, and how high they peak."""
    side_by_side.in_columns(specs, _strongest_maps)
    peaks = dict[str, list[float]]()
    for title, spec in specs.items():
        files = cache.measured(StyleLayers(start=spec))
        if files is not None:
            peaks[title] = exchanged_of(files).peaks
    if peaks:
        name = "-".join(spec.fingerprint[:4] for spec in specs.values())
        _peaks(peaks, f"{name}-peaks")
    if len(peaks) == len(specs):
        st.caption(_comparison(peaks))


def _comparison(peaks: dict[str, list[float]]) -> str:
    """Return which way of styling makes the higher peaks here, or that neither does."""
    (one, one_peak), (other, other_peak) = ((name, max(each)) for name, each in peaks.items())
    highest = f"The highest peak is {one_peak:.1f} with {one} and {other_peak:.1f} with {other}. "
    if one_peak > 1.5 * other_peak:
        return highest + "AdaIN's maps do stick out here, as the paper says of large ones."
    return highest + (
        "In maps of 32 × 32 places there is no more of a droplet with AdaIN: the paper saw them "
        "from 64 × 64 on."
    )


@cached_figure
def _peaks(peaks: dict[str, list[float]], key: str) -> None:
    """Draw the peak of each layer's maps, over their root mean square."""
    st.caption(
        "The largest value of a layer's maps over their root mean square, before they are "
        "normalised: the median of 100 pictures. Random maps have about 4."
    )
    curves = {
        title: Line(np.arange(1.0, len(values) + 1), np.array(values))
        for title, values in peaks.items()
    }
    static_chart(lines(curves, "layer", "peak"), key)


@cached_figure
def _strongest_maps(run: Run) -> None:
    """Draw a picture's last maps as they leave their convolution, strongest in any white."""
    model = styled(run)
    *_, (last,) = model.generator.unstyled(drawn_styles(model, 1, 0, torch.device("cpu")))
    values = last.abs()
    grey = (values / values.max().clamp(min=1e-6) * 255).round().to(torch.uint8)
    maps = grey[:MAPS].unflatten(0, (2, -1))[:, :, None].numpy()
    image(picture_grid(maps, 3), "The last maps of one picture")
    st.caption("The last layer's maps of one picture, before any normalisation.")
