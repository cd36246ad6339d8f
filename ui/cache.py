"""What pages keep between reruns: data sets, finished runs, the store and the queue.

Everything here is cached for all sessions, and only ever a speed-up.
"""

import json
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import streamlit as st
import torch

from genlib import device as devices
from genlib.classifier import Classifier, ClassifierSpec
from genlib.data import DatasetName
from genlib.data.dataset import Dataset, load
from genlib.family import Family, to_float, to_uint8
from genlib.jobs import Jobs
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store, open_store
from genlib.settings import Settings
from genlib.studies.code_map import codings_of
from genlib.studies.starts import ShippedStudy
from genlib.studies.summary import RunSummary, Summary
from genlib.tasks.durations import Durations
from genlib.tasks.task import Study, Task
from genlib.training.events import Snapshot

FINGERPRINT = re.compile("[0-9a-f]{64}")
P = ParamSpec("P")
R = TypeVar("R")
IDENTITIES: dict[str | type, Callable[[Any], object]] = {  # what a cache knows an argument by
    Run: lambda run: run.spec.fingerprint,
    Dataset: lambda data: data.name,
    Snapshot: lambda snapshot: (snapshot.step, snapshot.figures, snapshot.images),
    Classifier: lambda classifier: classifier.head.weight.numpy(),
    torch.Tensor: lambda x: x.numpy(),
}


def cached_figure(draw: Callable[P, R]) -> Callable[P, R]:
    """Return a figure that is computed once for each run and its knobs, for all visitors.

    What it draws is drawn again, what it returns is a copy. Of a run counts the fingerprint.
    """
    return st.cache_data(max_entries=64, show_spinner=False, hash_funcs=IDENTITIES)(draw)


def cached_object(build: Callable[P, R]) -> Callable[P, R]:
    """Return what is built once for each run and its knobs and shared, not copied, by all."""
    return st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=IDENTITIES)(build)


@st.cache_resource(max_entries=1)
def store() -> Store:
    """Return the store of this server."""
    return open_store(Settings())


@st.cache_resource(max_entries=1)
def jobs() -> Jobs:
    """Return the queue of this server."""
    return Jobs(Settings())


@st.cache_resource(max_entries=16)
def dataset(name: DatasetName) -> Dataset:
    """Return a data set on the CPU.

    Raises:
        DatasetUnavailableError: it is not here.
    """
    return load(name)


def finished(spec: RunSpec) -> Run | None:
    """Return a finished run, read and verified, or None where there is none that is whole."""
    name = spec.fingerprint
    if not store().has_run(name):
        return None
    run: Run | None = _read(name)
    if run is None:
        _read.clear(name)
    return run


def summary(spec: RunSpec) -> RunSummary | None:
    """Return the summary of a run: of the finished one, or the shipped summary, or None."""
    run = finished(spec)
    if run is not None:
        return RunSummary.of_run(run)
    study = Summary(start=spec)
    files = measured(study)
    return None if files is None else study.read(files)


def spec_of(name: str) -> RunSpec | None:
    """Return what a finished run was asked for; None for a study or what cannot be read.

    The name may come from a link: what is no fingerprint never reaches the store's folders.
    """
    there = FINGERPRINT.fullmatch(name) and store().has_run(name)
    return _spec(name) if there else None


@st.cache_data(max_entries=1024)
def _spec(name: str) -> RunSpec | None:
    document = store().read_file(name, "config.json")
    if document is None:
        return None
    try:
        return RunSpec.model_validate(json.loads(document)["spec"])
    except ValueError:
        return None


@st.cache_resource(max_entries=32)
def _read(name: str) -> Run | None:
    files = store().read_run(name)
    return None if files is None else Run.from_files(files)


def measured(study: Study) -> dict[str, bytes] | None:
    """Return a finished study's files, verified, or None where it is not there or not whole."""
    name = study.fingerprint
    return store().read_run(name) if store().has_run(name) else None


def measured_or_shipped(study: ShippedStudy) -> ShippedStudy:
    """Return the study, or as version 1 shipped it where only that was measured."""
    shipped = study.as_shipped()
    measured = store().has_run(study.fingerprint) or not store().has_run(shipped.fingerprint)
    return study if measured else shipped


def seconds(task: Task) -> float:
    """Return about how many seconds a task would take here; 0 where nobody knows."""
    return Durations(store()).here(task, devices.name(devices.available()[0])) or 0.0


def classifier(name: DatasetName) -> Classifier | None:
    """Return the classifier of a data set, or None where none was trained yet."""
    spec = ClassifierSpec(dataset=name)
    return _classifier(spec) if store().has_run(spec.fingerprint) else None


@cached_object
def _classifier(spec: ClassifierSpec) -> Classifier | None:
    files = store().read_run(spec.fingerprint)
    return None if files is None else spec.read(files, torch.device("cpu"))


@cached_object
def untrained(spec: RunSpec) -> Family:
    """Return the family before its first step, the same as the run begins with."""
    return spec.build().eval().requires_grad_(requires_grad=False)


def warm_up() -> None:
    """Load what a first lesson shows, so that its first visitor need not wait."""
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    spec = RunSpec.of_preset("stacked")
    files = open_store(Settings()).read_run(spec.fingerprint)
    if files is not None:
        run = Run.from_files(files)
        data = load(spec.dataset)
        rng = torch.Generator().manual_seed(0)
        with torch.no_grad():
            to_uint8(run.family.preview(to_float(data.test[:10]), rng))


@cached_object
def codings(run: Run) -> torch.Tensor:
    """Return the codings of all test pictures."""
    return codings_of(run, len(dataset(run.spec.dataset).test))


def coding_spread(run: Run) -> torch.Tensor:
    """Return the standard deviation of each coding over the test pictures."""
    return codings(run).std(0)
