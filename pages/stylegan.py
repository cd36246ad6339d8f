"""The lesson of the generator by style, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import ablation, picture_gan, style_study, styles
from ui.runs.run_panel import opening

FAMILY = "stylegan"

st.markdown(
    "Every layer of the generator is told its own style: coarse layers what to draw, fine ones "
    "how. Take one picture's coarse styles and another's fine ones, and see what comes of it."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Mix two styles",
    "Each picture has the styles of the one at the left of its row, but for the layers that you "
    "choose: those are of the one above its column. Look at what follows the column.",
):
    styles.mixing(run, FAMILY)
    style_study.exchanged(run)

with lesson.section(
    "What each layer changes",
    "In each row only that layer's style is another's. Rows at the top change the shape, rows at "
    "the bottom the shading.",
):
    styles.layers(run, FAMILY)

with lesson.section(
    "What is left to chance",
    "The style is the same in each column; only the noise is not. The lowest row is bright where "
    "new noise changes the picture.",
):
    styles.noise(run, FAMILY)

with lesson.section(
    "Variety against quality",
    "Pull ψ to 0 and every picture becomes the mean one. Beyond 1 they grow stranger; below 0 "
    "each is the opposite of itself.",
):
    styles.truncation(run, FAMILY)

with lesson.section(
    "Walk in z, walk in w",
    "The mapping network takes detours out of the space of codings. Both walks end at the same "
    "two pictures: which one passes through fewer things in between?",
):
    styles.walks(run, FAMILY)

with lesson.section(
    "Why StyleGAN2 gave up AdaIN",
    "AdaIN forgets how strong maps are compared with each other, and large generators learned to "
    "save it by one spot that outshines its map: a droplet. Look for spots, then at the peaks.",
):
    style_study.droplets(
        {"AdaIN": RunSpec.of_preset(FAMILY), "Modulation": RunSpec.of_preset(FAMILY, "modulation")}
    )

with lesson.section(
    "What is each ingredient for?",
    "The same seed and as many steps, each time without one of them. Compare the intervals before "
    "you believe a difference: at this size some ingredients hardly matter.",
):
    ablation.ablation(spec)

picture_gan.sections(run, FAMILY)

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
