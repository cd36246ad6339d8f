"""The lesson of the recurrent autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import latent_tsne, row_by_row
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "recurrent"

st.markdown(
    "This network reads a picture like a text, one row after the other, keeps a few numbers, and "
    "writes the rows again from those alone."
)
spec, run = opening(FAMILY)


def _try_to_break_it() -> None:
    runs = {
        "Broken: 2 codings": RunSpec.of_preset(FAMILY, "break it"),
        "Cured: 30 codings": RunSpec.of_preset(FAMILY, "fast"),
    }
    side_by_side.side_by_side(runs)
    row_by_row.halves(runs)
    side_by_side.preset_button(FAMILY, "break it")


inside = [
    Figure(
        "Row by row",
        "The state after each row. The network was trained on whole pictures only: are the rows "
        "that it has not read yet a guess, or noise? The curve compares them with the mean "
        "picture.",
        lambda: row_by_row.rows(run, FAMILY),
    ),
    Figure(
        "A map of the codings",
        "Each point is a picture: the state after its last row.",
        lambda: latent_tsne.code_map(run, FAMILY),
    ),
]
broken = [
    Figure(
        "Two codings",
        "A state of two numbers: what is left of a picture? And does it forget the rows that it "
        "read first? The cure is a larger state.",
        _try_to_break_it,
    ),
]

lesson.parts(spec, run, inside, broken)
