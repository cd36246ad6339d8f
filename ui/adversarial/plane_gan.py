"""GANs of points in the plane: presets side by side, with mode collapse and its cures."""

import streamlit as st

from genlib.data.points import MODES
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.studies.verdict import plane_verdict
from ui import cache
from ui.runs.knobs import preset_title
from ui.runs.plane_preview import LABEL, board_of, captured_modes, gives_probability
from ui.widgets.elements import is_dark, not_trained_here
from ui.widgets.plane_board import game_board

CURES = (  # presets, side by side
    *("collapse", "calmed", "cured"),
    *("PacGAN", "minibatch discrimination", "experience replay"),
)


def side_by_side(family: str, presets: tuple[str, ...]) -> None:
    """Draw presets of a family, three in a row."""
    for first in range(0, len(presets), 3):
        row = presets[first : first + 3]
        for column, name in zip(st.columns(3, gap="medium"), row, strict=False):
            with column:
                _small(family, name)


def _small(family: str, preset: str) -> None:
    spec = RunSpec.of_preset(family, preset)
    run = cache.summary(spec)
    st.markdown(f"**{preset_title(preset)}**")
    st.caption(FAMILIES[family].presets[preset].note)
    if run is None:
        not_trained_here()
        return
    board = board_of(
        cache.dataset(spec.dataset), [run.snapshot], probability=gives_probability(spec)
    )
    key = f"{spec.fingerprint[:8]}-small"
    game_board(board, key, size=340, label=LABEL, dark=is_dark())
    counts = captured_modes(spec.dataset, run.snapshot.images)
    if counts is not None:
        st.markdown(plane_verdict(counts, len(MODES[spec.dataset].centres)).sentence)
