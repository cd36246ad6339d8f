"""The lesson of the deep convolutional GAN, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import health, picture_gan
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "dcgan"

st.markdown(
    "A GAN of two convolutional networks. Five guidelines of 2016 made such networks train: "
    "choose the strided networks, break one guideline and see what it was for."
)
spec, run = opening(FAMILY)

picture_gan.sections(run, FAMILY)

with lesson.section(
    "Break it, cure it",
    "The book's networks with one guideline broken, then as they are: one change, the same "
    "budget. The third has other networks without batch normalisation, another loss and "
    "optimizer, and 3 epochs in place of 2.",
):
    presets = ("no batch normalisation", "textbook", "fast")
    health.side_by_side({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "no batch normalisation", "the broken one")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
