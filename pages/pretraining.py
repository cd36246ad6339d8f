"""The lesson of unsupervised pretraining, top to bottom as a student reads it."""

import streamlit as st

from genlib.studies.few_labels import FewLabels
from ui import lesson
from ui.autoencoders import few_labels
from ui.runs.study_panel import study_panel

st.markdown(
    "Labels are dear, pictures are not. Let an autoencoder learn from all pictures without a "
    "label, then build a classifier on its encoder from the few that have one."
)
knobs, curve = st.columns([1, 2], gap="large")
with knobs:
    study = few_labels.knobs()
with curve:
    study_panel(study, "Measure the curve", few_labels.draw)

with lesson.section(
    "What is compared",
    "All four see the very same labelled pictures, as many of each class, drawn anew for each "
    "seed, and are judged on all test pictures.",
):
    few_labels.methods()

with lesson.section(
    "Try to break it",
    "Choose as encoder the stacked autoencoder that learned 16 pictures by heart, through one "
    "coding. What one number says is no use to a classifier, frozen or not.",
):
    few_labels.broken_button()

lesson.study_theory(FewLabels)
lesson.study_code(FewLabels, study)
lesson.share("pretraining", study)
