"""The lesson of unsupervised pretraining, top to bottom as a student reads it."""

import streamlit as st

from genlib.studies.few_labels import FewLabels
from ui import lesson
from ui.autoencoders import few_labels
from ui.lesson import Figure
from ui.runs.study_panel import study_panel

st.markdown(
    "Labelled pictures are expensive, unlabelled ones are cheap. Let an autoencoder learn from "
    "all pictures without a label, then build a classifier on its encoder from the few that have "
    "one. Is it worth it?"
)
knobs, curve = st.columns([1, 2], gap="large")
with knobs:
    study = few_labels.knobs()
with curve:
    study_panel(study, "Measure the curve", few_labels.draw)

inside = [
    Figure(
        "What is compared",
        "All four see the very same labelled pictures, as many of each class, drawn anew for "
        "each seed; accuracy is that of all test pictures. The learning rates are the same with "
        "and without pretraining.",
        few_labels.methods,
    ),
]
broken = [
    Figure(
        "An encoder that learned by heart",
        "Choose as encoder the stacked autoencoder that learned 16 pictures by heart, through "
        "one coding. How much can a classifier make of one number, with the encoder frozen and "
        "fine-tuned? Guess, then measure.",
        few_labels.broken_button,
    ),
]

lesson.study_parts("pretraining", FewLabels, study, inside, broken)
