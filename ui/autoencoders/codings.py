"""The codings of one picture: changing one of them, and what the decoder makes of it."""

import streamlit as st
import torch

from genlib.family import encoding, to_float
from genlib.plots import coding_chart
from genlib.runs.run import Run
from ui import cache
from ui.controls import ranged, record_views
from ui.widgets.elements import needs_run, static_chart
from ui.widgets.pictures import picture_slider, row_of_pictures

record_views("coding", "change")


@needs_run
@st.fragment
def codings(run: Run, family: str) -> None:
    """Draw a test picture's codings, and its reconstruction with one of them changed."""
    model = encoding(run.family)
    test = cache.dataset(run.spec.dataset).test
    spread = cache.coding_spread(run)
    left, right = st.columns([1, 2], gap="large")
    with left:
        number, chosen, change = _choices(family, len(test), len(spread))
    x = to_float(test[number : number + 1])
    z = model.encode(x)
    moved = z.clone()
    moved[0, chosen] += change * spread[chosen]
    pictures = torch.cat([x, model.decode(z), model.decode(moved)])
    with right:
        _changed(pictures)
        st.caption(
            "Its codings. Each band reaches two standard deviations over all test pictures."
        )
        static_chart(coding_chart(moved[0].numpy(), spread.numpy(), chosen), f"{family}-codings")


def _changed(pictures: torch.Tensor) -> None:
    """Draw a picture, its reconstruction, and the reconstruction of its changed codings."""
    st.caption(
        "From left: the picture, its reconstruction, and the same with that coding changed."
    )
    alt = "A picture, its reconstruction, and the reconstruction with one coding changed"
    row_of_pictures(pictures, alt, 8, 560)


def _choices(family: str, pictures: int, codings: int) -> tuple[int, int, float]:
    """Return the indices of a picture and a coding, and the change of the latter."""
    number = picture_slider(family, pictures)
    chosen = 1
    if codings > 1:
        chosen = st.slider("Coding", value=1, **ranged(family, "coding", 1, codings))
    change = st.slider(
        "Change that coding by",
        value=2.0,
        step=0.1,
        format="%.1f σ",
        help="In standard deviations of that coding over all test pictures.",
        **ranged(family, "change", -4.0, 4.0),
    )
    return number, chosen - 1, change
