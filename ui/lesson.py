"""The parts that every lesson has, in their order: theory, knobs, train, …, code, share."""

import inspect
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

import streamlit as st

from genlib.config import Config
from genlib.data import DATASETS
from genlib.export.plain_script import plain_script
from genlib.export.take_home import notebook, script, training_gif, zipped
from genlib.models import FAMILIES
from genlib.plots import architecture
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache, navigation
from ui.widgets.elements import copy_button


@contextmanager
def section(title: str, look_for: str) -> Iterator[None]:
    """Open a part of the lesson: its heading, and one line on what to look for."""
    st.space("medium")
    st.header(title, anchor=False)
    st.markdown(look_for)
    yield


def drawing(spec: RunSpec) -> None:
    """Draw the architecture with its sizes, from the config."""
    family = cache.untrained(spec)
    sizes = family.sizes()
    weights = sum(weight.numel() for weight in family.parameters())
    alt = "The layers: " + ", ".join(f"{name} {units}" for name, units in sizes)
    st.image(architecture(sizes, dark=st.context.theme.type == "dark"), width=640, alt=alt)
    st.caption(f"{'–'.join(str(units) for _, units in sizes)}: {weights:,} weights and biases.")


def theory(spec: RunSpec) -> None:
    """Draw the family's docstring: the first two sentences open, the mathematics on demand."""
    first, _, rest = FAMILIES[spec.family].theory.partition("\n\n")
    with section("Theory", first):
        drawing(spec)
        with st.expander("The mathematics"):
            st.markdown(rest)


def study_theory(module: ModuleType) -> None:
    """Draw a study's docstring in the same way."""
    first, _, rest = (inspect.getdoc(module) or "").partition("\n\n")
    with section("Theory", first), st.expander("The mathematics"):
        st.markdown(rest)


def code(spec: RunSpec, run: Run | None) -> None:
    """Show the code that ran, and offer the run to take home."""
    entry = FAMILIES[spec.family]
    family = entry.load()
    with section("Code", "This is the code that ran, read from the module itself."):
        loss, whole = st.tabs(["The loss", "The whole family"])
        written: Any = family.loss_code or family.updates
        loss.code(inspect.getsource(written), language="python")
        files = [inspect.getmodule(each) for each in (entry.config_type, family)]
        source = [f"# {file.__name__}\n\n{inspect.getsource(file)}" for file in files if file]
        whole.code("\n\n".join(source), language="python", height=480)
        _downloads(spec, run)
        with st.expander("This run as JSON"):
            st.code(json.dumps(spec.model_dump(mode="json"), indent=2), language="json")


def _downloads(spec: RunSpec, run: Run | None) -> None:
    """Offer the files of a run; each is made when it is asked for."""
    files: dict[str, tuple[str, Callable[[], str | bytes]]] = {
        "Script": ("py", lambda: script(spec)),
        "Notebook": ("ipynb", lambda: notebook(spec)),
        "Plain PyTorch": ("plain.py", lambda: plain_script(spec)),
    }
    if run is not None:
        files["Weights"] = "safetensors", lambda: run.to_files()["model.safetensors"]
        files["All in a zip"] = "zip", lambda: zipped(run)
        if DATASETS[spec.dataset].kind == "pictures":
            files["Training as GIF"] = "gif", lambda: training_gif(run)
    with st.container(horizontal=True):
        for label, (ending, make) in files.items():
            st.download_button(
                label,
                make,
                f"{spec.family}-{spec.fingerprint[:8]}.{ending}",
                on_click="ignore",
                icon=":material/download:",
                key=f"download-{ending}",
            )


def study_code(module: ModuleType, spec: Config | None) -> None:
    """Show the code of a study, and what was asked of it."""
    with section("Code", "This is the code that measures, read from the module itself."):
        st.code(inspect.getsource(module), language="python", height=480)
        if spec is None:
            return
        with st.expander("This study as JSON"):
            st.code(json.dumps(spec.model_dump(mode="json"), indent=2), language="json")


def share(page: str, task: Config | None) -> None:
    """Show the link that reopens the page in this state."""
    with section("Share", "Whoever opens this link sees this page with these very knobs."):
        link = share_link(page)
        with st.container(horizontal=True, vertical_alignment="center"):
            copy_button("Copy link", link, key="copy-link")
            st.code(link, language=None, wrap_lines=True)
        if isinstance(task, RunSpec) and cache.store().has_run(task.fingerprint):
            st.page_link(
                navigation.page("pretrained"),
                label="Publish this run to the Hugging Face Hub",
                icon=":material/cloud_upload:",
                query_params={"pretrained.run": task.fingerprint},
            )
        if task is not None:
            st.caption(f"Run {task.fingerprint[:12]}: the same configuration gives the same run.")


def share_link(family: str) -> str:
    """Return the address of this page with its knobs that are not at their defaults."""
    host = os.environ.get("SPACE_HOST", "").partition(",")[0]  # a domain of its own may follow
    here = urlsplit(st.context.url or "")
    root = f"https://{host}" if host else f"{here.scheme}://{here.netloc}"
    query = [
        (key, value)
        for key in st.query_params
        if key.startswith(f"{family}.")
        for value in st.query_params.get_all(key)  # of a choice of several
    ]
    return f"{root}/{family}" + (f"?{urlencode(query)}" if query else "")
