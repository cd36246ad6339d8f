"""The chapter's memory game: a pattern is a short description of a long row."""

import re

import streamlit as st

ROWS = (
    (40, 27, 25, 36, 81, 57, 10, 73, 19, 68),
    tuple(range(50, 12, -2)),
)


def recalled(answer: str, row: tuple[int, ...]) -> int:
    """Return how many numbers of the answer stand at their place in the row."""
    numbers = [int(digits) for digits in re.findall(r"\d+", answer[:400])]
    return sum(typed == number for typed, number in zip(numbers, row, strict=False))


@st.fragment
def memory_game() -> None:
    """Show a row, hide it, ask for it; then the second row, then why it was easier."""
    stage: int = st.session_state.get("game-stage", 0)
    row = ROWS[min(stage // 2, 1)]
    with st.container(border=True, height=250):
        if stage == 4:
            _explain()
        elif stage % 2 == 0:
            _show(row, stage)
        else:
            _ask(row, stage)


def _show(row: tuple[int, ...], stage: int) -> None:
    st.markdown(f"**Row {stage // 2 + 1} of 2.** Read it once, slowly. Then hide it and type it.")
    st.markdown("#### " + "  ".join(str(number) for number in row))
    _next("Hide it", stage)


def _ask(row: tuple[int, ...], stage: int) -> None:
    st.markdown(f"**Row {stage // 2 + 1} of 2.** What was it?")
    answer = st.text_input(
        "Type the numbers, with spaces between", key=f"game-answer-{stage}", max_chars=400
    )
    if answer:
        right = recalled(answer, row)
        st.markdown(f"**{right} of {len(row)}** at their place.")
        _next("Next row" if stage == 1 else "Why?", stage)


def _explain() -> None:
    st.markdown(
        "The second row has nearly twice the numbers, yet it is easier: *even numbers from 50 "
        "down to 14* says it all. A row with a pattern has a short description, and that is all "
        "you need to keep. An autoencoder is made to do the same with pictures: it may keep only "
        "a few numbers, so it must find the pattern."
    )
    if st.button("Play again", key="game-again"):
        st.session_state["game-stage"] = 0
        st.rerun(scope="fragment")


def _next(label: str, stage: int) -> None:
    if st.button(label, key=f"game-next-{stage}", type="primary"):
        st.session_state["game-stage"] = stage + 1
        st.rerun(scope="fragment")
