"""The lesson of the generator by style, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.adversarial import ablation, picture_gan, style_study, styles
from ui.runs.run_panel import opening

FAMILY = "stylegan"

st.markdown(
    "Every layer of the generator gets its own style. Take one picture's coarse styles and "
    "another's fine ones, and count what follows which."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Style mixing",
    "Rows: source A. Columns: source B, the donor. Each picture uses B's styles at the layers "
    "that you choose, and A's at all others. Look at what follows the column.",
):
    styles.mixing(run, FAMILY)
    style_study.exchanged(run)

with lesson.section(
    "What each layer changes",
    "In each row only that layer's style is another's. Which rows change the shape, which only "
    "the shading?",
):
    styles.layers(run, FAMILY)

with lesson.section(
    "Noise inputs",
    "The style is the same in each column; only the noise differs. The lowest row is bright where "
    "new noise changes the picture.",
):
    styles.noise(run, FAMILY)

with lesson.section(
    "Truncation: less variety",
    "Pull ψ to 0 and every picture becomes the mean one. Beyond 1 and below 0 styles lie where "
    "the generator was hardly trained. The caption counts variety; judge the quality yourself.",
):
    styles.truncation(run, FAMILY)

with lesson.section(
    "Interpolation in z and in w",
    "Both rows have the same two ends: which one passes through fewer unrelated pictures? Further "
    "up stands how long such paths are, measured.",
):
    styles.walks(run, FAMILY)

with lesson.section(
    "Why StyleGAN2 gave up AdaIN",
    "AdaIN normalises each map by itself, which discards how strong maps are compared with each "
    "other. Large generators learned to save that by one very strong spot: a droplet. Look for "
    "spots, then at the peaks.",
):
    style_study.droplets(
        {"AdaIN": RunSpec.of_preset(FAMILY), "Modulation": RunSpec.of_preset(FAMILY, "modulation")}
    )

with lesson.section(
    "What is each ingredient for?",
    "The same seed and as many steps, each time without one of them. It is one seed: a row that "
    "looks better here may look worse with another.",
):
    ablation.ablation(spec)

picture_gan.sections(run, FAMILY)

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
