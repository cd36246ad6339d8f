"""The lesson of flow matching, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.diffusion import interpolation, reverse_process, samplers, score_field
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "flow"

st.markdown(
    "Flow matching joins each picture to noise by a straight line, and the network learns the "
    "direction of the line. To generate, follow that direction from noise. It is diffusion "
    "without a noise schedule to choose."
)
spec, run = opening(FAMILY)
pictures = samplers.picture_run(run, FAMILY)


def _classifier_free_guidance() -> None:
    samplers.guided(samplers.conditional_run(pictures, FAMILY), FAMILY)
    side_by_side.preset_button(FAMILY, "told the class")


inside = [
    Figure(
        "Reverse process",
        "Press Play, or drag. On the left the noisy picture x_t, on the right where its path "
        "would end if it went straight on.",
        lambda: reverse_process.reverse(pictures, FAMILY),
    ),
    Figure(
        "Straight and curved",
        "The same noise, the same data. The lines that training draws are straight, but the "
        "network learns their mean direction, so the paths of samples bend where lines cross. "
        "Every bend costs steps: which model's paths are straighter, with pictures and with "
        "points?",
        lambda: score_field.trajectories(run, FAMILY),
    ),
    Figure(
        "How few steps are enough?",
        "Sampling by Euler's method, the same noise in each column. In which row do the samples "
        "first look like clothes?",
        lambda: samplers.few_steps(
            {"Flow matching": RunSpec.of_preset(FAMILY), "Diffusion": RunSpec.of_preset("ddpm")}
        ),
    ),
    Figure(
        "Classifier-free guidance",
        "Ask for a class, with the same noise in each column. 0 ignores the class, 1 is as "
        "trained; more follows the class more closely. With one sample of a class here, you "
        "cannot see what that costs in variety.",
        _classifier_free_guidance,
    ),
    Figure(
        "Interpolation between two noises",
        "Gaussian noise in many dimensions has nearly always the same norm. Spherical "
        "interpolation keeps it, linear interpolation does not: compare the middle of the two "
        "rows.",
        lambda: interpolation.between_noises(pictures, FAMILY),
    ),
    Figure(
        "Interpolation between two pictures",
        "DDIM inversion takes the sampler's steps backwards, to the noise of a picture that you "
        "know. Then interpolate between the noises of two of them.",
        lambda: interpolation.between_pictures(pictures, FAMILY),
    ),
]

lesson.parts(spec, run, inside)
