"""Home: what a generative model is, the map of the lessons, the memory game, the machine."""

import streamlit as st

from ui.home.gallery import SHIPPED, shipped_picture
from ui.home.machine import machine
from ui.home.memory_game import memory_game
from ui.navigation import PLAN, page

COLUMNS = 3  # of cards

st.title("The playground for generative models", anchor=False)
st.markdown(
    "A **generative model** learns what its data have in common, well enough to make more of "
    "them. Here you watch real ones learn, train your own in seconds, break it, cure it, "
    "and send the link: whoever opens it sees exactly what you see."
)

SENTENCES = {
    "linear": "Nothing but straight lines: it finds the plane that PCA finds.",
    "stacked": "Copy a picture through 30 numbers, and find out what they mean.",
    "convolutional": "Filters that know an edge wherever it lies copy better with fewer weights.",
    "recurrent": "Read a picture row by row, and write it down again from memory.",
    "denoising": "Above spoiled, below restored: to do that it must know what pictures look like.",
    "sparse": "Many codings, few of them active: units come to mean something.",
    "vae": "A cloud of codings for each picture, so that new ones can be drawn: the lower row.",
    "gan2d": "Watch two players in the plane, move them by hand, break the game and cure it.",
    "gan": "A forger and a detective learn from each other; a judge says what is missing.",
    "dcgan": "Convolutions against each other: five guidelines, each a switch.",
    "progressive": "From 4 × 4 pixels to 32 × 32: coarse first, and every new layer fades in.",
    "stylegan": "Each layer has a style of its own: mix two pictures, the shape of one and the "
    "shading of another.",
    "ddpm": "Drown a picture in noise, learn which noise it was, find pictures in noise alone.",
    "samplers": "One network, five ways to walk from noise to a picture: what is a step worth?",
    "flow": "Straight lines from noise to pictures: less to choose, and few steps are enough.",
    "pretrained": "Models from the Hugging Face Hub, pinned and safe to open, and your own to it.",
    "compare": "Four families, the same pictures and time: who is sharp, diverse, fast?",
    "pretraining": "Learn from pictures without labels, then classify with a handful of labels.",
}

st.header("The lessons", anchor=False)
st.caption("Each picture is what the lesson's shipped model made of test pictures.")
for section, pages in PLAN.items():
    names = [name for name in pages if name in SENTENCES]
    if names:
        st.subheader(section, anchor=False)
    for start in range(0, len(names), COLUMNS):
        for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                if name in SHIPPED:
                    alt = "Pictures made by the shipped model"
                    picture = shipped_picture(name)
                    st.image(picture, output_format="PNG", width="stretch", alt=alt)
                st.page_link(page(name), label=f"**{pages[name][0]}**")
                st.markdown(SENTENCES[name])

game, here = st.columns(2, gap="large")
with game:
    st.header("A memory game to begin with", anchor=False)
    memory_game()
with here:
    st.header("This machine", anchor=False)
    machine()
