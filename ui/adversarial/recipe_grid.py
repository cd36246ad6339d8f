"""How often recipes collapse: one from many seeds, and every loss with every cure."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st

from genlib.data import MODES
from genlib.plots import scatters
from genlib.runs.spec import RunSpec
from genlib.studies import RecipeGrid, SeedSweep
from genlib.studies.recipe_grid import CURES, LOSSES
from genlib.studies.recipe_grid import grid as recipes_of
from genlib.studies.seed_sweep import Sweep, sweep
from ui import controls
from ui.runs.study_panel import study_panel

controls.record_views("seeds")

Files = Mapping[str, bytes]
COLUMNS, SIDE = 8, 144  # small boards of a row, and the pixels of each
NO_MODES = "These data have no modes to count: choose the ring, the grid or the blobs."


def seeds(specs: dict[str, RunSpec], family: str) -> None:
    """Draw what became of recipes from many seeds at once, or the button that plays them."""
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
    found, modes = sweep(files), len(MODES[study.start.dataset].centres)
    missed = found.collapsed(modes)
    st.caption(
        f"{missed:.0%} of {len(found.games)} games miss a mode; on average "
        f"{np.mean([game.captured for game in found.games]):.1f} of {modes} are captured, with "
        f"{np.mean([game.high_quality for game in found.games]):.0%} of the samples of high "
        f"quality. All games together took {found.seconds:.0f} s."
    )
    _boards(study.fingerprint, study.start.dataset, found)


@st.cache_data(max_entries=16, show_spinner=False)
def _boards(name: str, dataset: str, _found: Sweep) -> None:
    """Draw the samples of each game; blue are the modes."""
    picture = scatters(
        _found.samples.numpy(), MODES[dataset].centres.numpy(), columns=COLUMNS, side=SIDE
    )
    st.image(picture, output_format="PNG", width="stretch", alt="The samples of each game")


def grid(start: RunSpec) -> None:
    """Draw the modes that each loss keeps with each cure, or the button that measures it."""
    study = RecipeGrid(start=start)
    study_panel(study, f"Play {len(LOSSES) * len(CURES)} recipes", partial(_grid, study))


def _grid(study: RecipeGrid, files: Files) -> None:
    found = {(recipe.loss, recipe.cure): recipe for recipe in recipes_of(dict(files))}
    modes = len(MODES[study.start.dataset].centres)
    rows = []
    for cure in CURES:
        row: dict[str, str] = {"cure": cure}
        for loss in LOSSES:
            recipe = found.get((loss, cure))
            row[loss] = "…" if recipe is None else _cell(recipe.captured, modes)
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    st.caption(
        f"Modes captured of {modes}, the mean over {study.seeds} seeds; after it the share of "
        "games that miss one. A dash: one of the games at least diverged."
    )


def _cell(captured: list[int], modes: int) -> str:
    if not captured:
        return "—"
    missed = sum(count < modes for count in captured) / len(captured)
    return f"{np.mean(captured):.1f} · {missed:.0%}"
