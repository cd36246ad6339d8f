"""The lesson of the game in the plane, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs import RunSpec
from ui import by_hand, games, inside, lesson, recipes
from ui.run_panel import opening

FAMILY = "gan2d"

st.markdown(
    "A generator bends noise into points; a discriminator learns to tell them from real ones. "
    "In the plane nothing is hidden: watch both of them, move them by hand, break the game."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Play by hand",
    "Let D move alone and its field grows steep around the orange points; then let G move, and "
    "they walk uphill. Keep one of them waiting for long and the other runs away.",
):
    by_hand.by_hand(spec, run)

with lesson.section(
    "Break it, cure it",
    "The same data, the same seed. Count the blue places where no orange point stays: that is "
    "mode collapse. G runs to wherever D looks away, and forgets where it was.",
):
    games.side_by_side(FAMILY, games.CURES)
    inside.preset_button(FAMILY, "collapse", "the collapse")

with lesson.section(
    "How often does it collapse?",
    "One game proves nothing: the next seed may end otherwise. Here the same recipe is played "
    "from many seeds at once.",
):
    recipes.seeds(
        {"This game": spec, "The collapse": RunSpec.of_preset(FAMILY, "collapse")}, FAMILY
    )

with lesson.section(
    "Which recipe keeps all modes?",
    "Every loss with every cure. Look for rows and columns that are good throughout: a cure that "
    "needs one certain loss is no cure.",
):
    recipes.grid(RunSpec.of_preset(FAMILY, "small"))

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
