"""The lesson of denoising diffusion, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.diffusion import forward_process, inpainting, reverse_process, samplers, score_field
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "ddpm"

st.markdown(
    "A diffusion model adds noise to a picture step by step (the **forward process**) and trains "
    "a network to take it out again. To generate, it starts from pure noise and removes it step "
    "by step (the **reverse process**)."
)
spec, run = opening(FAMILY)
forward_process.predicted(spec)
pictures = samplers.picture_run(run, FAMILY)

with lesson.section(
    "Reverse process: from noise to pictures",
    "Press Play, or drag. On the left the noisy picture x_t, on the right the model's estimate "
    "of the clean one: at first a blur, later one thing.",
):
    reverse_process.reverse(pictures, FAMILY)

with lesson.section(
    "Forward process: add noise",
    "Drag through time: when can you no longer tell what the picture was? Then compare it with "
    "the model's estimate of the clean picture.",
):
    forward_process.drowning(pictures, FAMILY)

with lesson.section(
    "Noise schedules",
    "A noise schedule says how much noise there is at each time. A good one ends where nothing of "
    "the picture is left. Otherwise sampling starts from what the network has never seen.",
):
    forward_process.schedules(run, FAMILY)

with lesson.section(
    "Prediction error at each time",
    "Compare the two ends: the error of the noise is small where that of the picture is large.",
):
    forward_process.by_time(pictures, FAMILY)

with lesson.section(
    "Image-to-image",
    "SDEdit: add noise up to a time t, then denoise. Small t keeps your drawing, "
    "large t replaces it.",
):
    inpainting.from_the_middle(pictures, FAMILY)

with lesson.section(
    "Inpainting",
    "Paint a hole. Outside the hole the known pixels are put back at every step, so that the fill "
    "has to match. The model was never trained for that.",
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
    "The same network, trained as long. On the left the schedule ends before the picture is gone, "
    "so sampling begins with something that training has never shown.",
):
    presets = ("never noise", "fast")
    samplers.samples_of({preset: RunSpec.of_preset(FAMILY, preset) for preset in presets})
    side_by_side.preset_button(FAMILY, "never noise", "the broken schedule")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
