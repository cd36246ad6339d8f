"""The lesson of the linear autoencoder, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.autoencoders import planes
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "linear"

st.markdown(
    "An autoencoder with linear layers only can do no more than lay a plane through its data. "
    "Watch the plane turn towards the one that PCA finds."
)
spec, run = opening(FAMILY)

inside = [
    Figure(
        "Planes",
        "Two planes are the same when the principal angles between them are zero. The codings "
        "are coordinates in that plane, but on axes of the network's own choice.",
        lambda: planes.planes(run, FAMILY),
    ),
]
broken = [
    Figure(
        "One coding",
        "One coding spans only a line: every point is moved to the nearest place on it. PCA "
        "with one component does no better: compare the errors. The cure is a second coding.",
        lambda: side_by_side.presets(
            FAMILY,
            {
                "Broken: 1 coding": "break it",
                "Cured: 2 codings": "ellipse",
            },
            planes.side_by_side,
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
