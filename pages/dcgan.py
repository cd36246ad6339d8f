"""The lesson of the deep convolutional GAN, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import health, picture_gan
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "dcgan"

st.markdown(
    "Convolutions make better forgers. The five guidelines of 2016 made them trainable: switch "
    "one off and see what it was for."
)
spec, run = opening(FAMILY)

picture_gan.sections(run, FAMILY)

with lesson.section(
    "Break it, cure it",
    "The book's networks with one guideline broken, then as they are, then a recipe "
    "that needs no batch normalisation.",
):
    presets = ("no batch normalisation", "textbook", "fast")
    health.side_by_side({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "no batch normalisation", "the broken one")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
