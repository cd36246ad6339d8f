"""Latent arithmetic: the mean coding of one class, less another's, plus a third's."""

import streamlit as st
import torch

from genlib.classifier import Classifier, classified
from genlib.data import DATASETS
from genlib.family import gaussian_codings, to_uint8
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from ui import cache
from ui.cache import cached_figure
from ui.widgets.elements import needs_run
from ui.widgets.pictures import image

DRAWN = 1000  # samples, of which each class's codings are averaged
SHOWN = 8
USUAL = "dress", "shirt", "trouser"  # of the sums that were tried the one that works best


@needs_run
@st.fragment
def arithmetic(run: Run) -> None:
    """Draw samples of a class whose codings lose the mean of one class and gain another's."""
    spec = run.spec
    names = DATASETS[spec.dataset].classes
    classifier = cache.classifier(spec.dataset)
    if classifier is None:
        st.info(
            "Press Examine in “Is it working?” first: that trains a classifier of these pictures."
        )
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
        _sum(run, tuple(names.index(name) for name in chosen), classifier)


@cached_figure
def _sum(run: Run, kinds: tuple[int, ...], classifier: Classifier) -> None:
    z, classes = _by_class(run, classifier)
    names = DATASETS[run.spec.dataset].classes
    missing = [names[kind] for kind in kinds if not (classes == kind).any()]
    if missing:
        st.info(f"This model makes no {missing[0]}: choose another kind, or cure it first.")
        return
    _, less, more = (z[classes == kind].mean(0) for kind in kinds)
    family = gaussian_codings(run.family)
    all_of_them = z[classes == kinds[0]]
    first = all_of_them[:SHOWN]
    pictures = family.generate(torch.cat([first, first - less + more]))
    take, away, add = (names[kind] for kind in kinds)
    st.caption(f"Above: samples of {take}. Below: the same codings − {away} + {add}.")
    after = classified(classifier, family.generate(all_of_them - less + more)).classes
    st.caption(success(after, classes, kinds[2], add))
    rows = to_uint8(pictures).unflatten(0, (2, len(first))).numpy()
    image(picture_grid(rows, 3), f"Samples of {take}, and the same without {away}, with {add}")


def success(after: torch.Tensor, drawn: torch.Tensor, kind: int, name: str) -> str:
    """Return how often the sum gives the class that was added, beside samples of any class.

    Args:
        after: the class of each picture of the sum.
        drawn: the class of each sample, drawn at random.
        kind: the class that was added.
        name: its name.
    """
    reached = float((after == kind).float().mean())
    chance = float((drawn == kind).float().mean())
    return (
        f"The classifier takes {reached:.0%} of {len(after)} pictures below for {name}; of all "
        f"samples, drawn at random, {chance:.0%}. Where the two are alike, this direction means "
        "nothing to it."
    )


@cached_figure
def _by_class(run: Run, classifier: Classifier) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the codings of samples, and the class that the classifier puts each in."""
    family = gaussian_codings(run.family)
    z = torch.randn(DRAWN, family.codings, generator=generator(0))
    return z, classified(classifier, family.generate(z)).classes
