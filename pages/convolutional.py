"""The lesson of the convolutional autoencoder, top to bottom as a student reads it."""

import streamlit as st

from ui import lesson
from ui.autoencoders import feature_maps, latent_tsne
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "convolutional"

st.markdown(
    "The same small filters are used at every position of the picture, so that each weight is "
    "used many times."
)
spec, run = opening(FAMILY)

inside = [
    Figure(
        "Feature maps",
        "Each small picture shows how strongly one filter answers at each position. Follow the "
        "layers down, to fewer positions and more filters, and up again, from coarse to fine.",
        lambda: feature_maps.feature_maps(run, FAMILY),
    ),
    Figure(
        "Beside a dense network",
        "The stacked autoencoder has dense layers. Shift the test pictures to the side: none of "
        "the two was trained for that. Whose error grows faster?",
        lambda: feature_maps.beside_dense(run, FAMILY),
    ),
    Figure(
        "A map of the codings",
        "Each point is a picture. Compare it with the stacked autoencoder's map: which classes "
        "does this one keep apart?",
        lambda: latent_tsne.code_map(run, FAMILY),
    ),
]
broken = [
    Figure(
        "Four averages",
        "Averaging each feature over the whole picture discards its position, and four numbers "
        "are few: what is left of the shapes? The cure is more codings and a bottleneck in "
        "which every place has a weight of its own.",
        lambda: side_by_side.presets(
            FAMILY,
            {
                "Broken: 4 averages": "break it",
                "Cured: 30 codings": "fast",
            },
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
