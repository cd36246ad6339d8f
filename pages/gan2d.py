"""The lesson of the game in the plane, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import plane_gan, recipe_grid, step_by_step
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "gan2d"

st.markdown(
    "A generator bends noise into points; a discriminator learns to tell them from real ones. "
    "In the plane nothing is hidden: watch both of them, move them by hand, break the game."
)
spec, run = opening(FAMILY)


def _break_it_cure_it() -> None:
    plane_gan.side_by_side(FAMILY, plane_gan.CURES)
    side_by_side.preset_button(FAMILY, "collapse")


inside = [
    Figure(
        "Play by hand",
        "Let D move alone and its field grows steep around the orange points; then let G move, "
        "and they walk uphill. If only D trains, its gradient for G vanishes. If only G trains, "
        "all points run to one place.",
        lambda: step_by_step.by_hand(spec, run),
    ),
]
broken = [
    Figure(
        "Collapse and cures",
        "The same data, the same seed; what else differs is said above each board. In a mode "
        "collapse the points are good, but lie at a few modes. After a divergence they lie at "
        "none.",
        _break_it_cure_it,
    ),
    Figure(
        "How often?",
        "One game proves nothing: the next seed may end otherwise. Here the same recipe is "
        "played from many seeds at once, and each game is counted by how it ended.",
        lambda: recipe_grid.seeds(
            {"This game": spec, "Preset “collapse”": RunSpec.of_preset(FAMILY, "collapse")}, FAMILY
        ),
    ),
    Figure(
        "All recipes",
        "Every loss with every cure. Look for rows and columns that are good throughout: a "
        "remedy that works with only one loss is not robust.",
        lambda: recipe_grid.grid(RunSpec.of_preset(FAMILY, "small")),
    ),
]

lesson.parts(spec, run, inside, broken)
