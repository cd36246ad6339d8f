"""The lesson of the dense GAN, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.adversarial import health, picture_gan
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "gan"

st.markdown(
    "A **generator** G draws pictures, a **discriminator** D tells them from real ones, and each "
    "learns from the other. The losses hardly say how good the pictures are: look at the samples, "
    "and at the verdict on thousands of them."
)
spec, run = opening(FAMILY)

inside = picture_gan.figures(run, FAMILY)
broken = [
    Figure(
        "Collapse",
        "The same data and seed. The first two share their networks, but “collapse” has a "
        "slower D and 2 epochs in place of 10. The third changes loss, optimizer and networks "
        "at once. You see a hundred samples of each; the verdict is that of many more.",
        lambda: side_by_side.presets(
            FAMILY,
            {"Collapse": "collapse", "Textbook": "textbook", "Fast": "fast"},
            health.side_by_side,
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
