"""The lesson of the convolutional autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import feature_maps, latent_tsne
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "convolutional"

st.markdown(
    "The same small filters are used at every position of the picture, so that each weight is "
    "used many times."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Look inside",
    "Each small picture shows how strongly one filter answers at each position. Follow the layers "
    "down, to fewer positions and more filters, and up again, from coarse to fine.",
):
    feature_maps.feature_maps(run, FAMILY)

with lesson.section(
    "Beside a dense network",
    "The stacked autoencoder has dense layers. Shift the test pictures to the side: none of the "
    "two was trained for that. Whose error grows faster?",
):
    feature_maps.beside_dense(run, FAMILY)

with lesson.section(
    "A map of the codings",
    "Each point is a picture. Compare it with the stacked autoencoder's map: which classes does "
    "this one keep apart?",
):
    latent_tsne.code_map(run, FAMILY)

with lesson.section(
    "Try to break it",
    "Averaging each feature over the whole picture discards its position, and four numbers are "
    "few: what is left of the shapes? The cure is more codings and a bottleneck in which every "
    "place has a weight of its own.",
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
