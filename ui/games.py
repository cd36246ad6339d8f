"""The game in the plane: its moments while it is trained, and recipes side by side."""

import streamlit as st
import torch

from genlib.data import MODES, Dataset
from genlib.family import MERITS, Data, Discriminates
from genlib.metrics import ModeCount, count_modes
from genlib.models import FAMILIES
from genlib.models.gan2d import window
from genlib.runs import Moment, RunSpec
from ui import shelf
from ui.controls import titled
from ui.game_board import Board, game_board

CURES = (  # presets, side by side
    *("collapse", "calmed", "cured"),
    *("PacGAN", "minibatch discrimination", "experience replay"),
)
SIZE = 560  # CSS pixels of a board
LABEL = "The plane of the game: real points, generated points, and what the discriminator says."


def draw(spec: RunSpec, data: Dataset, moments: list[Moment]) -> None:
    """Draw all moments of a game, to be played and scrubbed."""
    steps = tuple(moment.step for moment in moments)
    played = issubclass(FAMILIES[spec.family], Discriminates)
    board = _board(spec.fingerprint, steps, data, moments, played=played)
    dark = st.context.theme.type == "dark"
    label = LABEL if played else "The plane: points of the data, and generated ones."
    game_board(board, f"{spec.fingerprint[:8]}-board", size=SIZE, label=label, dark=dark)


@st.cache_data(max_entries=64, show_spinner=False)
def _board(
    name: str, steps: tuple[int, ...], _data: Dataset, _moments: list[Moment], *, played: bool
) -> Board:
    """Return the board of some moments; kept, as the same steps of a run are the same board."""
    return board_of(_data, _moments, played=played)


def board_of(
    data: Dataset, moments: list[Moment], captions: list[str] | None = None, *, played: bool = True
) -> Board:
    """Return the board of moments, with what is said of each; by default, how good it is.

    Where nobody `played`, only the samples of each moment are drawn.
    """
    real = data.test[data.showcase()]
    low, high = window(real)
    parts = [moment.images.flatten(1).chunk(3) for moment in moments]
    made, bent, field = (torch.stack(kind) for kind in zip(*parts, strict=True))
    inside = lambda x: ((x - low) / (high - low)).numpy()  # noqa: E731
    told = captions or [caption(data, moment) for moment in moments]
    if not played:
        bent, field = bent[:, :0], field[:, :0]
    return Board(inside(real.flatten(1)), inside(made), inside(bent), field[:, :, 0].numpy(), told)


def caption(data: Dataset, moment: Moment) -> str:
    """Return how good the game is at a moment."""
    when = f"Step {moment.step:,}"
    counts = modes_met(data.name, moment.images)
    if counts is None:
        told = [
            f"{MERITS[name]} {moment.figures[name]:.3f}"
            for name in moment.figures
            if name in MERITS
        ]
        return f"{when}{': ' if told else ''}{', '.join(told)}."
    modes = len(MODES[data.name].centres)
    return (
        f"{when}: {counts.captured} of {modes} modes captured, {counts.high_quality:.0%} of high "
        f"quality, reverse KL {counts.reverse_kl:.2f} nats."
    )


def modes_met(dataset: str, preview: Data) -> ModeCount | None:
    """Return what a preview's samples meet of the modes; None where the data have none."""
    if dataset not in MODES:
        return None
    return count_modes(preview.flatten(1).chunk(3)[0].float(), *MODES[dataset])


def side_by_side(family: str, presets: tuple[str, ...]) -> None:
    """Draw presets of a family, three in a row."""
    for first in range(0, len(presets), 3):
        row = presets[first : first + 3]
        for column, name in zip(st.columns(3, gap="medium"), row, strict=False):
            with column:
                _small(family, name)


def _small(family: str, preset: str) -> None:
    spec = RunSpec.of_preset(family, preset)
    run = shelf.finished(spec)
    st.markdown(f"**{titled(preset)}**")
    st.caption(FAMILIES[family].presets[preset].note)
    if run is None:
        st.info("Not trained on this server yet.")
        return
    data = shelf.dataset(spec.dataset)
    steps = tuple(moment.step for moment in run.moments)
    board = _board(spec.fingerprint, steps, data, run.moments, played=True)
    dark = st.context.theme.type == "dark"
    game_board(board, f"{spec.fingerprint[:8]}-small", size=340, label=LABEL, dark=dark)
