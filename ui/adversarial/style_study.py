"""What styles decide, measured: class changes by layer, path lengths in z and w, droplets."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.classifier import Classifier
from genlib.models.stylegan.model import StyleGAN
from genlib.plots import Line, bars, lines, picture_grid
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.starts import styled
from genlib.studies.style_layers import (
    PATHS,
    DonorShares,
    Exchanged,
    Share,
    StyleLayers,
    donor_shares,
    drawn_styles,
)
from genlib.studies.style_layers import exchanged as exchanged_of
from genlib.studies.style_layers import peaks as peaks_of
from ui import cache
from ui.cache import cached_figure
from ui.runs import side_by_side
from ui.runs.study_panel import study_panel
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import image

Files = Mapping[str, bytes]
MAPS = 8  # of the layer whose maps are drawn
PRESS = "Exchange 2,000 styles"
DONORS = 200  # pairs that are classified on the page, where the study did not
MOSTLY = 0.5  # of the pictures, from which the donor's class is taken over
STICKS_OUT = 1.5  # times as much as with the other way of styling; layers differ by less


@needs_run
def exchanged(run: Run) -> None:
    """Draw how often exchanged styles change the class, or the button that measures it."""
    study_panel(StyleLayers(start=run.spec), PRESS, partial(_exchanged, run))


def _exchanged(run: Run, files: Files) -> None:
    if "styles.json" not in files:
        return
    result = exchanged_of(dict(files))
    classifier = cache.classifier(run.spec.dataset)
    donors = result.donors
    if donors is None and classifier is not None:
        donors = _donors(run, classifier)
    st.markdown(_verdict(result))
    if donors is not None:
        st.markdown(_donor_classes(donors))
    _by_layer(result.layers, run.spec.fingerprint[:8])
    st.caption(_path_lengths(result))


@cached_figure
def _donors(run: Run, classifier: Classifier) -> DonorShares:
    """Return the shares of pictures with their donor's class, where the study has none."""
    return donor_shares(styled(run), classifier, DONORS, torch.device("cpu"))


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


def _donor_classes(donors: DonorShares) -> str:
    """Return how often a picture gets the class of the one whose styles it is given."""
    shares = ", ".join(f"{share:.0%} with {name} ones" for name, share in donors.groups.items())
    most = max(donors.groups.values())
    decides = (
        "Most pictures take over what the donor shows."
        if most > MOSTLY
        else "So most pictures do not take over what the donor shows, even where their class "
        "changes."
    )
    return (
        f"The class of the picture whose styles they were given, have {shares}; before any "
        f"exchange {donors.before:.0%} had it by chance ({donors.pictures:,} pictures). {decides}"
    )


def _verdict(result: Exchanged) -> str:
    """Return whether coarse styles change the class more often than fine ones."""
    shares = ", ".join(
        f"the {group.name} ones **{group.changed:.0%}** ({group.low:.0%} … {group.high:.0%})"
        for group in result.groups
    )
    coarse, *_, fine = result.groups
    if coarse.low > fine.high:
        verdict = "coarse styles change the class more often than fine ones"
    elif fine.low > coarse.high:
        verdict = "here fine styles change the class more often than coarse ones"
    else:
        verdict = "between coarse and fine no difference can be told"
    return (
        f"Of {result.pictures:,} pictures, exchanged styles put in another class: {shares}. "
        f"So in this run {verdict}."
    )


def _path_lengths(result: Exchanged) -> str:
    """Return how long walks in z and in w are, over the distance of their ends."""
    ratios = " and ".join(
        f"in {each.space} {each.value:.2f} times ({each.low:.2f} … {each.high:.2f})"
        for each in result.lengths
    )
    return (
        f"A walk from one picture to another is {ratios} as long as their distance, in "
        "the features of the classifier; intervals are of 95 %."
    )


def droplets(specs: dict[str, RunSpec]) -> None:
    """Draw droplet artifacts: the maps of AdaIN and of modulation, and how high they peak.

    Beside each stand the peaks of the same network before its first step.
    """
    side_by_side.in_columns(specs, _strongest_maps)
    peaks, untrained = dict[str, list[float]](), dict[str, list[float]]()
    for title, spec in specs.items():
        files = cache.measured(StyleLayers(start=spec))
        if files is not None:
            peaks[title] = exchanged_of(files).peaks
            untrained[title] = _untrained_peaks(spec)
    if peaks:
        name = "-".join(spec.fingerprint[:4] for spec in specs.values())
        _peaks(peaks, untrained, f"{name}-peaks")
    if len(peaks) == len(specs):
        st.caption(_comparison(peaks, untrained))


@cached_figure
def _untrained_peaks(spec: RunSpec) -> list[float]:
    """Return the peaks of a network before its first step: those of chance."""
    model = spec.build().eval()
    if not isinstance(model, StyleGAN):
        raise TypeError(f"{spec.family} has no styles")
    with torch.no_grad():
        return peaks_of(model, drawn_styles(model, PATHS, 0, torch.device("cpu")))


def _comparison(peaks: dict[str, list[float]], untrained: dict[str, list[float]]) -> str:
    """Return which way of styling makes the higher peaks here, or that neither does."""
    growth = {
        name: max(after / before for after, before in zip(each, untrained[name], strict=True))
        for name, each in peaks.items()
    }
    (one, one_growth), (other, other_growth) = growth.items()
    text = (
        f"At the layer where training raised them most, peaks are {one_growth:.1f} times those "
        f"before training with {one}, and {other_growth:.1f} times with {other}. "
    )
    if one_growth > STICKS_OUT * other_growth:
        return (
            text + f"In this run the maps of {one} do stick out, as the paper says of large ones."
        )
    return text + (
        f"So maps of 32 × 32 places show no droplet with {one}: the paper saw them from 64 × 64 "
        "on."
    )


@cached_figure
def _peaks(peaks: dict[str, list[float]], untrained: dict[str, list[float]], key: str) -> None:
    """Draw the peak of each layer's maps, over their root mean square."""
    st.caption(
        "The largest value of a layer's maps over their root mean square, before they are "
        "normalised: the median of 100 pictures. Dashed: the same networks before training, so "
        "the level of chance."
    )
    curves = {
        title: Line(np.arange(1.0, len(values) + 1), np.array(values))
        for title, values in peaks.items()
    }
    curves |= {
        f"{title}, untrained": Line(np.arange(1.0, len(values) + 1), np.array(values), dashed=True)
        for title, values in untrained.items()
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
