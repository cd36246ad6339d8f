"""The lesson of denoising diffusion, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.diffusion import forward_process, inpainting, reverse_process, samplers, score_field
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "ddpm"

st.markdown(
    "Drown a picture in noise, step by step, and teach a network to say which noise is there. "
    "Then begin with nothing but noise, and let it find a picture."
)
spec, run = opening(FAMILY)
pictures = samplers.picture_run(run, FAMILY)

with lesson.section(
    "From noise to pictures",
    "Press Play, or drag. On the left what is there, on the right what the model sees in it: at "
    "first a blur of all that it may become, then one thing.",
):
    reverse_process.reverse(pictures, FAMILY)

with lesson.section(
    "Drown a picture",
    "Drag through time and watch for the moment at which you can no longer tell what it was; then "
    "compare with what the model still sees.",
):
    forward_process.drowning(pictures, FAMILY)

with lesson.section(
    "How fast it drowns",
    "A good schedule spends its times where there is something to learn, and ends where nothing "
    "of the picture is left.",
):
    forward_process.schedules(run, FAMILY)

with lesson.section(
    "Which times are hard?",
    "Compare the two ends: where the noise is easy to tell, the picture is hard to guess.",
):
    forward_process.by_time(pictures, FAMILY)

with lesson.section(
    "Begin in the middle",
    "Draw a few strokes and noise them: half way the model keeps your idea and makes of it what "
    "it knows; at the end it has forgotten you.",
):
    inpainting.from_the_middle(pictures, FAMILY)

with lesson.section(
    "Paint a hole",
    "Elsewhere the picture is told to the model at every step, so what it puts into the hole has "
    "to fit. It was never trained for that.",
):
    inpainting.holes(pictures, FAMILY)

with lesson.section(
    "The score, in the plane",
    "Blue arrows are exact, orange ones learned. With much noise all point to the middle; with "
    "little, to the nearest part of the data.",
):
    score_field.field(run, FAMILY)

with lesson.section(
    "Break it, cure it",
    "The same network, trained as long. On the left the noise never wins, so sampling begins with "
    "something that training has never shown.",
):
    presets = ("never noise", "fast")
    samplers.samples_of({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "never noise", "the broken schedule")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
