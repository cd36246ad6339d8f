"""The lesson of the deep convolutional GAN, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs import RunSpec
from ui import arithmetic, controls, guessing, health, inside, latent_walks, lesson
from ui.run_panel import run_panel

FAMILY = "dcgan"
SHOWN = ("no batch normalisation", "textbook", "fast")

st.markdown(
    "Convolutions make better forgers. The five guidelines of 2016 made them trainable: switch "
    "one off and see what it was for."
)
knobs, picture = st.columns([1, 2], gap="large")
with knobs:
    spec = controls.knobs(FAMILY)
with picture:
    run = run_panel(spec)

with lesson.section(
    "Is it working?",
    "Look at the bands first: a class that is missing is a mode collapse, bands that come and go "
    "are a game that circles. Then read the verdict.",
):
    health.health(run)

with lesson.section(
    "Draw something new",
    "Nothing was copied. Between two samples nothing falls apart, if the generator learned more "
    "than single pictures.",
):
    latent_walks.samples(run, FAMILY)

with lesson.section(
    "Arithmetic with codings",
    "Take one kind, take away another, add a third: directions between codings mean something, "
    "though nobody told the generator what a sleeve is.",
):
    arithmetic.arithmetic(run)

with lesson.section(
    "Beat the discriminator",
    "Tick the pictures that you take for real ones. It has seen far more of them than you; have "
    "you a better eye?",
):
    guessing.guessing(run)

with lesson.section(
    "Break it, cure it",
    "The book's networks with one guideline broken, then as they are, then the recipe that needs "
    "none of them.",
):
    health.side_by_side({title: RunSpec.of_preset(FAMILY, title) for title in SHOWN})
    inside.preset_button(FAMILY, "no batch normalisation", "the broken one")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
