"""The parts of a lesson: its figures, its theory and code, and what to take home."""

import inspect
import json
import re
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import streamlit as st

from genlib.config import Config
from genlib.data import DATASETS
from genlib.device import available
from genlib.export.notebook import notebook, script
from genlib.export.plain_script import plain_script
from genlib.export.source import source_of
from genlib.export.tables import coding_table, curve_table
from genlib.export.take_home import training_gif, zipped
from genlib.models import FAMILIES
from genlib.plots import architecture
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from ui import cache, navigation
from ui.controls import bound, one_of, record_views, view_key
from ui.links import Names
from ui.widgets.elements import is_dark

FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
PARTS = {
    "Look inside": "inside",
    "Break it": "broken",
    "How it works": "works",
    "Take home": "home",
}
record_views("part", *PARTS.values())


class Figure(NamedTuple):
    """A figure of a lesson.

    Attributes:
        title: its name, also in links, so it never changes.
        look_for: one line on what to look for.
        draw: draws it.
    """

    title: str
    look_for: str
    draw: Callable[[], None]


def parts(
    spec: RunSpec, run: Run | None, inside: Sequence[Figure], broken: Sequence[Figure] = ()
) -> None:
    """Draw the parts of a family's lesson below its stage.

    Args:
        spec: the run that the knobs ask for.
        run: the one that the figures are of, if there is one.
        inside: the figures of "Look inside".
        broken: those of "Break it".
    """
    home = Figure(
        "Take home",
        "The script and the notebook train this run again with genlib; the plain script needs "
        "PyTorch alone.",
        lambda: _take_home(spec, run),
    )
    works = [_theory(spec), _code(spec)]
    _draw(spec.family, spec, dict(zip(PARTS, (inside, broken, works, [home]), strict=True)))


def study_parts(
    page: str,
    source: type | ModuleType,
    study: Config | None,
    inside: Sequence[Figure],
    broken: Sequence[Figure] = (),
) -> None:
    """Draw the parts of the lesson of a study in the same way.

    Args:
        page: the name of its page.
        source: what is measured, or by what: its module's docstring is the theory.
        study: the one that the page shows, if it is chosen yet.
        inside: the figures of "Look inside".
        broken: those of "Break it".
    """
    module = inspect.getmodule(source)
    first, _, rest = (inspect.getdoc(module) or "").partition("\n\n")
    look_for = "This is the code that measures, read from the module itself."
    works = [
        Figure("Theory", first, lambda: _mathematics(rest)),
        Figure("Code", look_for, lambda: _source(source_of(module) if module else "")),
    ]
    home = [] if study is None else [Figure("This study as JSON", "", lambda: _json(study))]
    _draw(page, study, dict(zip(PARTS, (inside, broken, works, home), strict=True)))


def _draw(page: str, task: Config | None, parts: dict[str, Sequence[Figure]]) -> None:
    """Draw the parts that have figures: one is open, and in it one figure, as the link says.

    Nothing else is computed.
    """
    there = {part: figures for part, figures in parts.items() if figures}
    link = bound(view_key(page, "part"), Names.of(there))
    tabs = st.tabs(list(there), on_change="rerun", **link)
    for tab, (part, figures) in zip(tabs, there.items(), strict=True):
        if tab.open:
            with tab:
                _figure(page, PARTS[part], figures)
    if task is not None:
        st.caption(f"Run {task.fingerprint[:12]}: {_repeatable(task)}")


def _figure(page: str, name: str, figures: Sequence[Figure]) -> None:
    """Draw the figure of a part that is chosen, and the choice where there are several."""
    titled = {figure.title: figure for figure in figures}
    title = figures[0].title
    if len(figures) > 1:
        chosen = st.pills(
            "Figure",
            default=title,
            required=True,
            label_visibility="collapsed",
            **one_of(page, name, list(titled)),
        )
        title = chosen or title
    else:
        st.subheader(title, anchor=False)
    st.markdown(titled[title].look_for)
    titled[title].draw()


def _architecture(spec: RunSpec) -> None:
    """Draw the network's layers with their sizes, and the number of its parameters."""
    family = cache.untrained(spec)
    sizes = family.sizes()
    weights = sum(weight.numel() for weight in family.parameters())
    alt = "The layers: " + ", ".join(f"{name} {units}" for name, units in sizes)
    st.image(architecture(sizes, dark=is_dark()), width=640, alt=alt)
    st.caption(f"{'–'.join(str(units) for _, units in sizes)}: {weights:,} weights and biases.")


def _theory(spec: RunSpec) -> Figure:
    """Return a family's theory: its first paragraph open, the mathematics on demand."""
    first, _, rest = FAMILIES[spec.family].theory.partition("\n\n")

    def draw() -> None:
        _architecture(spec)
        _mathematics(rest)

    return Figure("Theory", first, draw)


def _mathematics(text: str) -> None:
    with st.expander("The mathematics"):
        st.markdown(displayed(text))


def displayed(text: str) -> str:
    """Return Markdown with each display formula between lines of two dollars, as it must stand."""
    return FORMULA.sub(lambda match: f"\n$$\n{match[1].strip()}\n$$\n", text)


def _code(spec: RunSpec) -> Figure:
    """Return the source of the loss and of the family."""

    def draw() -> None:
        family = FAMILIES[spec.family].load()
        loss, whole = st.tabs(["The loss", "The whole family"])
        loss_code: Any = family.loss_code or family.updates
        loss.code(source_of(loss_code), language="python")
        modules = [inspect.getmodule(part) for part in (FAMILIES[spec.family].config_type, family)]
        sources = [f"# {each.__name__}\n\n{source_of(each)}" for each in modules if each]
        with whole:
            _source("\n\n".join(sources))

    return Figure("Code", "This is the code that ran, read from the module itself.", draw)


def _source(text: str) -> None:
    st.code(text, language="python", height=480)


def _json(task: Config) -> None:
    st.code(json.dumps(task.model_dump(mode="json"), indent=2), language="json", height=480)


def _take_home(spec: RunSpec, run: Run | None) -> None:
    """Draw the downloads of a run, where it can be published, and its settings."""
    _downloads(spec, run)
    if cache.store().has_run(spec.fingerprint):
        st.page_link(
            navigation.page("pretrained"),
            label="Publish this run to the Hugging Face Hub",
            icon=":material/cloud_upload:",
            query_params={
                "pretrained.inside": "Publish a run",
                "pretrained.run": spec.fingerprint,
            },
        )
    with st.expander("This run as JSON"):
        _json(spec)


def _downloads(spec: RunSpec, run: Run | None) -> None:
    """Draw the download buttons; each file is written when it is asked for."""
    entry = FAMILIES[spec.family]
    name = f"{spec.family}_{spec.fingerprint[:8]}"  # a module can be called that
    files: dict[str, tuple[str, Callable[[], str | bytes]]] = {
        "Script": (f"train_{name}.py", lambda: script(spec)),
        "Notebook": (f"train_{name}.ipynb", lambda: notebook(spec)),
        "Plain PyTorch": (f"{name}.py", lambda: plain_script(spec, name, name)),
    }
    if run is not None and run.spec == spec:
        files["Weights"] = f"{name}.safetensors", lambda: run.to_files()["model.safetensors"]
        files["All in a zip"] = f"{name}.zip", lambda: zipped(run)
        files["Curve as CSV"] = f"{name}_curve.csv", lambda: curve_table(run)
        if "encodes" in entry.abilities:
            files["Codings as CSV"] = (
                f"{name}_codings.csv",
                lambda: coding_table(cache.codings(run).numpy(), cache.dataset(spec.dataset)),
            )
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


def _repeatable(task: Config) -> str:
    """Return how near to the run that is shown a second training would come."""
    run = cache.finished(task) if isinstance(task, RunSpec) else None
    if run is None:
        return "the same configuration is always this run."
    trained = f"trained in {run.provenance.seconds:.1f} s on {run.provenance.device}."
    if run.provenance.same_bits(available()[0]):
        return f"{trained} Trained anew here, it gives the same weights, bit for bit."
    return (
        f"{trained} Trained anew here, the same recipe may round otherwise: very much alike, not "
        "the same bits."
    )
