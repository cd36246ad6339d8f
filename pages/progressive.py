"""The lesson of the GAN that grows, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import ablation, growing, health, picture_gan
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "progressive"

st.markdown(
    "First a picture of 4 × 4 pixels, which is soon learned; then twice the size, and again. "
    "Rewind the training to see the pixels become finer."
)
spec, run = opening(FAMILY)

with lesson.section(
    "It grows",
    "The same codings late in each stage. Sixteen pixels already say shoe or coat; what is "
    "added later is collars, laces and creases.",
):
    growing.sizes(run)

with lesson.section(
    "New layers fade in",
    "Move α. A layer with random weights would spoil what the others have learned, so it begins "
    "with no say and gets a little more with every step.",
):
    growing.fading(run, FAMILY)

with lesson.section(
    "What is each ingredient for?",
    "The same seed and as many steps, each time without one of them. Compare the intervals before "
    "you believe a difference: at this size some ingredients hardly matter.",
):
    ablation.ablation(spec)

picture_gan.sections(run, FAMILY)

with lesson.section(
    "Break it, cure it",
    "The same networks without any of the ingredients, then with all but growing, then with all. "
    "The first one had to learn more slowly: at the rate of the others it diverges.",
):
    presets = ("bare", "not grown", "fast")
    health.side_by_side({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "bare", "none of the ingredients")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
