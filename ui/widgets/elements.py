"""Small pieces of browser code that Streamlit has no widget for."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec

import streamlit as st

from genlib.runs.run import Run

P = ParamSpec("P")

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
        let answer = "Copied";
        try { await navigator.clipboard.writeText(data.text); }
        catch { answer = "Copy it by hand"; }
        button.textContent = answer;
        setTimeout(() => { button.textContent = data.label; }, 3000);
      };
    }
    """,
)


def copy_button(label: str, text: str, key: str) -> None:
    """Draw a button that puts `text` on the visitor's clipboard."""
    _copy(data={"label": label, "text": text}, key=key, width="content")


def download(label: str, name: str, content: Callable[[], bytes]) -> None:
    """Draw a download button; the file is computed when it is asked for."""
    st.download_button(
        label, content, name, on_click="ignore", icon=":material/download:", key=f"download-{name}"
    )


def static_chart(figure: Any, key: str) -> None:
    """Draw a plotly figure without plotly's row of buttons."""
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


def needs_run(
    draw: Callable[Concatenate[Run, P], None],
) -> Callable[Concatenate[Run | None, P], None]:
    """Return the part of a lesson that draws a trained model; where there is none it says so."""

    @wraps(draw)
    def guarded(run: Run | None, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if run is None:
            st.info("Train this model first, or take the first preset.", icon=":material/info:")
        else:
            draw(run, *args, **kwargs)

    return guarded


def is_dark() -> bool:
    """Return whether the visitor's theme is dark; figures that depend on it take it as a knob."""
    return st.context.theme.type == "dark"


class Badge(NamedTuple):
    """A few words on a color, with an icon of Material Symbols."""

    words: str
    color: Literal["green", "orange", "blue", "violet", "gray"]
    icon: str


def headline(badge: Badge, text: str) -> None:
    """Draw a badge and a sentence beside it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(badge.words, color=badge.color, icon=f":material/{badge.icon}:")
        st.markdown(text)


def not_trained_here() -> None:
    """Say that a run that is compared is not on this server yet."""
    st.info("Not trained on this server yet.")
