"""Small pieces of browser code that Streamlit has no widget for."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec

import streamlit as st

from genlib.runs.run import Run

P = ParamSpec("P")
CHART = {
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "svg", "filename": "figure"},
}

_share_link = st.components.v2.component(
    "genlib_share_link",
    html='<button type="button">Copy link</button><input readonly aria-label="Link">',
    css="""
    button, input { font: inherit; padding: .4rem .9rem; border-radius: var(--st-base-radius); }
    button { border: 1px solid var(--st-primary-color); background: var(--st-primary-color);
             color: var(--st-background-color); cursor: pointer; width: 9rem;
             margin-right: .6rem; }
    input { border: 1px solid var(--st-border-color); background: var(--st-code-background-color);
            color: var(--st-text-color); font-family: var(--st-code-font); font-size: .85rem;
            width: min(44rem, 100%); box-sizing: border-box; margin-top: .4rem; }
    button:focus-visible, input:focus-visible {
      outline: 3px solid var(--st-border-color); outline-offset: 2px; }
    """,
    js="""
    export default function ({ data, parentElement }) {
      const [button, field] = parentElement.querySelectorAll("button, input");
      const show = () => {
        const address = new URL(location.href);
        for (const key of [...new Set(address.searchParams.keys())])
          if (!key.startsWith(data.page + ".")) address.searchParams.delete(key);
        const link = address.origin + address.pathname + address.search;
        if (field.value !== link) field.value = link;
      };
      show();
      const shown = setInterval(show, 500);  // no event tells that a knob has changed it
      field.onfocus = () => { show(); field.select(); };
      button.onclick = async () => {
        show();
        try {
          await navigator.clipboard.writeText(field.value);
          button.textContent = "Copied";
        } catch {  // the browser does not allow it: the visitor copies what is marked
          field.focus();
          button.textContent = "Copy it by hand";
        }
        setTimeout(() => { button.textContent = "Copy link"; }, 3000);
      };
      return () => clearInterval(shown);
    }
    """,
)


def share_link(page: str) -> None:
    """Draw the page's present address with its knobs, and a button that copies it."""
    _share_link(data={"page": page}, key="share-link")


def download(label: str, name: str, content: Callable[[], str | bytes]) -> None:
    """Draw a download button; the file is computed when it is asked for."""
    st.download_button(
        label, content, name, on_click="ignore", icon=":material/download:", key=f"download-{name}"
    )


def static_chart(figure: Any, key: str) -> None:
    """Draw a plotly figure; of plotly's buttons it has the one that saves it as SVG."""
    st.plotly_chart(figure, key=key, config=CHART)


def house_style(top: float) -> None:
    """Set what the theme has no option for: pixel pictures stay crisp, wide pages readable.

    A page begins `top` letters below its upper edge.
    """
    st.html(
        f"""<style>
        [data-testid="stImage"] img {{ image-rendering: auto; border-radius: 2px; }}
        [class*="st-key-dimmed"] {{ opacity: 0.5; }}
        [data-testid="stMainBlockContainer"] {{ max-width: 1280px; padding-top: {top}rem;
                                                padding-bottom: 3rem; }}
        @media (prefers-reduced-motion: reduce) {{ * {{ animation: none; transition: none; }} }}
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
