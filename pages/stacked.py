"""The lesson of the stacked autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import anomalies, codings, latent_tsne
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "stacked"

st.markdown(
    "A network that must copy pictures through a few numbers has to find out what matters in them."
)
spec, run = opening(FAMILY)

with lesson.section(
    "Look inside",
    "Every picture becomes a few codings. Change one and watch which part of the picture follows: "
    "a coding rarely means one thing that has a name.",
):
    codings.codings(run, FAMILY)

with lesson.section(
    "A map of the codings",
    "Nobody told the network what the pictures are, yet those of a class lie together. Look for "
    "the places where two classes meet: there it cannot tell them apart.",
):
    latent_tsne.code_map(run, FAMILY)

with lesson.section(
    "Which pictures are hard",
    "The error is not the same for all: what has many details, or was rare, is copied worse.",
):
    anomalies.by_class(run, FAMILY)

with lesson.section(
    "Who does not belong here",
    "What it has never seen it copies badly, so a large error gives a stranger away. Move the "
    "threshold: catching more strangers costs more false alarms.",
):
    anomalies.anomalies(run, FAMILY)

with lesson.section(
    "Try to break it",
    "One coding, a huge network, few pictures: every training picture gets a number of its own, "
    "and the decoder learns the pictures by heart. Look at the test pictures: it copies a "
    "training picture, whatever you show it. The cure is a narrow network that sees many.",
):
    side_by_side.side_by_side(
        {
            "Broken: 1 coding": RunSpec.of_preset(FAMILY, "break it"),
            "Cured: 30 codings, all pictures": RunSpec.of_preset(FAMILY, "fast"),
        }
    )
    side_by_side.preset_button(FAMILY, "break it")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
