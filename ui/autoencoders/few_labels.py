"""Few-label classification on pretrained codings: accuracy against labels, gains, the verdict."""

import inspect
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from genlib.data import DATASETS
from genlib.models import FAMILIES
from genlib.plots import Line, lines
from genlib.runs.spec import RunSpec
from genlib.studies.few_labels import METHODS, FewLabels, accuracies
from ui import controls
from ui.runs.knobs import read_link
from ui.runs.run_choice import run_choice
from ui.widgets.elements import static_chart

controls.record_views("start", "seeds", "steps")

PAGE = "pretraining"
TUNED = "pretrained, fine-tuned"
Accuracies = dict[str, dict[int, list[float]]]  # in %, by method and labels


def knobs() -> FewLabels:
    """Draw the choice of the encoder and the study's knobs; return the study they stand for."""
    fields = {name: FewLabels.model_fields[name] for name in ("seeds", "steps")}
    read_link(PAGE, fields)
    start = run_choice(
        "Pretrained encoder",
        controls.view_key(PAGE, "start"),
        RunSpec.of_preset("stacked"),
        _encodes,
        "Any autoencoder that is trained on this server.",
    )
    values = {
        name: controls.widget(PAGE, name, field, field.default) for name, field in fields.items()
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
    encodes = "encodes" in FAMILIES[spec.family].abilities
    return encodes and DATASETS[spec.dataset].kind == "pictures"


def draw(files: Mapping[str, bytes]) -> None:
    """Draw the accuracies measured so far, with what they say at 100 labels."""
    by_method: Accuracies = defaultdict(lambda: defaultdict(list))
    for item in accuracies(dict(files)):
        by_method[item.method][item.labels].append(100 * item.accuracy)
    st.markdown(_verdict(by_method))
    curves: dict[str, Line] = {method: _curve(by_method[method]) for method in METHODS}
    chart = lines(curves, "labelled pictures", "test accuracy in %", log="x")
    static_chart(chart, f"{PAGE}-curve")
    st.caption(
        "Difference to training from scratch in percentage points, on the same labelled pictures."
    )
    chart = lines(_gains(by_method), "labelled pictures", "points", log="x")
    static_chart(chart, f"{PAGE}-gains")
    st.caption("Bars: 95 % intervals of the mean over the seeds.")


def _curve(by_labels: Mapping[int, Sequence[float]], *, dashed: bool = False) -> Line:
    """Return the means over the seeds against the number of labels, with their intervals."""
    labels = np.array(sorted(by_labels))
    samples = [np.array(by_labels[count]) for count in labels]
    means = np.array([sample.mean() for sample in samples])
    return Line(labels, means, np.array([_interval(each) for each in samples]), dashed=dashed)


def _gains(by_method: Accuracies) -> dict[str, Line]:
    """Return each method's gain over training from scratch, seed by seed."""
    scratch = by_method.get("from scratch", {})
    curves = dict[str, Line]()
    for method in METHODS:
        gains = {
            count: [own - other for own, other in zip(sample, scratch[count], strict=False)]
            for count, sample in by_method.get(method, {}).items()
            if count in scratch
        }
        curves[method] = _curve(gains, dashed=method == "from scratch")
    return curves


def _interval(sample: np.ndarray) -> float:
    """Return half the width of Student's 95 % interval of a mean."""
    from scipy.special import stdtrit  # the quantile of Student's t

    if len(sample) < 2:
        return 0.0
    return float(stdtrit(len(sample) - 1, 0.975) * sample.std(ddof=1) / np.sqrt(len(sample)))


def _verdict(by_method: Accuracies) -> str:
    """Return, from the measurements alone, at how many labels pretraining helped."""
    tuned, scratch, linear = (
        by_method.get(method, {}) for method in (TUNED, "from scratch", "raw pixels, linear")
    )
    gain = difference(tuned.get(100, []), scratch.get(100, []))
    if gain is None:
        return "With 100 labels: not measured yet."
    return (
        f"With 100 labels {_effect(*gain)} against the same network from scratch, "
        f"{np.mean(scratch[100]):.1f} %. "
        + _beside_pixels(linear.get(100, []), max(tuned[100], scratch[100], key=_mean))
        + _at_every_count(tuned, scratch)
    )


def _mean(sample: Sequence[float]) -> float:
    return float(np.mean(sample))


def difference(own: Sequence[float], other: Sequence[float]) -> tuple[float, float] | None:
    """Return the mean difference, seed by seed, and half its 95 % interval.

    None where fewer than two seeds are measured of both.
    """
    gains = np.array([one - two for one, two in zip(own, other, strict=False)])
    return (float(gains.mean()), _interval(gains)) if len(gains) > 1 else None


def _at_every_count(tuned: Mapping[int, list[float]], scratch: Mapping[int, list[float]]) -> str:
    """Return at which numbers of labels pretraining surely helps or hurts."""
    gains = {count: difference(tuned[count], scratch.get(count, [])) for count in sorted(tuned)}
    sure = {count: gain for count, gain in gains.items() if gain and abs(gain[0]) > gain[1]}
    helps = ", ".join(str(count) for count, (gain, _) in sure.items() if gain > 0)
    hurts = ", ".join(str(count) for count, (gain, _) in sure.items() if gain < 0)
    measured = sum(gain is not None for gain in gains.values())
    return (
        f" Of the {measured} numbers of labels measured, by 95 % intervals it helps at: "
        f"{helps or 'none'}; it hurts at: {hurts or 'none'}."
    )


def _effect(gain: float, interval: float) -> str:
    """Return whether a gain in accuracy is significant, and its 95 % interval."""
    points = f"{gain:+.1f} ± {interval:.1f} points"
    if gain > interval:
        return f"pretraining **helps**: {points}"
    if gain < -interval:
        return f"pretraining **hurts**: {points}"
    return f"**no difference is sure**: {points}"


def _beside_pixels(linear: Sequence[float], best: Sequence[float]) -> str:
    """Return what a linear classifier of the raw pixels reaches, beside the better network."""
    gain = difference(linear, best)
    if gain is None:
        return ""
    mean, interval = gain
    verdict = "no sure difference"
    if abs(mean) > interval:
        verdict = "**better**" if mean > 0 else "**worse**"
    return (
        f"A linear classifier on the raw pixels reaches {np.mean(linear):.1f} %: {verdict} "
        f"against the better of the two ({mean:+.1f} ± {interval:.1f} points)."
    )
