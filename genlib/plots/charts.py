"""Charts: ECharts specifications for what lives, plotly figures for what rests."""

import math
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from jaxtyping import Float
from numpy import ndarray
from plotly.graph_objs import Bar, Figure  # type: ignore[attr-defined]

REAL = "#0072B2"  # real data, on every page
GENERATED = "#D55E00"  # what a model made, on every page
QUIET = "#8A96A3"
LINES = (QUIET, GENERATED, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#AA4499", "#B8A500")

Points = Sequence[tuple[int, float]]


def loss_chart(
    series: dict[str, Points],
    steps: int,
    baseline: tuple[str, float] | None = None,
    *,
    log: bool = True,
    colours: Sequence[str] = LINES,
) -> dict[str, Any]:
    """Return an ECharts line chart of losses against steps.

    Args:
        series: (step, loss) of each curve, by name.
        steps: the run's steps in all, the right end of the axis.
        baseline: name and loss of a horizontal line to compare with.
        log: whether the losses are on a logarithmic axis; they must be positive then.
        colours: of the curves, in order.
    """
    lines = [
        _line(name, points, colour, {"width": 2})
        for (name, points), colour in zip(series.items(), cycle(colours), strict=False)
    ]
    if baseline is not None:
        name, value = baseline
        ends = [(0, value), (steps, value)]
        lines.append(_line(name, ends, REAL, {"width": 1.5, "type": "dashed"}))
    values = [value for line in lines for _, value in line["data"] if value > 0]
    return {
        "animation": False,
        "grid": {"left": 64, "right": 16, "top": 34, "bottom": 44},
        "legend": {"type": "scroll", "top": 0, "left": 0, "itemGap": 18},
        "tooltip": {"trigger": "axis"},
        "xAxis": _axis_of_steps(steps),
        "yAxis": {"type": "log", "min": _below(values), "max": _above(values)}
        if log
        else {"type": "value", "scale": True},
        "series": lines,
    }


def _axis_of_steps(steps: int) -> dict[str, Any]:
    return {
        "type": "value",
        "name": "step",
        "min": 0,
        "max": steps,
        "nameLocation": "middle",
        "nameGap": 28,
        "splitLine": {"show": False},
    }


def _line(name: str, points: Points, colour: str, style: dict[str, Any]) -> dict[str, Any]:
    """Return an ECharts series; a single point is drawn as a dot."""
    return {
        "name": name,
        "type": "line",
        "data": [[step, value] for step, value in points],
        "showSymbol": len(points) == 1,
        "lineStyle": style,
        "color": colour,
    }


def coding_chart(
    codings: Float[ndarray, "codings"], spread: Float[ndarray, "codings"], chosen: int
) -> Figure:
    """Return a picture's codings as bars, over the range that each takes in the test pictures.

    Args:
        codings: the picture's own.
        spread: the standard deviation of each coding over the test pictures.
        chosen: the coding to point out.
    """
    names = [str(index + 1) for index in range(len(codings))]
    colours = [GENERATED if index == chosen else QUIET for index in range(len(codings))]
    figure = Figure(
        [
            Bar(
                x=names,
                y=4 * spread,
                base=-2 * spread,
                name="±2 standard deviations",
                marker={"color": REAL, "opacity": 0.3},
                hoverinfo="skip",
            ),
            Bar(
                x=names,
                y=codings,
                name="this picture",
                marker={"color": colours},
                width=0.5,
                hovertemplate="coding %{x}: %{y:.2f}<extra></extra>",
            ),
        ]
    )
    return figure.update_layout(
        barmode="overlay",
        height=240,
        margin={"l": 40, "r": 8, "t": 28, "b": 36},
        showlegend=False,
        xaxis={"title": "coding", "type": "category", "fixedrange": True, "nticks": 16},
        yaxis={"fixedrange": True, "zeroline": True},
    )


def _below(values: list[float]) -> float:
    """Return a round number under all values, for the axis to begin at."""
    least = min(values, default=0.01)
    unit = 10.0 ** math.floor(math.log10(least))
    return round(unit * math.floor(least / unit), 12)


def _above(values: list[float]) -> float:
    """Return a round number over all values, for the axis to end at."""
    most = max(values, default=1.0)
    unit = 10.0 ** math.floor(math.log10(most))
    return round(unit * math.ceil(most / unit), 12)
