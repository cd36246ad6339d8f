"""The lesson of the denoising autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import denoising
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "denoising"

st.markdown(
    "Show it spoiled pictures and ask for the clean ones: to restore a picture it must know what "
    "pictures look like."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Corrupt and restore",
    "Raise the test level beyond what it was trained for. Then draw something of your own: what "
    "it does not know it turns into what it knows.",
):
    denoising.restoring(run, FAMILY)

with lesson.section(
    "At every level",
    "The dot is the level it was trained for. To its left it may change what was clean; to its "
    "right it falls, while the best linear denoiser is made anew for each level.",
):
    denoising.by_level(run, FAMILY)

with lesson.section(
    "Try to break it",
    "Without a bottleneck and without noise in its training, the best it can learn is to copy; so "
    "it copies noise too. Both are shown the same pictures here, with the same noise.",
):
    denoising.side_by_side(
        {
            "Broken: trained without noise": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: with it": RunSpec.of_preset(FAMILY, "convolutional"),
        }
    )
    side_by_side.preset_button(FAMILY, "break it")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
