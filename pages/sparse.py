"""The lesson of the sparse autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import sparsity
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "sparse"

st.markdown(
    "Here the middle is wide, but active units cost something. The aim: each picture activates "
    "only a few units, so that a unit can specialise. Not every penalty reaches it."
)
spec, run = opening(FAMILY)


def _look_inside() -> None:
    sparsity.activations(run, FAMILY)
    sparsity.compared(
        {
            "KL, target 0.1": RunSpec.of_preset(FAMILY, "fast"),
            "L1, weight 0.0001": RunSpec.of_preset(FAMILY, "L1"),
        }
    )


def _try_to_break_it() -> None:
    side_by_side.side_by_side(
        {
            "Broken: L1, weight 0.05": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: L1, weight 0.0001": RunSpec.of_preset(FAMILY, "L1"),
        }
    )
    sparsity.compared({"Broken": RunSpec.of_preset(FAMILY, "break it")})
    side_by_side.preset_button(FAMILY, "break it")


inside = [
    Figure(
        "What sparsity costs",
        "L1 is zero at silence, the others are zero at the target. Look at the slopes: near the "
        "target KL hardly pulls, far away it pulls hardest.",
        lambda: sparsity.penalties(spec, FAMILY),
    ),
    Figure(
        "Activations",
        "KL fixes only each unit's mean: strongly active for a few pictures, or weakly for all? "
        "The left histogram shows which. L1 pulls every single activation to zero: compare.",
        _look_inside,
    ),
    Figure(
        "What a unit stands for",
        "Have these pictures something in common: a shape, a sleeve, a shade? Is the unit "
        "active for one class more than for the others?",
        lambda: sparsity.top_pictures(run, FAMILY),
    ),
]
broken = [
    Figure(
        "Almost all units dead",
        "Make activity so expensive that almost no unit is worth it. Count the units that are "
        "left, and the different pictures that they can draw. The cure is a smaller weight.",
        _try_to_break_it,
    ),
]

lesson.parts(spec, run, inside, broken)
