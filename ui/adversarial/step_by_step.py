"""GAN training step by step: a move of one player at a time, and a step in slow motion.

What was pressed stands in the address, a letter for each move, so that a link holds the very
same game; its state follows from the letters alone.
"""

import re

import streamlit as st

from genlib.models.gan2d.config import GAN2DConfig
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot, State
from genlib.training.stepwise import StepwiseGame
from ui import cache
from ui.cache import cached_figure
from ui.controls import bound, one_of, record_views, view_key
from ui.links import YES_OR_NO
from ui.runs import plane_preview
from ui.widgets.elements import is_dark
from ui.widgets.plane_board import game_board

record_views("hand", "slow", "moves")

MOST = 400  # moves of a game by hand
PICTURES = MOST * 128  # that all its moves may take: larger batches get fewer moves
STRIDE = 20  # moves between two states that are cached
STARTS = ("before training", "as trained")
BUTTONS = {
    "D": ("Step D", "The discriminator learns from one batch; the generator waits."),
    "G": ("Step G", "The generator learns; the discriminator waits."),
    "B": ("Step both", "One step of training: phase 1, then phase 2."),
    "B" * 20: ("Both × 20", "Twenty steps of training."),
}


@st.fragment
def by_hand(spec: RunSpec, run: Run | None) -> None:
    """Draw the board of a game whose players the student moves, or every part of a step.

    The weights of a run of other settings are not offered.
    """
    family = spec.family
    run = run if run is not None and run.spec == spec else None
    most = _most(spec)
    if not most:
        st.info("This game is too large to be played by hand: take a smaller batch.")
        return
    left, right = st.columns([1, 2], gap="large")
    with left:
        start = st.segmented_control(
            "Begin with the weights",
            default=STARTS[0],
            required=True,
            disabled=run is None,
            help="Those of before the first step, or of the trained game above.",
            **one_of(family, "hand", STARTS),
        )
        moves = _asked(family)[:most]
        _buttons(family, moves, most)
        slow = st.toggle(
            "Show the next step in slow motion",
            help="Every part of both phases, one after the other; it is not counted as a move.",
            **bound(view_key(family, "slow"), YES_OR_NO),
        )
        st.caption(_counts(moves, most))
    trained = run if start == STARTS[1] else None
    with right:
        _board(spec, moves, trained, slow=slow)


def _asked(family: str) -> str:
    """Return the moves that the address holds; what is no move there is left out."""
    return re.sub("[^DGB]", "", st.query_params.get(view_key(family, "moves"), ""))[:MOST]


def _most(spec: RunSpec) -> int:
    """Return the most moves of a game, which the web process itself plays."""
    rules = spec.model_as(GAN2DConfig)
    batch = spec.train.batch_size
    each = batch * (rules.critic_steps + rules.generator_steps)
    if rules.minibatch_discrimination:  # compares each with each
        each *= max(1, batch // 64)
    return min(MOST, PICTURES // each)


def _buttons(family: str, moves: str, most: int) -> None:
    with st.container(horizontal=True, gap="small"):
        for letters, (label, tip) in BUTTONS.items():
            full = len(moves) + len(letters) > most
            if st.button(label, key=f"{family}-hand-{letters[:2]}", help=tip, disabled=full):
                _go_to(family, moves + letters)
        with_moves = bool(moves)
        if st.button("Back", key=f"{family}-hand-back", disabled=not with_moves):
            _go_to(family, moves[:-1])
        if st.button("Anew", key=f"{family}-hand-anew", disabled=not with_moves):
            _go_to(family, "")


def _go_to(family: str, moves: str) -> None:
    st.query_params[view_key(family, "moves")] = moves
    st.rerun(scope="fragment")


def _counts(moves: str, most: int) -> str:
    """Return how often each player has moved."""
    both, d, g = (moves.count(letter) for letter in "BDG")
    return f"D has moved {both + d} times, G {both + g} times. At most {most} moves."


def _board(spec: RunSpec, moves: str, trained: Run | None, *, slow: bool) -> None:
    snapshots, captions = (_slow_motion if slow else _last_move)(spec, trained, moves)
    game_board(
        plane_preview.board_of(
            cache.dataset(spec.dataset),
            snapshots,
            captions,
            probability=plane_preview.gives_probability(spec),
        ),
        f"{spec.family}-by-hand",
        size=plane_preview.SIZE,
        label=plane_preview.LABEL,
        dark=is_dark(),
    )


@cached_figure
def _state(spec: RunSpec, trained: Run | None, moves: str) -> State:
    """Return the state of a game after a multiple of STRIDE moves."""
    return _played(spec, trained, moves).training.state()


def _played(spec: RunSpec, trained: Run | None, moves: str) -> StepwiseGame:
    """Return a game after moves; only those after the last multiple of STRIDE are played anew."""
    family = trained.family if trained is not None else spec.build()
    game = StepwiseGame(family, cache.dataset(spec.dataset), spec.train)
    start = max(0, len(moves) - 1) // STRIDE * STRIDE
    if start:
        game.training.restore(_state(spec, trained, moves[:start]))
    for letter in moves[start:]:
        game.move(letter)
    return game


@cached_figure
def _last_move(spec: RunSpec, trained: Run | None, moves: str) -> tuple[list[Snapshot], list[str]]:
    """Return the preview after moves, with the losses of the last one."""
    game = _played(spec, trained, moves)
    caption = "No move yet."
    if moves:
        losses = ", ".join(f"{key} {value:.3f}" for key, value in game.losses().items())
        caption = f"Losses of the last move: {losses}."
    return [Snapshot(len(moves), {}, game.preview())], [caption]


@cached_figure
def _slow_motion(
    spec: RunSpec, trained: Run | None, moves: str
) -> tuple[list[Snapshot], list[str]]:
    """Return the previews within the step after moves, with what each part of it does."""
    parts = _played(spec, trained, moves).slow_motion()
    snapshots = [Snapshot(number, {}, shown) for number, (_, shown) in enumerate(parts)]
    return snapshots, [caption for caption, _ in parts]
