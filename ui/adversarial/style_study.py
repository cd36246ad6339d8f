"""What was measured of styles: what they decide, how long walks are, and where droplets grow."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.plots import Line, bars, lines, picture_grid, to_png
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import StyleLayers
from genlib.studies.starts import styled
from genlib.studies.style_layers import Exchanged, drawn_styles
from genlib.studies.style_layers import exchanged as exchanged_of
from ui import cache
from ui.runs import side_by_side
from ui.runs.study_panel import study_panel
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest

Files = Mapping[str, bytes]
MAPS = 8  # of the layer whose maps are drawn
PRESS = "Exchange 2,000 styles"


def exchanged(run: Run | None) -> None:
    """Draw how often exchanged styles change the class, or offer to measure it."""
    if run is None:
        elements.missing()
        return
    study_panel(StyleLayers(start=run.spec), PRESS, partial(_exchanged, run.spec))


def _exchanged(spec: RunSpec, files: Files) -> None:
    if "styles.json" not in files:
        return
    found = exchanged_of(dict(files))
    st.markdown(_sentence(found))
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("Share of pictures that the judge puts in another class, layer by layer.")
        _bars(spec.fingerprint, "changed", {each.name: each.changed for each in found.layers})
    with right:
        st.caption("Mean change of a pixel, of the range from black to white.")
        _bars(spec.fingerprint, "pixels", {each.name: each.pixels for each in found.layers})
    st.caption(_lengths(found))


def _sentence(found: Exchanged) -> str:
    """Return whether coarse styles decide more often than fine ones what is drawn."""
    told = ", ".join(
        f"the {group.name} ones **{group.changed:.0%}** ({group.low:.0%} … {group.high:.0%})"
        for group in found.groups
    )
    coarse, fine = found.groups[0], found.groups[-1]
    if coarse.low > fine.high:
        verdict = "what is drawn is decided by coarse layers, as it should be"
    elif fine.low > coarse.high:
        verdict = "here the fine layers decide more of what is drawn, against the book"
    else:
        verdict = "between coarse and fine no difference can be told"
    return (
        f"Of {found.pictures:,} pictures, exchanged styles put in another class: {told}. "
        f"So {verdict}."
    )


def _lengths(found: Exchanged) -> str:
    told = " and ".join(
        f"in {each.space} {each.value:.2f} times ({each.low:.2f} … {each.high:.2f})"
        for each in found.lengths
    )
    return (
        f"A walk between two pictures, further down, is {told} as long as their distance, in the "
        "features of the judge; intervals are of 95 %."
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _bars(name: str, key: str, _values: dict[str, float]) -> None:
    share = key == "changed"
    figure = bars(_values, "another class" if share else "change", x_title="layer")
    if share:
        figure.update_yaxes(tickformat=".0%")
    chart_at_rest(figure, f"{name[:8]}-{key}")


def droplets(specs: dict[str, RunSpec]) -> None:
    """Draw the maps of both ways to style where they peak most, and how much they do."""
    side_by_side.in_columns(specs, _maps)
    found = dict[str, list[float]]()
    for title, spec in specs.items():
        files = cache.measured(StyleLayers(start=spec))
        if files is not None:
            found[title] = exchanged_of(files).peaks
    if found:
        name = "-".join(spec.fingerprint[:4] for spec in specs.values())
        _peaks(name, tuple(found), found)
    if len(found) == len(specs):
        st.caption(_verdict(found))


def _verdict(found: dict[str, list[float]]) -> str:
    """Return which way makes the higher peaks here, or that neither does."""
    (one, of_one), (other, of_other) = ((name, max(peaks)) for name, peaks in found.items())
    told = f"The highest peak is {of_one:.1f} with {one} and {of_other:.1f} with {other}. "
    if of_one > 1.5 * of_other:
        return told + "AdaIN's maps do stick out here, as the paper says of large ones."
    return told + (
        "In maps of 32 × 32 places there is no more of a droplet with AdaIN: the paper saw them "
        "from 64 × 64 on."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _peaks(name: str, titles: tuple[str, ...], _found: dict[str, list[float]]) -> None:
    st.caption(
        "The largest value of a layer's maps over their root mean square, before they are "
        "normalised: the median of 100 pictures. Random maps have about 4."
    )
    curves = {
        title: Line(np.arange(1.0, len(peaks) + 1), np.array(peaks))
        for title, peaks in _found.items()
    }
    chart_at_rest(lines(curves, "layer", "peak"), f"{name}-peaks")


def _maps(run: Run) -> None:
    _strongest(run.spec.fingerprint, run)


@st.cache_data(max_entries=16, show_spinner=False)
def _strongest(name: str, _run: Run) -> None:
    """Draw a picture's last maps as they leave their convolution, strongest in any white."""
    model = styled(_run)
    *_, (last,) = model.generator.unstyled(drawn_styles(model, 1, 0, torch.device("cpu")))
    values = last.abs()
    grey = (values / values.max().clamp(min=1e-6) * 255).round().to(torch.uint8)
    grid = picture_grid(grey[:MAPS].unflatten(0, (2, -1))[:, :, None].numpy(), 3)
    alt = "The last maps of one picture"
    st.image(to_png(grid), output_format="PNG", width="stretch", alt=alt)
    st.caption("The last layer's maps of one picture, before any normalisation.")
