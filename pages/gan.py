"""The lesson of the dense GAN, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import health, picture_gan
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "gan"

st.markdown(
    "A forger and a detective learn from each other. Both losses tell you next to nothing: look "
    "at what is in the pictures, and at what the health panel says."
)
spec, run = opening(FAMILY)

picture_gan.sections(run, FAMILY)

with lesson.section(
    "Break it, cure it",
    "The same data and seed; the first two share their networks, too. The verdict counts what is "
    "missing among a hundred samples; under “More knobs” lie the cures.",
):
    presets = ("collapse", "textbook", "fast")
    health.side_by_side({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "collapse", "the collapse")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
