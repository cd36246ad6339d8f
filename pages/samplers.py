"""The lesson of samplers, top to bottom as a student reads it."""

import streamlit as st

from genlib import samplers
from genlib.runs import RunSpec
from genlib.studies import SamplerBench
from ui import comparing, lesson, noises, shelf
from ui.controls import BIND

PAGE = "samplers"
MODELS = {"DDPM": "ddpm", "Flow matching": "flow"}

st.markdown(
    "A trained network only says what it sees. How to get from noise to a picture by it is "
    "another choice, made anew each time: the same network, the same noise, five ways to walk."
)
chosen = st.segmented_control(
    "Model", list(MODELS), default="DDPM", required=True, key=f"{PAGE}.model", **BIND
)
spec = RunSpec.of_preset(MODELS[chosen])
run = shelf.finished(spec)
noises.same_noise(run, PAGE)

with lesson.section(
    "What are steps worth?",
    "Follow one curve to the right: at first each step pays, then the network's own error is all "
    "that is left. Then compare the curves at your patience.",
):
    comparing.quality(run)

lesson.study_theory(samplers)
lesson.study_code(samplers, SamplerBench(start=spec))
lesson.share(PAGE, SamplerBench(start=spec))
