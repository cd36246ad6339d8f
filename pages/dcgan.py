"""The lesson of the deep convolutional GAN, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.adversarial import health, picture_gan
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "dcgan"

st.markdown(
    "A GAN of two convolutional networks. Five guidelines of 2016 made such networks train: "
    "choose the strided networks, break one guideline and see what it was for."
)
spec, run = opening(FAMILY)

inside = picture_gan.figures(run, FAMILY)
broken = [
    Figure(
        "No batch normalisation",
        "The book's networks with one guideline broken, then as they are: one change, the same "
        "budget. The third has other networks without batch normalisation, another loss and "
        "optimizer, and 3 epochs in place of 2.",
        lambda: side_by_side.presets(
            FAMILY,
            {
                "No batch normalisation": "no batch normalisation",
                "Textbook": "textbook",
                "Fast": "fast",
            },
            health.side_by_side,
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
