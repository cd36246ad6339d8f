"""What pages take off the shelf: data sets, finished runs, the store and the queue.

Everything here is cached for all sessions, and only ever a speed-up.
"""

from dataclasses import dataclass

import streamlit as st
import torch

from genlib.config import Settings
from genlib.data import Dataset, DatasetName, load
from genlib.family import Encodes, Family, to_float, to_uint8
from genlib.jobs import Jobs
from genlib.models import FAMILIES
from genlib.runs import Run, RunSpec, open_store
from genlib.store import Store


@dataclass(frozen=True)
class Shelf:
    """The store and the queue of this server."""

    store: Store
    jobs: Jobs


@st.cache_resource(max_entries=1)
def shelf() -> Shelf:
    """Return the store and the queue."""
    settings = Settings()
    return Shelf(open_store(settings), Jobs(settings))


@st.cache_resource(max_entries=3)
def dataset(name: DatasetName) -> Dataset:
    """Return a data set on the CPU.

    Raises:
        DatasetUnavailableError: it is not here.
    """
    return load(name)


def finished(spec: RunSpec) -> Run | None:
    """Return a finished run, read and verified, or None where there is none that is whole."""
    name = spec.fingerprint
    if not shelf().store.has_run(name):
        return None
    run = _read(name)
    if run is None:
        _read.clear(name)
    return run


@st.cache_resource(max_entries=32)
def _read(name: str) -> Run | None:
    files = shelf().store.read_run(name)
    return None if files is None else Run.from_files(files)


@st.cache_resource(max_entries=32)
def untrained(name: str, _spec: RunSpec) -> Family:
    """Return the family before its first step, the same as the run begins with."""
    return _spec.build().eval().requires_grad_(requires_grad=False)


def warm_up() -> None:
    """Load what the first lesson shows, so that its first visitor need not wait."""
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    for family, kind in FAMILIES.items():
        spec = RunSpec.of_preset(family, next(iter(kind.presets)), "fashion_mnist")
        files = open_store(Settings()).read_run(spec.fingerprint)
        if files is not None:
            run = Run.from_files(files)
            data = load(spec.dataset)
            rng = torch.Generator().manual_seed(0)
            with torch.no_grad():
                to_uint8(run.family.preview(to_float(data.test[:10]), rng))


@st.cache_resource(max_entries=32)
def coding_spread(name: str, _run: Run) -> torch.Tensor:
    """Return the standard deviation of each coding over the test pictures."""
    if not isinstance(_run.family, Encodes):
        raise TypeError(f"run {name[:12]} has no codings")
    return _run.family.encode(to_float(dataset(_run.spec.dataset).test)).std(0)
