"""The health of a generator: mode coverage, classifier FID, memorization, and the verdict."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.metrics import effective_modes
from genlib.plots import paired_bars, picture_grid
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.health import Health, Report, nearest, report, verdict
from genlib.studies.summary import RunSummary
from genlib.training.events import Snapshot
from ui import cache
from ui.adversarial.training_dynamics import shares_over_training, training_dynamics
from ui.cache import cached_figure
from ui.runs.knobs import preset_title
from ui.runs.side_by_side import summaries_in_columns
from ui.runs.study_panel import study_panel
from ui.widgets.elements import Badge, headline, needs_run, static_chart
from ui.widgets.pictures import image

FEW = 2000  # samples, under which figures are rough
Files = Mapping[str, bytes]


@needs_run
def health(run: Run) -> None:
    """Draw the dynamics of the training, then the examination of the trained generator."""
    training_dynamics(run)
    study_panel(Health(start=run.spec), "Examine 2,000 samples", partial(_examination, run))


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw the samples of several runs at the end of training, each with its verdict."""
    summaries_in_columns(
        {preset_title(title): spec for title, spec in specs.items()}, _with_verdict
    )


def _with_verdict(run: RunSummary) -> None:
    samples = run.snapshot.images.numpy()
    rows = samples.reshape(10, 10, *samples.shape[1:])
    image(picture_grid(rows, 1), "Samples of this model")
    classifier = cache.classifier(run.spec.dataset)
    if classifier is not None:
        dataset = run.spec.dataset
        (shares,) = shares_over_training([run.snapshot], dataset, classifier).tolist()
        st.caption(verdict(shares, DATASETS[dataset].classes, _accuracy(run.snapshot)))


def _accuracy(snapshot: Snapshot) -> tuple[float, float]:
    """Return the shares of real and of generated pictures that D judges rightly then."""
    figures = snapshot.figures
    return figures["right on real"], figures["right on fake"]


def _examination(run: Run, files: Files) -> None:
    """Draw the report: verdict, figures, classes of the samples, and their nearest neighbors."""
    if "report.json" not in files:
        return
    result = report(dict(files))
    classes = DATASETS[run.spec.dataset].classes
    _verdict(verdict(result.shares, classes, _accuracy(run.snapshots[-1])))
    if result.pictures < FEW:
        st.caption(f"Only {result.pictures} samples: take these figures as rough.")
    _table(result)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Classes of the samples**")
        modes = effective_modes(torch.tensor(result.shares))
        st.caption(f"Worth {modes:.1f} equally frequent classes of {len(classes)}.")
        _class_bars(run, result.shares, result.real_shares)
    with right:
        st.markdown("**Did it learn pictures by heart?**")
        st.caption(_memorization(result))
        _nearest_neighbors(*nearest(dict(files)))


def _verdict(sentence: str) -> None:
    healthy = sentence.startswith("Healthy")
    unhealthy = Badge("look here", "orange", "healing")
    headline(Badge("healthy", "green", "favorite") if healthy else unhealthy, f"**{sentence}**")


def _nearest_neighbors(samples: torch.Tensor, training: torch.Tensor) -> None:
    """Draw samples over their nearest training pictures: copies would be memorization."""
    caption = "Samples, and under each the training picture nearest to it"
    image(picture_grid(torch.stack([samples, training]).numpy(), 2), caption)
    st.caption(f"{caption}.")


def _table(result: Report) -> None:
    """Draw the figures, each beside what real pictures reach."""
    rows = [
        {
            "figure": item.name,
            "these samples": item.value,
            "95 % interval": f"{item.low:.3g} … {item.high:.3g}",
            "real pictures": item.real,
            "better": "lower" if item.wanted == "low" else "higher",
        }
        for item in result.findings
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
        f"{result.pictures:,} samples, in the features of our own classifier; “real pictures” "
        "are as many test pictures in place of samples. If both came from one distribution, they "
        f"would differ so much by chance with a probability of {result.p_value:.3f}. The "
        "intervals of the first four are those of a mean over pictures."
    )


def _memorization(result: Report) -> str:
    """Return whether samples are copies of training pictures, and how many differ (support)."""
    twins = f"{result.twins} pairs of 500 samples are alike ({result.real_twins} of real ones)" + (
        f": about {result.support:,.0f} different pictures in all." if result.twins else "."
    )
    return (
        f"A sample is {result.to_training:.2f} from the nearest training picture, a test picture "
        f"{result.real_to_training:.2f}: far less would be copying. {twins}"
    )


@cached_figure
def _class_bars(run: Run, shares: list[float], real_shares: list[float]) -> None:
    """Draw the share of each class among the samples, beside real pictures."""
    pairs = {"samples": np.array(shares), "real": np.array(real_shares)}
    chart = paired_bars(pairs, DATASETS[run.spec.dataset].classes, "share")
    static_chart(chart, f"{run.spec.fingerprint[:8]}-classes")
