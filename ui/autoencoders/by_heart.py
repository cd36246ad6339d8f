"""Whether a model that learned a few pictures by heart gives one of them for any other picture."""

import streamlit as st
import torch

from genlib.family import encoding, to_float
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache
from ui.cache import cached_figure

MEASURED = 1000  # test pictures


def recited(spec: RunSpec) -> None:
    """Say how many reconstructions are nearer to a training picture than to their original."""
    run = cache.finished(spec)
    if run is None or not run.spec.train.pictures:
        return
    count, share = _recited(run)
    st.markdown(
        f"Of the first {count:,} test pictures **{share:.0%}** come out nearer to one of the "
        f"{run.spec.train.pictures} training pictures than to themselves."
    )


@cached_figure
def _recited(run: Run) -> tuple[int, float]:
    data = cache.dataset(run.spec.dataset)
    x = to_float(data.test[:MEASURED])
    learned = to_float(data.train[: run.spec.train.pictures])
    return len(x), share_recited(encoding(run.family).reconstruct(x), x, learned)


def share_recited(x_hat: torch.Tensor, x: torch.Tensor, learned: torch.Tensor) -> float:
    """Return the share of reconstructions of x that are nearer to a learned picture than to x."""
    to_learned = torch.cdist(x_hat.flatten(1), learned.flatten(1)).amin(1)
    to_original = (x_hat - x).flatten(1).norm(dim=1)
    return float((to_learned < to_original).float().mean())
