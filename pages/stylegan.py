"""The lesson of the generator by style, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import ablation, picture_gan, style_study, styles
from ui.lesson import Figure
from ui.runs.run_panel import opening

FAMILY = "stylegan"

st.markdown(
    "Every layer of the generator gets its own style. Take one picture's coarse styles and "
    "another's fine ones, and count what follows which."
)
spec, run = opening(FAMILY)


def _style_mixing() -> None:
    styles.mixing(run, FAMILY)
    style_study.exchanged(run)


inside = [
    Figure(
        "Style mixing",
        "Rows: source A. Columns: source B, the donor. Each picture uses B's styles at the "
        "layers that you choose, and A's at all others. Look at what follows the column.",
        _style_mixing,
    ),
    Figure(
        "What each layer changes",
        "In each row only that layer's style is another's. Which rows change the shape, which "
        "only the shading?",
        lambda: styles.layers(run, FAMILY),
    ),
    Figure(
        "Noise inputs",
        "The style is the same in each column; only the noise differs. The lowest row is bright "
        "where new noise changes the picture.",
        lambda: styles.noise(run, FAMILY),
    ),
    Figure(
        "Truncation: less variety",
        "Pull ψ to 0 and every picture becomes the mean one. Beyond 1 and below 0 styles lie "
        "where the generator was hardly trained. The caption counts variety; judge the quality "
        "yourself.",
        lambda: styles.truncation(run, FAMILY),
    ),
    Figure(
        "Interpolation in z and in w",
        "Both rows have the same two ends: which one passes through fewer unrelated pictures? "
        "“Style mixing” measures such paths.",
        lambda: styles.walks(run, FAMILY),
    ),
    Figure(
        "Why StyleGAN2 gave up AdaIN",
        "AdaIN normalises each map by itself, which discards how strong maps are compared with "
        "each other. Large generators learned to save that by one very strong spot: a droplet. "
        "Look for spots, then at the peaks.",
        lambda: style_study.droplets(
            {
                "AdaIN": RunSpec.of_preset(FAMILY),
                "Modulation": RunSpec.of_preset(FAMILY, "modulation"),
            }
        ),
    ),
    *picture_gan.figures(run, FAMILY),
]
broken = [
    ablation.figure(spec),
]

lesson.parts(spec, run, inside, broken)
