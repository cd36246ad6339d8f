"""The health panel: what is wrong with a generator, in one sentence and in figures."""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.classifier import Classifier, classified
from genlib.data import DATASETS
from genlib.family import to_float
from genlib.metrics import class_shares, effective_modes
from genlib.plots import Line, class_areas, lines, paired_bars, picture_grid, to_png
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies import Health
from genlib.studies.health import Report, nearest, report, verdict
from ui import cache
from ui.runs.knobs import titled
from ui.runs.study_panel import study_panel
from ui.widgets import elements
from ui.widgets.elements import chart_at_rest, headline

FEW = 2000  # samples, under which figures are rough
GUESSING = {  # what the discriminator loses by the losses that have such a number
    "non-saturating": 2 * math.log(2),
    "minimax": 2 * math.log(2),
    "least squares": 0.25,
    "hinge": 2.0,
    "relativistic": math.log(2),
}
Files = Mapping[str, bytes]


def health(run: Run | None) -> None:
    """Draw what the training pictures of progress already say, then the whole examination."""
    if run is None:
        elements.missing()
        return
    _progress(run)
    study_panel(Health(start=run.spec), "Examine 2,000 samples", partial(_examined, run))


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw the ends of several runs, each with its verdict."""
    for column, (title, spec) in zip(
        st.columns(len(specs), gap="large"), specs.items(), strict=True
    ):
        with column:
            run = cache.finished(spec)
            st.markdown(f"**{titled(title)}**")
            if run is None:
                st.info("Not trained on this server yet.")
                continue
            rows = run.snapshots[-1].images.unflatten(0, (10, 10))
            image, alt = to_png(picture_grid(rows.numpy(), 1)), f"Samples of {title}"
            st.image(image, output_format="PNG", width="stretch", alt=alt)
            classifier = cache.classifier(spec.dataset)
            if classifier is not None:
                shares = _shares_over_time(spec.fingerprint, run, classifier)
                names = DATASETS[spec.dataset].classes
                st.caption(verdict(shares[-1].tolist(), names, _right(run)))


def _right(run: Run) -> tuple[float, float]:
    """Return the shares of real and of generated pictures that D judges rightly at the end."""
    figures = run.snapshots[-1].figures
    return figures["right on real"], figures["right on fake"]


def _progress(run: Run) -> None:
    """Draw the classes of the samples, D's accuracy and the gradient norms over training."""
    spec = run.spec
    classifier = cache.classifier(spec.dataset)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What is in the samples, over training**")
        if classifier is None:
            st.caption("Examine the model below first: that trains a judge for these pictures.")
        else:
            count = len(run.snapshots[-1].images)
            st.caption(
                f"Shares of each class among {count} samples: bands that come and go circle."
            )
            _areas(spec.fingerprint, run, classifier)
    with right:
        st.markdown("**How often D is right**")
        st.caption("At one half it only guesses; near one on both, G learns little.")
        _accuracy(spec.fingerprint, run)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Losses**")
        st.caption("Dashed: what D loses when it only guesses. Far below it, D wins.")
        _losses(spec.fingerprint, run)
    with right:
        st.markdown("**Gradient norms**")
        st.caption("A player whose gradient vanishes no longer learns; one whose grows, shakes.")
        _norms(spec.fingerprint, run)


@st.cache_data(max_entries=16, show_spinner=False)
def _shares_over_time(name: str, _run: Run, _classifier: Classifier) -> np.ndarray:
    """Return the share of each class at each snapshot."""
    classes = len(DATASETS[_run.spec.dataset].classes)
    opinions = [
        classified(_classifier, to_float(snapshot.images)).classes for snapshot in _run.snapshots
    ]
    return torch.stack([class_shares(labels, classes) for labels in opinions]).numpy()


@st.cache_data(max_entries=16, show_spinner=False)
def _areas(name: str, _run: Run, _classifier: Classifier) -> None:
    shares = _shares_over_time(name, _run, _classifier)
    steps = np.array([float(snapshot.step) for snapshot in _run.snapshots])
    names = DATASETS[_run.spec.dataset].classes
    chart_at_rest(class_areas(steps, shares, names), f"{name[:8]}-areas")


@st.cache_data(max_entries=16, show_spinner=False)
def _accuracy(name: str, _run: Run) -> None:
    steps = np.array([float(snapshot.step) for snapshot in _run.snapshots])
    curves = {
        f"on {kind}": Line(
            steps, np.array([snapshot.figures[f"right on {key}"] for snapshot in _run.snapshots])
        )
        for key, kind in (("fake", "generated ones"), ("real", "real ones"))
    }
    chart_at_rest(lines(curves, "step", "share judged rightly"), f"{name[:8]}-accuracy")


@st.cache_data(max_entries=16, show_spinner=False)
def _losses(name: str, _run: Run) -> None:
    rows = {row.step: dict(row.losses) for row in _run.curve}
    rules = _run.spec.model.model_dump()
    guess = GUESSING.get(rules["loss"])
    if guess is not None and not rules["smoothing"]:
        for values in rows.values():
            values["D guessing"] = guess
    _curves(name, "losses", rows, "loss")


@st.cache_data(max_entries=16, show_spinner=False)
def _norms(name: str, _run: Run) -> None:
    _curves(name, "norms", {row.step: row.gradients for row in _run.curve}, "norm", log="y")


def _curves(
    name: str, key: str, rows: dict[int, dict[str, float]], title: str, log: str = ""
) -> None:
    steps = np.array(list(rows), dtype=float)
    names = next(iter(rows.values()))
    curves = {
        part: Line(
            steps,
            np.array([values[part] for values in rows.values()]),
            dashed=part == "D guessing",
        )
        for part in names
    }
    chart_at_rest(lines(curves, "step", title, log=log), f"{name[:8]}-{key}")


def _examined(run: Run, files: Files) -> None:
    """Draw the report."""
    if "report.json" not in files:
        return
    found = report(files)
    names = DATASETS[run.spec.dataset].classes
    sentence = verdict(found.shares, names, _right(run))
    healthy = sentence.startswith("Healthy")
    badge = ("healthy", "green", "favorite") if healthy else ("look here", "orange", "healing")
    headline(badge, f"**{sentence}**")
    if found.pictures < FEW:
        st.caption(f"Only {found.pictures} samples: take these figures as rough.")
    _table(found)
    left, right_side = st.columns(2, gap="large")
    with left:
        st.markdown("**Classes of the samples**")
        modes = effective_modes(torch.tensor(found.shares))
        st.caption(f"Worth {modes:.1f} equally frequent classes of {len(names)}.")
        _bars(run.spec.fingerprint, found, names)
    with right_side:
        st.markdown("**Did it learn pictures by heart?**")
        st.caption(_by_heart(found))
        samples, training = nearest(files)
        rows = np.stack([samples.numpy(), training.numpy()])
        image = to_png(picture_grid(rows, 2))
        alt = "Samples, and under each the training picture nearest to it"
        st.image(image, output_format="PNG", width="stretch", alt=alt)
        st.caption("Samples, and under each the training picture nearest to it.")


def _table(found: Report) -> None:
    """Draw the figures, each beside what real pictures reach."""
    rows = [
        {
            "figure": item.name,
            "these samples": item.value,
            "95 % interval": f"{item.low:.3g} … {item.high:.3g}",
            "real pictures": item.real,
            "better": "lower" if item.wanted == "low" else "higher",
        }
        for item in found.findings
    ]
    number = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content",
        column_config={"these samples": number, "real pictures": number},
    )
    st.caption(
        f"{found.pictures:,} samples, in the features of our own classifier; “real pictures” "
        "are as many test pictures in place of samples. If both came from one distribution, they "
        f"would differ so much by chance with a probability of {found.p_value:.3f}. The intervals "
        "of the first four are those of a mean over pictures."
    )


def _by_heart(found: Report) -> str:
    twins = f"{found.twins} pairs of 500 samples are alike ({found.real_twins} of real ones)" + (
        f": about {found.support:,.0f} different pictures in all." if found.twins else "."
    )
    return (
        f"A sample is {found.to_training:.2f} from the nearest training picture, a test picture "
        f"{found.real_to_training:.2f}: far less would be copying. {twins}"
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _bars(name: str, _found: Report, _names: tuple[str, ...]) -> None:
    shares = {"samples": np.array(_found.shares), "real": np.array(_found.real_shares)}
    chart_at_rest(paired_bars(shares, _names, "share"), f"{name[:8]}-classes")
