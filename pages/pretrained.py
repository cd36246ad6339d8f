"""The lesson of pretrained models, top to bottom as a student reads it."""

import streamlit as st

from genlib.hub import Pull
from ui import lesson
from ui.lesson import Figure
from ui.pretrained import denoiser, publish, pull, pulled_run
from ui.pretrained.tiny_autoencoder import tiny_autoencoder

PAGE = "pretrained"

st.markdown(
    "Bring a trained model here from the Hugging Face Hub, let it generate pictures from noise, "
    "and publish a run of your own there."
)
knobs, picture = st.columns([1, 2], gap="large")
with knobs:
    entry, reversal = denoiser.knobs()
with picture:
    denoiser.walk(entry, reversal)

inside = [
    Figure(
        "A picture in a few latent channels",
        "Shift one channel and see what changes: light, colour, or edges. The reconstruction is "
        "made from the channels alone, and they are far fewer numbers.",
        tiny_autoencoder,
    ),
    Figure(
        "Publish a run",
        "With its weights, its figures, and a script that needs PyTorch alone: whoever finds it "
        "can load it, and see what you saw.",
        lambda: publish.publishing(PAGE),
    ),
]
if pull.offered("run"):
    inside.append(
        Figure(
            "Get a run back",
            "By its name alone: what it draws here is what it drew where it was trained.",
            pulled_run.published,
        )
    )

lesson.study_parts(PAGE, Pull, reversal, inside)
