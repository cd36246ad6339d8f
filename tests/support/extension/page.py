"""The lesson of the toy, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.runs.run_panel import opening

FAMILY = "toy"

st.markdown("One picture for all: see how little of a digit its brightness says.")
spec, run = opening(FAMILY)

lesson.parts(spec, run, [])
