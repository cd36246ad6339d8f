"""The lesson of samplers, top to bottom as a student reads it."""

import streamlit as st

import genlib.diffusion.samplers
from genlib.studies.sampler_bench import SamplerBench
from ui import cache, lesson
from ui.diffusion import interpolation, samplers

PAGE = "samplers"

st.markdown(
    "A trained network only says what it sees. How to get from noise to a picture by it is "
    "another choice, made anew each time: the same network, the same noise, five ways to walk."
)
spec = samplers.model_choice(PAGE)
run = cache.finished(spec)
interpolation.same_noise(run, PAGE)

with lesson.section(
    "What are steps worth?",
    "Follow one curve to the right: at first each step pays, then the network's own error is all "
    "that is left. Then compare the curves at your patience.",
):
    samplers.quality(run)

study = cache.measured_or_shipped(SamplerBench(start=spec))
lesson.study_theory(genlib.diffusion.samplers)
lesson.study_code(genlib.diffusion.samplers, study)
lesson.share(PAGE, study)
