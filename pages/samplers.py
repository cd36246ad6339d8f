"""The lesson of samplers, top to bottom as a student reads it."""

import streamlit as st

import genlib.diffusion.samplers
from genlib.studies.sampler_bench import SamplerBench
from ui import cache, lesson
from ui.diffusion import interpolation, sampler_quality, samplers
from ui.lesson import Figure

PAGE = "samplers"

st.markdown(
    "A trained network only estimates the clean image in a noisy one. A **sampler** uses it to "
    "get from noise to an image, and you can choose another one without training again. Here "
    "four samplers start from the same noise, with the same network."
)
spec = samplers.model_choice(PAGE)
run = cache.finished(spec)
interpolation.same_noise(run, PAGE)
study = cache.measured_or_shipped(SamplerBench(start=spec))

inside = [
    Figure(
        "What are steps worth?",
        "Follow one curve to the right: where does another evaluation stop helping? Then "
        "compare the samplers at equal cost. The sentences below say what was measured.",
        lambda: sampler_quality.quality(run),
    ),
]

lesson.study_parts(PAGE, genlib.diffusion.samplers, study, inside)
