"""The parts that every lesson has: its sections, theory, code and downloads, the link."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import streamlit as st

from genlib.config import Config
from genlib.data import DATASETS
from genlib.device import available
from genlib.export.notebook import notebook, script
from genlib.export.plain_script import plain_script
from genlib.export.source import source_of
from genlib.export.take_home import training_gif, zipped
from genlib.models import FAMILIES
from genlib.plots import architecture
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache, navigation
from ui.widgets.elements import is_dark, share_link

FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


@contextmanager
def section(title: str, look_for: str) -> Iterator[None]:
    """Open a part of the lesson: its heading, and one line on what to look for."""
    st.space("medium")
    st.header(title, anchor=False)
    st.markdown(look_for)
    yield


def _architecture(spec: RunSpec) -> None:
    """Draw the network's layers with their sizes, and the number of its parameters."""
    family = cache.untrained(spec)
    sizes = family.sizes()
    weights = sum(weight.numel() for weight in family.parameters())
    alt = "The layers: " + ", ".join(f"{name} {units}" for name, units in sizes)
    st.image(architecture(sizes, dark=is_dark()), width=640, alt=alt)
    st.caption(f"{'–'.join(str(units) for _, units in sizes)}: {weights:,} weights and biases.")


def theory(spec: RunSpec) -> None:
    """Draw a family's theory: its first paragraph open, the mathematics on demand."""
    first, _, rest = FAMILIES[spec.family].theory.partition("\n\n")
    with section("Theory", first):
        _architecture(spec)
        with st.expander("The mathematics"):
            st.markdown(displayed(rest))


def study_theory(source: type | ModuleType) -> None:
    """Draw the theory of a study, the docstring of its module, in the same way."""
    first, _, rest = (inspect.getdoc(inspect.getmodule(source)) or "").partition("\n\n")
    with section("Theory", first), st.expander("The mathematics"):
        st.markdown(displayed(rest))


def displayed(text: str) -> str:
    """Return Markdown with each display formula between lines of two dollars, as it must stand."""
    return FORMULA.sub(lambda match: f"\n$$\n{match[1].strip()}\n$$\n", text)


def code(spec: RunSpec, run: Run | None) -> None:
    """Show the source of the loss and of the family; offer scripts, and a finished run's files."""
    entry = FAMILIES[spec.family]
    family = entry.load()
    with section("Code", "This is the code that ran, read from the module itself."):
        loss, whole = st.tabs(["The loss", "The whole family"])
        loss_code: Any = family.loss_code or family.updates
        loss.code(source_of(loss_code), language="python")
        modules = [inspect.getmodule(part) for part in (entry.config_type, family)]
        sources = [f"# {each.__name__}\n\n{source_of(each)}" for each in modules if each]
        whole.code("\n\n".join(sources), language="python", height=480)
        _downloads(spec, run)
        with st.expander("This run as JSON"):
            st.code(json.dumps(spec.model_dump(mode="json"), indent=2), language="json")


def _downloads(spec: RunSpec, run: Run | None) -> None:
    """Draw the download buttons; each file is written when it is asked for."""
    name = f"{spec.family}_{spec.fingerprint[:8]}"  # a module can be called that
    files: dict[str, tuple[str, Callable[[], str | bytes]]] = {
        "Script": (f"train_{name}.py", lambda: script(spec)),
        "Notebook": (f"train_{name}.ipynb", lambda: notebook(spec)),
        "Plain PyTorch": (f"{name}.py", lambda: plain_script(spec, name, name)),
    }
    if run is not None and run.spec == spec:
        files["Weights"] = f"{name}.safetensors", lambda: run.to_files()["model.safetensors"]
        files["All in a zip"] = f"{name}.zip", lambda: zipped(run)
        if DATASETS[spec.dataset].kind == "pictures":
            files["Training as GIF"] = f"{name}.gif", lambda: training_gif(run)
    with st.container(horizontal=True):
        for label, (file, content) in files.items():
            st.download_button(
                label,
                content,
                file,
                on_click="ignore",
                icon=":material/download:",
                key=f"download-{label}",
            )


def study_code(source: type | ModuleType, study: Config | None) -> None:
    """Show the source of the module that measures, and the study as JSON."""
    with section("Code", "This is the code that measures, read from the module itself."):
        module = inspect.getmodule(source)
        st.code(source_of(module) if module else "", language="python", height=480)
        if study is None:
            return
        with st.expander("This study as JSON"):
            st.code(json.dumps(study.model_dump(mode="json"), indent=2), language="json")


def share(page: str, task: Config | None) -> None:
    """Draw the share link of the page, and where a finished run can be published."""
    with section("Share", "Whoever opens this link sees this page with these very knobs."):
        share_link(page)
        if isinstance(task, RunSpec) and cache.store().has_run(task.fingerprint):
            st.page_link(
                navigation.page("pretrained"),
                label="Publish this run to the Hugging Face Hub",
                icon=":material/cloud_upload:",
                query_params={"pretrained.run": task.fingerprint},
            )
        if task is not None:
            st.caption(f"Run {task.fingerprint[:12]}: {_repeatable(task)}")


def _repeatable(task: Config) -> str:
    """Return how near to the run that is shown a second training would come."""
    run = cache.finished(task) if isinstance(task, RunSpec) else None
    if run is None:
        return "the same configuration is always this run."
    if run.provenance.same_bits(available()[0]):
        return "trained anew on this machine, it gives the same weights, bit for bit."
    return (
        "trained anew on this machine, the same recipe may round otherwise: very much alike, "
        "not the same bits."
    )
