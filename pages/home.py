"""Home: what a generative model is, the map of the lessons, the memory game, the machine."""

import streamlit as st

from ui.house import PLAN, page
from ui.machine import machine
from ui.memory_game import memory_game
from ui.shipped import shipped_picture

st.title("The playground for generative models", anchor=False)
st.markdown(
    "A **generative model** learns what its data have in common, well enough to make more of "
    "them. Here you watch real ones learn, train your own in seconds, break it, cure it, "
    "and send the link: whoever opens it sees exactly what you see."
)

SENTENCES = {
    "stacked": "Copy a picture through 30 numbers, and find out what they mean. "
    "Above: what the shipped model makes of ten test pictures.",
}

lessons, game = st.columns(2, gap="large")
with lessons:
    st.header("The lessons", anchor=False)
    for section, pages in PLAN.items():
        for name in pages.keys() & SENTENCES:
            with st.container(border=True):
                alt = "Pictures made by the shipped model"
                st.image(shipped_picture(name), output_format="PNG", width="stretch", alt=alt)
                st.page_link(page(name), label=f"**{section}: {pages[name][0]}**")
                st.markdown(SENTENCES[name])
with game:
    st.header("A memory game to begin with", anchor=False)
    memory_game()

st.header("This machine", anchor=False)
machine()
