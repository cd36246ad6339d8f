"""The lesson of the dense GAN, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import health, picture_gan
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "gan"

st.markdown(
    "A **generator** G draws pictures, a **discriminator** D tells them from real ones, and each "
    "learns from the other. The losses hardly say how good the pictures are: look at the samples, "
    "and at the verdict on thousands of them."
)
spec, run = opening(FAMILY)

picture_gan.sections(run, FAMILY)

with lesson.section(
    "Break it, cure it",
    "The same data and seed. The first two share their networks, but “collapse” has a slower D "
    "and 2 epochs in place of 10. The third changes loss, optimizer and networks at once. You "
    "see a hundred samples of each; the verdict is that of many more.",
):
    presets = ("collapse", "textbook", "fast")
    health.side_by_side({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "collapse", "the collapse")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
