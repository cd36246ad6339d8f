"""A run that somebody published: pulled by its name, and previewed here and now."""

import streamlit as st
import torch

from genlib.data import DATASETS, DatasetUnavailableError
from genlib.family import to_float, to_uint8
from genlib.hub import Pull
from genlib.models import FAMILIES
from genlib.plots import picture_grid
from genlib.rng import generator
from genlib.runs.run import Run
from ui import cache
from ui.controls import record_views
from ui.pretrained import pull
from ui.widgets.pictures import image

record_views("published", "published-repo")


def published() -> None:
    """Draw the preview of a published run, or the button that downloads it."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        entry = pull.chosen("run", "published")
        if entry is None:
            return
        pull.facts(entry)
    task = Pull.of(entry)
    with right:
        if not pull.here(task):
            pull.bring(entry)
            return
        run = pull.opened(task)
        if run is not None:
            st.markdown(f"**{run.spec.family}** on {DATASETS[run.spec.dataset].title}")
            _previews(run)


@torch.inference_mode()
def _previews(run: Run) -> None:
    """Draw test pictures, and the model's reconstructions or samples."""
    try:
        data = cache.dataset(run.spec.dataset)
    except DatasetUnavailableError as error:
        st.info(str(error))
        return
    shown = data.test[data.showcase()]
    previews = run.family.preview(to_float(shown), generator(0))
    if DATASETS[run.spec.dataset].kind != "pictures":
        st.caption("It makes points; open its lesson to see such a model at work.")
        return
    shows = FAMILIES[run.spec.family].shows
    rows = [shown, *to_uint8(previews).split(len(shown))]
    st.caption(f"Test pictures; under them: {', then '.join(shows)}.")
    alt = "Test pictures, and under them what the published model makes"
    image(picture_grid(torch.stack(rows).numpy(), 3), alt)
