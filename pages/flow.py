"""The lesson of flow matching, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.diffusion import interpolation, reverse_process, samplers, score_field
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "flow"

st.markdown(
    "Join each picture to noise by a straight line and learn which way to walk. It is diffusion "
    "without its schedule: less to choose, and fewer steps."
)
spec, run = opening(FAMILY)
pictures = samplers.picture_run(run, FAMILY)

with lesson.section(
    "From noise to pictures",
    "Press Play, or drag. On the left what is there, on the right where the walk would end if it "
    "went straight on.",
):
    reverse_process.reverse(pictures, FAMILY)

with lesson.section(
    "Straight and curved",
    "The same noise, the same data. Every bend costs steps: compare how far the walks stray from "
    "straight and even ones.",
):
    score_field.trajectories(run, FAMILY)

with lesson.section(
    "How few steps are enough?",
    "Euler's steps, the same noise in each column. Look for the first row in which you would buy "
    "something.",
):
    samplers.few_steps(
        {"Flow matching": RunSpec.of_preset(FAMILY), "Diffusion": RunSpec.of_preset("ddpm")}
    )

with lesson.section(
    "Ask for a class",
    "Each column is the same noise. Guidance 0 forgets the class, 1 is as learned; more makes it "
    "plainer, and all alike.",
):
    samplers.guided(samplers.conditional_run(pictures, FAMILY), FAMILY)
    side_by_side.preset_button(FAMILY, "told the class", "a model that is told the class")

with lesson.section(
    "Between two noises",
    "Noise is a map of pictures. Walk on the sphere where noise lives, and each step is a thing; "
    "take the short cut through its middle, and it is a blur.",
):
    interpolation.between_noises(pictures, FAMILY)

with lesson.section(
    "Between two pictures",
    "Walk backwards to find the noise of a picture that you know, then walk between two of them.",
):
    interpolation.between_pictures(pictures, FAMILY)

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
