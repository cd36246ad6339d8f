"""The lesson of samplers, top to bottom as a student reads it."""

import streamlit as st

from genlib.diffusion import samplers as sampler_module
from genlib.runs.spec import RunSpec
from genlib.studies.sampler_bench import SamplerBench
from ui import cache, lesson
from ui.controls import bound, record_views
from ui.diffusion import interpolation, samplers

record_views("model")

PAGE = "samplers"
MODELS = {"DDPM": "ddpm", "Flow matching": "flow"}

st.markdown(
    "A trained network only says what it sees. How to get from noise to a picture by it is "
    "another choice, made anew each time: the same network, the same noise, five ways to walk."
)
chosen = st.segmented_control(
    "Model", list(MODELS), default="DDPM", required=True, **bound(PAGE, "model")
)
spec = RunSpec.of_preset(MODELS[chosen])
run = cache.finished(spec)
interpolation.same_noise(run, PAGE)

with lesson.section(
    "What are steps worth?",
    "Follow one curve to the right: at first each step pays, then the network's own error is all "
    "that is left. Then compare the curves at your patience.",
):
    samplers.quality(run)

lesson.study_theory(sampler_module)
lesson.study_code(sampler_module, SamplerBench(start=spec))
lesson.share(PAGE, SamplerBench(start=spec))
