"""The lesson of denoising diffusion, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.diffusion import forward_process, inpainting, reverse_process, samplers, score_field
from ui.lesson import Figure
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


inside = [
    Figure(
        "Reverse process",
        "Press Play, or drag. On the left the noisy picture x_t, on the right the model's "
        "estimate of the clean one: at first a blur, later one thing.",
        lambda: reverse_process.reverse(pictures, FAMILY),
    ),
    Figure(
        "Forward process",
        "Drag through time: when can you no longer tell what the picture was? Then compare it "
        "with the model's estimate of the clean picture.",
        lambda: forward_process.drowning(pictures, FAMILY),
    ),
    Figure(
        "Noise schedules",
        "A noise schedule says how much noise there is at each time. A good one ends where "
        "nothing of the picture is left. Otherwise sampling starts from what the network has "
        "never seen.",
        lambda: forward_process.schedules(run, FAMILY),
    ),
    Figure(
        "Prediction error",
        "Compare the two ends: the error of the noise is small where that of the picture is "
        "large.",
        lambda: forward_process.by_time(pictures, FAMILY),
    ),
    Figure(
        "Image-to-image",
        "SDEdit: add noise up to a time t, then denoise. Small t keeps your drawing, large t "
        "replaces it.",
        lambda: inpainting.from_the_middle(pictures, FAMILY),
    ),
    Figure(
        "Inpainting",
        "Paint a hole. Outside the hole the known pixels are put back at every step, so that "
        "the fill has to match. The model was never trained for that.",
        lambda: inpainting.holes(pictures, FAMILY),
    ),
    Figure(
        "The score, in the plane",
        "Blue arrows are exact, orange ones learned. With much noise all point to the middle; "
        "with little, to the nearest part of the data.",
        lambda: score_field.field(run, FAMILY),
    ),
]
broken = [
    Figure(
        "Never pure noise",
        "The same network, trained as long. On the left the schedule ends before the picture is "
        "gone, so sampling begins with something that training has never shown.",
        lambda: side_by_side.presets(
            FAMILY, {"Never noise": "never noise", "Fast": "fast"}, samplers.samples_of
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
