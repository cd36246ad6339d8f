"""The lesson of the linear autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import planes
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "linear"

st.markdown(
    "An autoencoder with linear layers only can do no more than lay a plane through its data. "
    "Watch the plane turn towards the one that PCA finds."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Look inside",
    "Two planes are the same when the principal angles between them are zero. The codings are "
    "coordinates in that plane, but on axes of the network's own choice.",
):
    planes.planes(run, FAMILY)

with lesson.section(
    "Try to break it",
    "One coding spans only a line: every point is moved to the nearest place on it. PCA with one "
    "component does no better: compare the errors. The cure is a second coding.",
):
    planes.side_by_side(
        {
            "Broken: 1 coding": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: 2 codings": RunSpec.of_preset(FAMILY, "ellipse"),
        }
    )
    side_by_side.preset_button(FAMILY, "break it")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
