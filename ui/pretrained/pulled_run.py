"""A run that somebody published: pulled by its name, and shown by what it makes here and now."""

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS, DatasetUnavailableError
from genlib.family import to_float, to_uint8
from genlib.models import FAMILIES
from genlib.plots import picture_grid, to_png
from genlib.runs.run import Run
from ui import cache
from ui.controls import record_views
from ui.pretrained import pull

record_views("published", "published-repo")


def published() -> None:
    """Let the student bring a published run here, and draw what it makes."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        entry = pull.chosen("run", "published")
        if entry is None:
            return
        pull.facts(entry)
    task = pull.pull_of(entry)
    with right:
        if task is None or not pull.here(task):
            pull.bring(entry)
            return
        run = pull.opened(task)
        if run is not None:
            st.markdown(f"**{run.spec.family}** on {DATASETS[run.spec.dataset].title}")
            _previews(run)


@torch.inference_mode()
def _previews(run: Run) -> None:
    """Draw test pictures, and what the model makes: of them, or from noise alone."""
    try:
        data = cache.dataset(run.spec.dataset)
    except DatasetUnavailableError as error:
        st.info(str(error))
        return
    shown = data.test[data.showcase()]
    previews = run.family.preview(to_float(shown), torch.Generator().manual_seed(0))
    if DATASETS[run.spec.dataset].kind != "pictures":
        st.caption("It makes points; open its lesson to see such a model at work.")
        return
    shows = FAMILIES[run.spec.family].shows
    rows = [shown, *to_uint8(previews).split(len(shown))]
    st.caption(f"Test pictures; under them: {', then '.join(shows)}.")
    st.image(
        to_png(picture_grid(np.stack([row.numpy() for row in rows]), 3)),
        output_format="PNG",
        width="stretch",
        alt="Test pictures, and under them what the published model makes",
    )
