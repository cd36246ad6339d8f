"""The lesson of the denoising autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import denoising
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "denoising"

st.markdown(
    "The input is a corrupted picture, the target is the clean one. What is missing in the input, "
    "the network can only fill in from what the training pictures have in common."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Corrupt and restore",
    "Raise the test level beyond the training level. Then draw something that is unlike the "
    "training pictures: what comes out?",
):
    denoising.restoring(run, FAMILY)

with lesson.section(
    "At every level",
    "The model was trained at one level, the dot. The best linear denoiser is fitted anew for "
    "each level. Where is the model better, and how soon does it lose its lead?",
):
    denoising.by_level(run, FAMILY)

with lesson.section(
    "Try to break it",
    "Without a bottleneck and without noise in its training, the best it can do is to copy. Both "
    "get the same pictures with the same noise here: how many dB does each gain?",
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
