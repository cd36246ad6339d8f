"""What a model of points in the plane makes: a board to play and to scrub."""

import streamlit as st
import torch

from genlib.data import MODES, Dataset
from genlib.family import METRIC_TITLES, Data, Discriminates
from genlib.metrics import ModeCount, count_modes
from genlib.models import FAMILIES
from genlib.models.gan2d.model import window
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot
from ui.widgets.plane_board import Board, game_board

SIZE = 560  # CSS pixels of a board
LABEL = "The plane of the game: real points, generated points, and what the discriminator says."


def draw(spec: RunSpec, data: Dataset, snapshots: list[Snapshot]) -> None:
    """Draw all moments of a game, to be played and scrubbed."""
    steps = tuple(snapshot.step for snapshot in snapshots)
    played = issubclass(FAMILIES[spec.family], Discriminates)
    board = board_at(spec.fingerprint, steps, data, snapshots, played=played)
    dark = st.context.theme.type == "dark"
    label = LABEL if played else "The plane: points of the data, and generated ones."
    game_board(board, f"{spec.fingerprint[:8]}-board", size=SIZE, label=label, dark=dark)


@st.cache_data(max_entries=64, show_spinner=False)
def board_at(
    name: str, steps: tuple[int, ...], _data: Dataset, _snapshots: list[Snapshot], *, played: bool
) -> Board:
    """Return the board of some moments; kept, as the same steps of a run are the same board."""
    return board_of(_data, _snapshots, played=played)


def board_of(
    data: Dataset,
    snapshots: list[Snapshot],
    captions: list[str] | None = None,
    *,
    played: bool = True,
) -> Board:
    """Return the board of moments, with what is said of each; by default, how good it is.

    Where nobody `played`, only the samples of each moment are drawn.
    """
    real = data.test[data.showcase()]
    low, high = window(real)
    parts = [snapshot.images.flatten(1).chunk(3) for snapshot in snapshots]
    made, bent, field = (torch.stack(kind) for kind in zip(*parts, strict=True))
    inside = lambda x: ((x - low) / (high - low)).numpy()  # noqa: E731
    told = captions or [caption(data, snapshot) for snapshot in snapshots]
    if not played:
        bent, field = bent[:, :0], field[:, :0]
    return Board(inside(real.flatten(1)), inside(made), inside(bent), field[:, :, 0].numpy(), told)


def caption(data: Dataset, snapshot: Snapshot) -> str:
    """Return how good the game is at a moment."""
    when = f"Step {snapshot.step:,}"
    counts = modes_met(data.name, snapshot.images)
    if counts is None:
        told = [
            f"{METRIC_TITLES[name]} {snapshot.figures[name]:.3f}"
            for name in snapshot.figures
            if name in METRIC_TITLES
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
