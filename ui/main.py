"""The script of each session: the house's frame, and the page that the address names."""

from pathlib import Path

import streamlit as st

from ui import navigation
from ui.server.lifespan import warm
from ui.widgets.elements import house_style, share_link

FAVICON = Path(__file__).with_name("favicon.png")  # a boot, as the shipped model sees it
LONGEST_WARM_UP = 60  # seconds

st.set_page_config(
    page_title="genlib: the playground for generative models",
    page_icon=str(FAVICON),
    layout="wide",
)
embedded = bool(st.context.is_embedded)  # by ?embed=true, in a page of a course: one lesson alone
house_style(top=0.8 if embedded else 3.2)
page = st.navigation(
    {
        section: [navigation.page(name) for name in names]
        for section, names in navigation.by_section().items()
    },
    position="hidden" if embedded else "sidebar",
)
if not page.url_path and st.query_params.get("page", "home") != "home":
    st.info("Your link asks for a lesson that is not here; below are all there are.")
if page.url_path:  # a lesson: it needs torch; home does not
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(page.title, anchor=False)
        with st.popover("Share", icon=":material/link:"):
            st.caption("Whoever opens this link sees this page with these very knobs.")
            share_link(page.url_path)
    if not warm.is_set():
        slot = st.empty()
        slot.skeleton(height=720)
        warm.wait(LONGEST_WARM_UP)
        slot.empty()
page.run()
