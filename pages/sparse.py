"""The lesson of the sparse autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import sparsity
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "sparse"

st.markdown(
    "Here the middle is wide, but every active unit costs something: so each picture is said with "
    "a few units out of many, and a unit comes to mean something."
)
spec, run = opening(FAMILY)

with lesson.section(
    "What sparsity costs",
    "All three are zero at the target. Look how much harder KL pulls than the others once a unit "
    "is far from it.",
):
    sparsity.penalties(spec, FAMILY)

with lesson.section(
    "Look inside",
    "KL brings the mean of every unit to the target, and says nothing about how: strongly active "
    "for a few pictures, or a little for all? The left histogram tells. Then try the L1 preset, "
    "which silences.",
):
    sparsity.activations(run, FAMILY)

with lesson.section(
    "What a unit stands for",
    "These pictures have something in common: a shape, a sleeve, a shade. Find a unit that is "
    "active for one class alone.",
):
    sparsity.top_pictures(run, FAMILY)

with lesson.section(
    "Try to break it",
    "Make activity so dear that no unit is worth it: all die, and whatever goes in, the same grey "
    "shape comes out. The cure is a smaller weight, or a target that is not zero.",
):
    side_by_side.side_by_side(
        {
            "Broken: weight 0.05": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: KL, target 0.1": RunSpec.of_preset(FAMILY, "fast"),
        }
    )
    side_by_side.preset_button(FAMILY, "break it")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
