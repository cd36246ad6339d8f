"""How GAN recipes end: modes captured over many seeds, and by loss and cure."""

from collections import Counter
from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.data.points import MODES
from genlib.metrics import ModeCount
from genlib.plots import scatters
from genlib.runs.spec import RunSpec
from genlib.studies.recipe_grid import CURES, LOSSES, Recipe, RecipeGrid
from genlib.studies.recipe_grid import grid as recipes_of
from genlib.studies.seed_sweep import SeedSweep, Sweep, samples_of, sweep
from genlib.studies.verdict import PLANE_TITLES, plane_verdict
from ui import controls
from ui.cache import cached_figure
from ui.runs.study_panel import study_panel

controls.record_views("seeds")

Files = Mapping[str, bytes]
COLUMNS = 8  # small boards of a row
SIDE = 144  # pixels of each
NO_MODES = "These data have no modes to count: choose the ring, the grid or the blobs."


def seeds(specs: dict[str, RunSpec], family: str) -> None:
    """Draw the mode collapse of recipes over many seeds, or the button that trains them."""
    field = SeedSweep.model_fields["seeds"]
    count = controls.widget(family, "seeds", field, field.default)
    seen = set[str]()
    for title, spec in specs.items():
        if spec.fingerprint in seen:
            continue
        seen.add(spec.fingerprint)
        st.markdown(f"**{title}**")
        if spec.dataset not in MODES:
            st.info(NO_MODES)
            continue
        study = SeedSweep(start=spec, seeds=count)
        study_panel(study, f"Play {count} games at once", partial(_seeds, study))


def _seeds(study: SeedSweep, files: Files) -> None:
    if "games.json" not in files:
        return
    result = sweep(dict(files))
    centers = MODES[study.start.dataset].centres
    captured = np.mean([game.captured for game in result.games])
    high_quality = np.mean([game.high_quality for game in result.games])
    st.caption(
        f"{_endings(result, len(centers))}. On average {captured:.1f} of {len(centers)} modes are "
        f"captured, and {high_quality:.0%} of the points lie near a mode. All games together took "
        f"{result.seconds:.0f} s."
    )
    _boards(samples_of(dict(files)), centers)


def _endings(result: Sweep, modes: int) -> str:
    """Return how many games ended in which way, the most frequent one first."""
    counts = Counter(
        plane_verdict(ModeCount(**game.model_dump()), modes).state for game in result.games
    )
    endings = ", ".join(
        f"{count} {PLANE_TITLES[state].lower()}" for state, count in counts.most_common()
    )
    return f"Of {len(result.games)} games: {endings}"


@cached_figure
def _boards(samples: torch.Tensor, centers: torch.Tensor) -> None:
    """Draw the samples of each game; blue are the modes."""
    picture = scatters(samples.numpy(), centers.numpy(), columns=COLUMNS, side=SIDE)
    st.image(picture, output_format="PNG", width="stretch", alt="The samples of each game")


def grid(start: RunSpec) -> None:
    """Draw the mode coverage of each loss with each cure, or the button that measures it."""
    study = RecipeGrid(start=start)
    study_panel(study, f"Play {len(LOSSES) * len(CURES)} recipes", partial(_grid, study))


def _grid(study: RecipeGrid, files: Files) -> None:
    recipes = {(recipe.loss, recipe.cure): recipe for recipe in recipes_of(dict(files))}
    modes = len(MODES[study.start.dataset].centres)
    rows = []
    for cure in CURES:
        row: dict[str, str] = {"cure": cure}
        for loss in LOSSES:
            recipe = recipes.get((loss, cure))
            row[loss] = "…" if recipe is None else _cell(recipe, modes)
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    st.caption(
        f"Modes captured of {modes}, the mean over {study.seeds} seeds; then the share of games "
        "that miss one; then the share of points near a mode. Where that share is near 0 the "
        "games diverged, and did not collapse. A dash: the numbers of one of them overflowed."
    )


def _cell(recipe: Recipe, modes: int) -> str:
    captured = recipe.captured
    if not captured:
        return "—"
    missing = sum(count < modes for count in captured) / len(captured)
    return f"{np.mean(captured):.1f} · {missing:.0%} · {recipe.high_quality:.0%}"
