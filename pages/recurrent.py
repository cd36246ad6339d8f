"""The lesson of the recurrent autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import latent_tsne, row_by_row
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "recurrent"

st.markdown(
    "This network reads a picture like a text, one row after the other, remembers it in a few "
    "numbers, and writes it down again from memory."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Look inside",
    "Watch the memory fill: after a few rows it guesses the rest, and each row read corrects the "
    "guess.",
):
    row_by_row.rows(run, FAMILY)

with lesson.section(
    "A map of the codings",
    "Each point is a picture: the memory after its last row.",
):
    latent_tsne.code_map(run, FAMILY)

with lesson.section(
    "Try to break it",
    "A memory of two numbers: what comes last pushes out what came first, and all that is left is "
    "the kind of thing. The cure is a larger state.",
):
    side_by_side.side_by_side(
        {
            "Broken: 2 codings": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: 30 codings": RunSpec.of_preset(FAMILY, "fast"),
        }
    )
    side_by_side.preset_button(FAMILY, "break it")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
