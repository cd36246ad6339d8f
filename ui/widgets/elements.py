"""Small pieces of browser code that Streamlit has no widget for."""

from collections.abc import Callable
from typing import Any

import streamlit as st

_copy = st.components.v2.component(
    "genlib_copy",
    html='<button type="button"></button>',
    css="""
    button { font: inherit; padding: .4rem .9rem; border-radius: var(--st-base-radius);
             border: 1px solid var(--st-primary-color); background: var(--st-primary-color);
             color: var(--st-background-color); cursor: pointer; min-width: 8rem; }
    button:focus-visible { outline: 3px solid var(--st-border-color); outline-offset: 2px; }
    """,
    js="""
    export default function ({ data, parentElement }) {
      const button = parentElement.querySelector("button");
      button.textContent = data.label;
      button.onclick = async () => {
        let said = "Copied";
        try { await navigator.clipboard.writeText(data.text); }
        catch { said = "Copy it by hand"; }
        button.textContent = said;
        setTimeout(() => { button.textContent = data.label; }, 3000);
      };
    }
    """,
)


def copy_button(label: str, text: str, key: str) -> None:
    """Draw a button that puts `text` on the visitor's clipboard."""
    _copy(data={"label": label, "text": text}, key=key, width="content")


def download(label: str, name: str, make: Callable[[], bytes]) -> None:
    """Draw a button that hands over a file of that name, made when it is asked for."""
    st.download_button(
        label, make, name, on_click="ignore", icon=":material/download:", key=f"download-{name}"
    )


def chart_at_rest(figure: Any, key: str) -> None:
    """Draw a plotly figure that is only looked at, without plotly's row of buttons."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def house_style() -> None:
    """Set what the theme has no option for: pixel pictures stay crisp, wide pages readable."""
    st.html(
        """<style>
        [data-testid="stImage"] img { image-rendering: auto; border-radius: 2px; }
        [data-testid="stMainBlockContainer"] { max-width: 1280px; padding-top: 3.2rem; }
        @media (prefers-reduced-motion: reduce) { * { animation: none; transition: none; } }
        </style>"""
    )


def missing() -> None:
    """Say that there is no trained model to look into yet."""
    st.info("Train this model first, or take the first preset.", icon=":material/info:")


def headline(badge: tuple[str, str, str], text: str) -> None:
    """Draw a badge and a sentence beside it."""
    name, colour, icon = badge
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(name, color=colour, icon=f":material/{icon}:")
        st.markdown(text)
