"""The lesson of the convolutional autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import feature_maps, latent_tsne
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "convolutional"

st.markdown(
    "Filters that slide over the picture know an edge wherever it lies. With a third of the "
    "weights of the dense network this one copies better, and works harder for it."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Look inside",
    "Each small picture is where one feature was found. Follow one down: edges at first, then "
    "parts of a shape; and up again, from blots to details.",
):
    feature_maps.feature_maps(run, FAMILY)

with lesson.section(
    "A map of the codings",
    "Each point is a picture. Compare it with the stacked autoencoder's map: which classes does "
    "this one keep apart?",
):
    latent_tsne.code_map(run, FAMILY)

with lesson.section(
    "Try to break it",
    "Averaging each feature over the whole picture forgets where it was, and four numbers are "
    "few: shapes melt. The cure is a bottleneck in which every place has a weight, and more "
    "codings.",
):
    side_by_side.side_by_side(
        {
            "Broken: 4 averages": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: 30 codings": RunSpec.of_preset(FAMILY, "fast"),
        }
    )
    side_by_side.preset_button(FAMILY, "break it")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
