"""The lesson of the stacked autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs import RunSpec
from ui import controls, inside, lesson
from ui.run_panel import run_panel

FAMILY = "stacked"

st.markdown(
    "A network that must copy pictures through a few numbers has to find out what matters in them."
)
knobs, picture = st.columns([1, 2], gap="large")
with knobs:
    spec = controls.knobs(FAMILY)
with picture:
    run = run_panel(spec)

shipped = RunSpec.of_preset(FAMILY, "fast", "fashion_mnist")
with lesson.section(
    "Look inside",
    "Every picture becomes a few codings. Change one and watch which part of the picture follows: "
    "a coding rarely means one thing that has a name.",
):
    inside.codings(run, FAMILY)

with lesson.section(
    "Try to break it",
    "One coding, a huge network, few pictures: every training picture gets a number of its own, "
    "and the decoder learns the pictures by heart. Look at the test pictures: it copies a "
    "training picture, whatever you show it. The cure is a narrow network that sees many.",
):
    broken = RunSpec.of_preset(FAMILY, "break it", "fashion_mnist")
    inside.memorised({"Broken: 1 coding": broken, "Cured: 30 codings, all pictures": shipped})
    st.button(
        "Set the knobs to the broken one",
        on_click=controls.apply_preset,
        args=(FAMILY, "break it"),
        icon=":material/tune:",
    )

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(spec)
