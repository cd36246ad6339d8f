"""The lesson of the GAN that grows, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.adversarial import ablation, growing, health, picture_gan
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "progressive"

st.markdown(
    "First a picture of 4 × 4 pixels, which is soon learned; then twice the size, and again. "
    "Rewind the training to see the pixels become finer."
)
spec, run = opening(FAMILY)

inside = [
    Figure(
        "It grows",
        "The same codings late in each stage. How early can you tell a shoe from a coat? Look "
        "what each new size adds.",
        lambda: growing.sizes(run),
    ),
    Figure(
        "New layers fade in",
        "Move α. A new layer with random weights would destroy what the others have learned, so "
        "its weight α starts at 0 and grows with every step.",
        lambda: growing.fading(run, FAMILY),
    ),
    *picture_gan.figures(run, FAMILY),
]
broken = [
    ablation.figure(spec),
    Figure(
        "Does it pay here?",
        "At 32 × 32 nothing shows that it does. A classifier other than ours gives these runs "
        "an FID of 14.6 without any ingredient, 19.5 with all but growing and 19.1 with all. "
        "Lower is better, and ours puts the first run first, too. That is one seed, and the "
        "first run learns at a sixth of the others' rate: at theirs it diverges. At 1,024 × "
        "1,024 growing paid: most steps were on small, cheap pictures, and large ones did not "
        "train well from the start.",
        lambda: side_by_side.presets(
            FAMILY, {"Bare": "bare", "Not grown": "not grown", "Fast": "fast"}, health.side_by_side
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
