"""The health of a generator: mode coverage, classifier FID, memorization, and the verdict."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
import torch

from genlib.data import DATASETS
from genlib.metrics import effective_modes, support_interval
from genlib.plots import paired_bars, picture_grid
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.findings import COMPARED, PIXEL_FID
from genlib.studies.health import Health, Report, nearest, report
from genlib.studies.summary import RunSummary
from genlib.studies.verdict import Verdict, verdict
from ui import cache
from ui.cache import cached_figure
from ui.runs.measured_fid import EARLIER
from ui.runs.side_by_side import summaries_in_columns
from ui.runs.study_panel import study_panel
from ui.widgets.elements import Badge, headline, needs_run, static_chart
from ui.widgets.pictures import image

FEW = 2000  # samples, under which figures are rough
PAIRS = 10  # alike, under which the number of different pictures has a bound from below alone
Files = Mapping[str, bytes]


@needs_run
def health(run: Run) -> None:
    """Draw the examination of the trained generator."""
    study = cache.measured_or_shipped(Health(start=run.spec))
    study_panel(study, f"Examine {study.pictures:,} samples", partial(_examination, run))


def side_by_side(specs: dict[str, RunSpec]) -> None:
    """Draw the samples of several runs at the end of training, each with its verdict.

    It is that of the examination of “Is it working?”, where there was one: a hundred samples
    have none.
    """
    summaries_in_columns(specs, _with_verdict)


def _with_verdict(run: RunSummary) -> None:
    samples = run.snapshot.images.numpy()
    rows = samples.reshape(10, 10, *samples.shape[1:])
    image(picture_grid(rows, 1), "Samples of this model")
    files = cache.measured(cache.measured_or_shipped(Health(start=run.spec)))
    if files is None:
        st.caption(
            f"{len(samples)} samples cannot tell what is rare or missing. Set the knobs to this "
            "model, train it and examine it: then its verdict stands here."
        )
        return
    result = report(files)
    sentence = verdict(result, DATASETS[run.spec.dataset].classes).sentence
    st.caption(f"{sentence} Of {result.pictures:,} samples.")


def _examination(run: Run, files: Files) -> None:
    """Draw the report: verdict, figures, classes of the samples, and their nearest neighbors."""
    if "report.json" not in files:
        return
    result = report(dict(files))
    classes = DATASETS[run.spec.dataset].classes
    _verdict(verdict(result, classes))
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


def _verdict(result: Verdict) -> None:
    healthy = Badge("healthy", "green", "favorite")
    unhealthy = Badge("look here", "orange", "healing")
    badge = healthy if result.state == "healthy" else unhealthy
    headline(badge, f"**{result.sentence}**")


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
        f"{result.pictures:,} samples against test pictures, in the features of our own "
        "classifier; the pixel FID in 50 principal components of the pixels. “Real pictures”: as "
        "many training pictures in place of samples. If samples and test pictures came from one "
        f"distribution, they would differ so much with a probability of {result.p_value:.3f}. "
        "The intervals of the first four are those of a mean over pictures. The Vendi score is "
        "an index of variety: it counts neither pictures nor classes, so read it beside that of "
        "real pictures."
        if result.has(PIXEL_FID)
        else EARLIER
    )


def _memorization(result: Report) -> str:
    """Return how near samples lie to training pictures, and how many differ (support)."""
    return (
        f"A sample is {result.to_training:.2f} from the nearest training picture, a test picture "
        f"{result.real_to_training:.2f} (medians). Copies would be near 0. A little less than a "
        "test picture is no sign of copying: smooth pictures lie nearer to all others. "
        f"{_different_pictures(result)}"
    )


def _different_pictures(result: Report) -> str:
    """Return how many different pictures the generator may make, as far as pairs say so."""
    count = min(COMPARED, result.pictures)
    low, high = support_interval(count, result.twins)
    pairs = f"{result.twins} pairs of {count} samples are alike ({result.real_twins} of real ones)"
    if result.twins < PAIRS:
        return f"{pairs}: too few to say more than at least {_rounded(low)} different pictures."
    return f"{pairs}: {_rounded(low)} to {_rounded(high)} different pictures in all."


def _rounded(count: float) -> str:
    """Return a number of pictures with two digits that count."""
    return f"{float(f'{count:.2g}'):,.0f}"


@cached_figure
def _class_bars(run: Run, shares: list[float], real_shares: list[float]) -> None:
    """Draw the share of each class among the samples, beside real pictures."""
    pairs = {"samples": np.array(shares), "real": np.array(real_shares)}
    chart = paired_bars(pairs, DATASETS[run.spec.dataset].classes, "share")
    static_chart(chart, f"{run.spec.fingerprint[:8]}-classes")
