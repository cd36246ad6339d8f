"""Previews of a model of points in the plane: a board to play and to scrub, with its modes."""

import numpy as np
import torch

from genlib.adversarial.config import AdversarialConfig
from genlib.adversarial.objectives import OBJECTIVES
from genlib.data.dataset import Dataset
from genlib.data.points import MODES
from genlib.family import Data
from genlib.metrics import ModeCount, count_modes
from genlib.models import FAMILIES
from genlib.models.gan2d.model import window
from genlib.runs.spec import RunSpec
from genlib.studies.verdict import NEAR_A_MODE
from genlib.training.events import Snapshot
from ui.cache import cached_figure
from ui.widgets.elements import is_dark
from ui.widgets.plane_board import Board, game_board

SIZE = 560  # CSS pixels of a board
LABEL = "The plane of the game: real points, generated points, and what the discriminator says."


def draw(spec: RunSpec, data: Dataset, snapshots: list[Snapshot]) -> None:
    """Draw all snapshots of a model of the plane, to be played and scrubbed."""
    entry = FAMILIES[spec.family]
    discriminates = "discriminates" in entry.abilities
    recipe = f" {entry.shows[0].capitalize()}." if "diffuses" in entry.abilities else ""
    board = board_of(
        data,
        snapshots,
        [f"{caption(data, snapshot)}{recipe}" for snapshot in snapshots],
        discriminates=discriminates,
        probability=gives_probability(spec),
    )
    label = LABEL if discriminates else "The plane: points of the data, and generated ones."
    key = f"{spec.fingerprint[:8]}-board"
    game_board(board, key, size=SIZE, label=label, dark=is_dark())


@cached_figure
def board_of(
    data: Dataset,
    snapshots: list[Snapshot],
    captions: list[str] | None = None,
    *,
    discriminates: bool = True,
    probability: bool = False,
) -> Board:
    """Return the board of snapshots with their captions; by default, their mode coverage.

    Without a discriminator, only the samples of each snapshot are on it.

    Args:
        data: the real points.
        snapshots: previews of a model.
        captions: of each snapshot.
        discriminates: whether the model has a discriminator.
        probability: whether that one's output is a probability, not a score.
    """
    real = data.test[data.showcase()]
    low, high = window(real)
    parts = [snapshot.images.flatten(1).chunk(3) for snapshot in snapshots]
    generated, grid, field = (torch.stack(kind) for kind in zip(*parts, strict=True))

    def inside(x: torch.Tensor) -> np.ndarray:
        places: np.ndarray = ((x - low) / (high - low)).numpy()
        return places

    captions = captions or [caption(data, snapshot) for snapshot in snapshots]
    if not discriminates:
        grid = grid[:, :0]
        field = field[:, :0]
    return Board(
        inside(real.flatten(1)),
        inside(generated),
        inside(grid),
        field[:, :, 0].numpy(),
        captions,
        probability,
    )


def gives_probability(spec: RunSpec) -> bool:
    """Return whether D's output is the probability that a point is real, by the loss."""
    rules = spec.model
    return isinstance(rules, AdversarialConfig) and OBJECTIVES[rules.loss].probability


def caption(data: Dataset, snapshot: Snapshot) -> str:
    """Return a snapshot's step, mode coverage and reverse KL, or its figures of merit."""
    step = f"Step {snapshot.step:,}"
    counts = captured_modes(data.name, snapshot.images)
    if counts is None:
        titles = {entry.primary_metric: entry.metric_title for entry in FAMILIES.values()}
        figures = [
            f"{titles[name]} {value:.3f}"
            for name, value in snapshot.figures.items()
            if name in titles
        ]
        return f"{step}{': ' if figures else ''}{', '.join(figures)}."
    modes = len(MODES[data.name].centres)
    share = f"{counts.high_quality:.0%} of high quality"
    quality = f"{counts.captured} of {modes} modes captured, {share}"
    if counts.high_quality < NEAR_A_MODE:  # then most points belong to no mode at all
        return f"{step}: {quality}."
    return f"{step}: {quality}, reverse KL {counts.reverse_kl:.2f} nats."


def captured_modes(dataset: str, preview: Data) -> ModeCount | None:
    """Return the mode coverage of a preview's samples; None where the data have no modes."""
    if dataset not in MODES:
        return None
    return count_modes(preview.flatten(1).chunk(3)[0].float(), *MODES[dataset])
