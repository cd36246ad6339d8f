"""A seed with dice: the number of a random draw, typed or drawn anew."""

import streamlit as st

from ui.controls import ranged, view_key


def draw_number(family: str, name: str, label: str, press: str) -> int:
    """Return the seed of a random draw, which the student types or draws anew."""
    key = view_key(family, name)

    def next_one() -> None:
        st.session_state[key] = (st.session_state[key] + 1) % 10_000

    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        number = st.number_input(
            label,
            value=0,
            help="The same number gives the same draw.",
            **ranged(family, name, 0, 9_999),
        )
    with right:
        st.button(press, key=f"{key}-next", on_click=next_one, icon=":material/casino:")
    return int(number)
