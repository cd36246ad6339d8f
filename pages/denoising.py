"""The lesson of the denoising autoencoder, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.autoencoders import denoising
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "denoising"

st.markdown(
    "The input is a corrupted picture, the target is the clean one. What is missing in the input, "
    "the network can only fill in from what the training pictures have in common."
)
spec, run = opening(FAMILY)

inside = [
    Figure(
        "Corrupt and restore",
        "Raise the test level beyond the training level. Then draw something that is unlike the "
        "training pictures: what comes out?",
        lambda: denoising.restoring(run, FAMILY),
    ),
    Figure(
        "At every level",
        "The model was trained at one level, the dot. The best linear denoiser is fitted anew "
        "for each level. Where is the model better, and how soon does it lose its lead?",
        lambda: denoising.by_level(run, FAMILY),
    ),
]
broken = [
    Figure(
        "Trained without noise",
        "Without a bottleneck and without noise in its training, the best it can do is to copy. "
        "Both get the same pictures with the same noise here: how many dB does each gain?",
        lambda: side_by_side.presets(
            FAMILY,
            {
                "Broken: trained without noise": "break it",
                "Cured: with it": "convolutional",
            },
            denoising.side_by_side,
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
