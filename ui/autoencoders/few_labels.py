"""The few-label curve: choose an encoder, and see what it is worth to a classifier."""

import inspect
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import streamlit as st

from genlib.data import DATASETS
from genlib.family import Encodes
from genlib.models import FAMILIES
from genlib.plots import Line, lines
from genlib.runs.spec import RunSpec
from genlib.studies import FewLabels
from genlib.studies.few_labels import METHODS, accuracies
from ui import controls
from ui.runs.run_choice import run_choice
from ui.widgets.elements import chart_at_rest

controls.record_views("start", "seeds", "steps")

PAGE = "pretraining"
Found = dict[str, dict[int, list[float]]]  # accuracies in %, by method and labels


def knobs() -> FewLabels:
    """Draw the choice of the encoder and the study's knobs; return the study they stand for."""
    start = run_choice(
        "Pretrained encoder",
        controls.view_key(PAGE, "start"),
        RunSpec.of_preset("stacked"),
        _encodes,
        "Any autoencoder that is trained on this server.",
    )
    fields = FewLabels.model_fields
    values = {
        name: controls.widget(PAGE, name, fields[name], fields[name].default)
        for name in ("seeds", "steps")
    }
    return FewLabels(start=start, **values)


def methods() -> None:
    """Say what each curve is, in the words of the code that measures it."""
    for name, method in METHODS.items():
        first = (inspect.getdoc(method) or "").removeprefix("Return the accuracy of ")
        st.markdown(f"- **{name[0].upper()}{name[1:]}**: {first.splitlines()[0]}")


def broken_button() -> None:
    """Draw the button that chooses the encoder which learned a few pictures by heart."""
    broken = RunSpec.of_preset("stacked", "break it").fingerprint
    st.button(
        "Choose the broken encoder",
        on_click=lambda: st.session_state.update({f"{PAGE}.start": broken}),
        icon=":material/tune:",
    )


def _encodes(spec: RunSpec) -> bool:
    """Return whether a classifier can use the codings of such a run."""
    encodes = issubclass(FAMILIES[spec.family], Encodes)
    return encodes and DATASETS[spec.dataset].kind == "pictures"


def draw(files: Mapping[str, bytes]) -> None:
    """Draw the accuracies measured so far, with what they say at 100 labels."""
    found: Found = defaultdict(lambda: defaultdict(list))
    for item in accuracies(dict(files)):
        found[item.method][item.labels].append(100 * item.accuracy)
    st.markdown(_verdict(found))
    curves = {}
    for method in METHODS:
        labels = np.array(sorted(found[method]))
        samples = [np.array(found[method][count]) for count in labels]
        means = np.array([sample.mean() for sample in samples])
        curves[method] = Line(labels, means, np.array([_interval(each) for each in samples]))
    chart = lines(curves, "labelled pictures", "test accuracy in %", log="x")
    chart_at_rest(chart, f"{PAGE}-curve")
    st.caption("The same as points above training from scratch, on the same labelled pictures.")
    chart = lines(_gains(found), "labelled pictures", "points", log="x")
    chart_at_rest(chart, f"{PAGE}-gains")
    st.caption("Bars: 95 % intervals of the mean over the seeds.")


def _gains(found: Found) -> dict[str, Line]:
    """Return each method's gain over training from scratch, seed by seed."""
    curves = {}
    for method in METHODS:
        pairs = {
            count: np.array([ours - theirs for ours, theirs in zip(mine, scratch, strict=False)])
            for count, mine in sorted(found.get(method, {}).items())
            if (scratch := found.get("from scratch", {}).get(count))
        }
        curves[method] = Line(
            np.array(list(pairs)),
            np.array([gains.mean() for gains in pairs.values()]),
            np.array([_interval(gains) for gains in pairs.values()]),
            dashed=method == "from scratch",
        )
    return curves


def _interval(sample: np.ndarray) -> float:
    """Return half the width of Student's 95 % interval of a mean."""
    from scipy.stats import t

    if len(sample) < 2:
        return 0.0
    return float(t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))


def _verdict(found: Found) -> str:
    """Say, from the measurements alone, whether pretraining helped with 100 labels."""
    tuned, scratch, linear = (
        found.get(method, {}).get(100, [])
        for method in ("pretrained, fine-tuned", "from scratch", "raw pixels, linear")
    )
    count = min(len(tuned), len(scratch))
    if count < 2:
        return "With 100 labels: not measured yet."
    gains = np.array(tuned[:count]) - np.array(scratch[:count])
    gain, spread = gains.mean(), _interval(gains)
    if gain > spread:
        text = f"With 100 labels pretraining **helps**: {gain:+.1f} ± {spread:.1f} points"
    elif gain < -spread:
        text = f"With 100 labels pretraining **hurts**: {gain:+.1f} ± {spread:.1f} points"
    else:
        text = f"With 100 labels **no difference is sure**: {gain:+.1f} ± {spread:.1f} points"
    best = max(np.mean(tuned), np.mean(scratch))
    pixels = np.mean(linear) if linear else float("nan")
    text += f" against the same network from scratch, {np.mean(scratch):.1f} %. "
    if pixels > best:
        text += (
            f"A linear classifier on the raw pixels, at {pixels:.1f} %, beats both: codings made "
            "to paint pictures need not be those that tell classes apart."
        )
    else:
        text += f"A linear classifier on the raw pixels reaches {pixels:.1f} %."
    return text
