"""The lesson of the stacked autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.autoencoders import anomalies, by_heart, codings, latent_tsne
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening

FAMILY = "stacked"

st.markdown(
    "An autoencoder has to copy each picture through a few numbers, the **codings**. They come to "
    "hold what lowers the **reconstruction error** most."
)
spec, run = opening(FAMILY)


def _try_to_break_it() -> None:
    runs = {
        "Broken: 1 coding": RunSpec.of_preset(FAMILY, "break it"),
        "Cured: 30 codings, all pictures": RunSpec.of_preset(FAMILY, "fast"),
    }
    side_by_side.side_by_side(runs)
    by_heart.recited(runs["Broken: 1 coding"])
    side_by_side.preset_button(FAMILY, "break it")


inside = [
    Figure(
        "Codings",
        "Every picture becomes a few codings. Change one and watch which part of the picture "
        "follows: does the coding mean one thing that has a name?",
        lambda: codings.codings(run, FAMILY),
    ),
    Figure(
        "A map of the codings",
        "No label was used, yet pictures of a class lie together. How much of that is the "
        "network's work? Under the map the raw pixels are beside it. Where two classes meet on "
        "the map, look at the nearest neighbours.",
        lambda: latent_tsne.code_map(run, FAMILY),
    ),
    Figure(
        "Which pictures are hard",
        "The error is not the same for all classes. Is it larger where a picture has more "
        "details?",
        lambda: anomalies.by_class(run, FAMILY),
    ),
    Figure(
        "Anomaly detection",
        "Pictures unlike the training data often have a large error, but not always: simple "
        "ones are easy to copy. Move the threshold: detecting more anomalies costs more false "
        "alarms.",
        lambda: anomalies.anomalies(run, FAMILY),
    ),
]
broken = [
    Figure(
        "Learned by heart",
        "One coding, a large network, 16 pictures: every training picture gets a number of its "
        "own, and the decoder learns the pictures by heart. What comes out for a test picture? "
        "The cure: all training pictures, and more codings.",
        _try_to_break_it,
    ),
]

lesson.parts(spec, run, inside, broken)
