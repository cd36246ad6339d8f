"""The lesson that compares families and runs, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from genlib.studies.comparison import Comparison
from ui import cache, lesson
from ui.compare import families, trilemma, two_runs
from ui.lesson import Figure
from ui.runs.knobs import study_knobs

PAGE = "compare"

st.markdown(
    "GANs are sharp, VAEs blurry, diffusion slow: so they say. Give four families the same "
    "pictures, the same seed and the same budget of training time, and see what was measured."
)
study = cache.measured_or_shipped(study_knobs(PAGE, Comparison, ("seconds", "seed")))
trilemma.comparison(study)

inside = [
    Figure(
        "In common, and apart",
        "Begin with how each learns: what a network is asked for decides what its pictures lack.",
        families.apart,
    ),
    Figure(
        "Any two runs",
        "Choose two that differ in one knob only: then the difference comes from that knob, or "
        "from chance, which two runs with other seeds show.",
        lambda: two_runs.two_runs(
            PAGE, (RunSpec.of_preset("vae"), RunSpec.of_preset("vae", "holes"))
        ),
    ),
]

lesson.study_parts(PAGE, Comparison, study, inside)
