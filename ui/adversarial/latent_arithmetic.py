"""Arithmetic with codings: what is left of one kind of picture when another is taken away."""

import streamlit as st
import torch

from genlib.classifier import Classifier, classified
from genlib.data import DATASETS
from genlib.family import generating, to_uint8
from genlib.plots import picture_grid, to_png
from genlib.rng import generator
from genlib.runs.run import Run
from ui import cache
from ui.widgets import elements

DRAWN = 1000  # samples, of which each kind's codings are averaged
SHOWN = 8
USUAL = "pullover", "T-shirt", "dress"  # less a T-shirt, more a dress: long sleeves


@st.fragment
def arithmetic(run: Run | None) -> None:
    """Let the student add and subtract the mean codings of kinds of pictures."""
    if run is None:
        elements.missing()
        return
    spec = run.spec
    names = DATASETS[spec.dataset].classes
    classifier = cache.classifier(spec.dataset)
    if classifier is None:
        st.info("Examine this model below first: that trains a judge for these pictures.")
        return
    usual = [names.index(name) if name in names else index for index, name in enumerate(USUAL)]
    left, right = st.columns([1, 2], gap="large")
    with left:
        chosen = [
            st.selectbox(label, names, index=index, key=f"{spec.family}.sum-{place}")
            for place, (label, index) in enumerate(
                zip(("Take", "take away", "and add"), usual, strict=True)
            )
        ]
    with right:
        _sum(spec.fingerprint, tuple(names.index(name) for name in chosen), run, classifier)


@st.cache_data(max_entries=64, show_spinner=False)
def _sum(name: str, kinds: tuple[int, ...], _run: Run, _classifier: Classifier) -> None:
    z, classes = _judged(name, _run, _classifier)
    names = DATASETS[_run.spec.dataset].classes
    missing = [names[kind] for kind in kinds if not (classes == kind).any()]
    if missing:
        st.info(f"This model makes no {missing[0]}: choose another kind, or cure it first.")
        return
    means = [z[classes == kind].mean(0) for kind in kinds]
    first = z[classes == kinds[0]][:SHOWN]
    made = generating(_run.family).generate(torch.cat([first, first - means[1] + means[2]]))
    take, less, more = (names[kind] for kind in kinds)
    st.caption(f"Above: samples of {take}. Below: the same codings − {less} + {more}.")
    rows = to_uint8(made).unflatten(0, (2, -1)).numpy()
    st.image(
        to_png(picture_grid(rows, 3)),
        output_format="PNG",
        width="stretch",
        alt=f"Samples of {take}, and the same without {less}, with {more}",
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _judged(name: str, _run: Run, _classifier: Classifier) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the codings of samples, and the judge's class of each."""
    family = generating(_run.family)
    z = torch.randn(DRAWN, family.codings, generator=generator(0))
    return z, classified(_classifier, family.generate(z)).classes
