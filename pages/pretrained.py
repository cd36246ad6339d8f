"""The lesson of pretrained models, top to bottom as a student reads it."""

import streamlit as st

from genlib.hub import pull as pull_module
from genlib.hub import reversal
from genlib.runs.spec import RunSpec
from ui import cache, lesson
from ui.controls import record_views, view_key
from ui.pretrained import denoiser, publish, pull, pulled_run
from ui.pretrained.tiny_autoencoder import tiny_autoencoder
from ui.runs.run_choice import run_choice

record_views("run")

PAGE = "pretrained"

st.markdown(
    "Others have trained for days so that you need not. Bring a model here from the Hugging Face "
    "Hub, watch it find pictures in noise, and give something back: publish a run of your own."
)
knobs, picture = st.columns([1, 2], gap="large")
with knobs:
    entry, asked = denoiser.knobs()
with picture:
    denoiser.walk(entry, asked)

with lesson.section(
    "A picture in a few maps",
    "Add to one map and watch what changes: light, colour, or edges. The copy is made from the "
    "maps alone, and they are far fewer numbers.",
):
    tiny_autoencoder()

with lesson.section(
    "Publish a run",
    "With its weights, its figures, and a script that needs PyTorch alone: whoever finds it can "
    "load it, and see what you saw.",
):
    default = RunSpec.of_preset("stacked")
    publish.publishing(cache.finished(run_choice("Run", view_key(PAGE, "run"), default)))

if pull.offered("run"):
    with lesson.section(
        "Get a run back",
        "By its name alone: what it draws here is what it drew where it was trained.",
    ):
        pulled_run.published()

lesson.study_theory(pull_module)
lesson.study_code(reversal, asked)
lesson.share(PAGE, asked)
