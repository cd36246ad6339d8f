"""Home: what a generative model is, the map of the lessons, the memory game, the machine."""

import streamlit as st

from ui.home.gallery import lessons
from ui.home.machine import machine
from ui.home.memory_game import memory_game

st.title("The playground for generative models", anchor=False)
st.markdown(
    "A **generative model** learns what its data have in common, well enough to make more of "
    "them. Here you watch real ones learn, train your own in seconds, break it, cure it, "
    "and send the link: whoever opens it sees exactly what you see."
)

st.header("The lessons", anchor=False)
st.caption(
    "The pictures are of shipped models: reconstructions of test pictures, or new pictures."
)
lessons()

game, here = st.columns(2, gap="large")
with game:
    st.header("A memory game to begin with", anchor=False)
    memory_game()
with here:
    st.header("This machine", anchor=False)
    machine()
