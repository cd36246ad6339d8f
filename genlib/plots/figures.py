"""Plotly figures at rest: lines, bars and histograms, all in the house's colours."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from plotly.graph_objs import Bar, Figure, Scatter  # type: ignore[attr-defined]

from genlib.plots.charts import GENERATED, LINES, QUIET, REAL

MOST_TICKS = 8  # each place gets one where they are fewer
HEIGHT = 300  # pixels
CLASSES = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9"),
    *("#CC79A7", "#B8A500", "#8A96A3", "#882255", "#44AA99"),
)  # Okabe and Ito's, its black and yellow replaced to be seen on any page, and two more


class Line(NamedTuple):
    """A curve, with an interval around each of its points where there is one."""

    x: Float[ndarray, "points"]
    y: Float[ndarray, "points"]
    error: Float[ndarray, "points"] | None = None  # half the height of the interval
    dashed: bool = False


def lines(
    curves: dict[str, Line],
    x_title: str,
    y_title: str,
    *,
    log: str = "",
    mark: tuple[float, float] | None = None,
) -> Figure:
    """Return curves over one axis.

    Args:
        curves: by name; dashed ones are what the others are compared with.
        x_title: of the horizontal axis, with its unit.
        y_title: of the vertical axis, with its unit.
        log: the logarithmic axes: "", "x", "y" or "xy".
        mark: a point to be seen.
    """
    figure = Figure()
    colours = cycle((GENERATED, REAL, *LINES[2:]))
    for (name, line), colour in zip(curves.items(), colours, strict=False):
        figure.add_trace(_trace(name, line, colour))
    if mark is not None:
        dot = {"size": 11, "color": GENERATED, "line": {"width": 2, "color": "white"}}
        figure.add_trace(
            Scatter(x=[mark[0]], y=[mark[1]], mode="markers", marker=dot, showlegend=False)
        )
    figure.update_xaxes(title=x_title, type="log" if "x" in log else "linear")
    figure.update_yaxes(title=y_title, type="log" if "y" in log else "linear")
    if "x" in log:
        places = sorted({float(x) for line in curves.values() for x in line.x.tolist()})
        few = len(places) <= MOST_TICKS
        figure.update_xaxes(**_ticks(places if few else _round_numbers(np.array(places, float))))
    if "y" in log:
        figure.update_yaxes(
            **_ticks(_round_numbers(np.concatenate([line.y for line in curves.values()])))
        )
    return housed(figure)


def _trace(name: str, line: Line, colour: str) -> Scatter:
    return Scatter(
        x=line.x,
        y=line.y,
        name=name,
        mode="lines" if line.error is None and len(line.x) > 1 else "lines+markers",
        line={"color": colour, "width": 2, "dash": "dash" if line.dashed else "solid"},
        error_y=None if line.error is None else {"array": line.error, "thickness": 1.5},
    )


def _ticks(values: list[float]) -> dict[str, Any]:
    """Return the ticks of a logarithmic axis; plotly's own would write every digit between."""
    return {"tickvals": values, "ticktext": [f"{value:g}" for value in values]}


def _round_numbers(values: Float[ndarray, "points"]) -> list[float]:
    """Return round numbers around values: ones, twos and fives, or ones over many decades."""
    positive = values[values > 0]
    few = positive.max(initial=0) < 1000 * positive.min(initial=np.inf)
    return [
        digit * 10.0**power for power in range(-9, 10) for digit in ((1, 2, 5) if few else (1,))
    ]


def bars(
    values: dict[str, float],
    y_title: str,
    *,
    baseline: tuple[str, float] | None = None,
    colours: tuple[str, ...] = (GENERATED,),
    x_title: str = "",
) -> Figure:
    """Return a bar for each value, and a dashed line to compare them with."""
    names = list(values)
    shades = [colours[index % len(colours)] for index in range(len(names))]
    figure = Figure(
        Bar(x=names, y=list(values.values()), marker={"color": shades}, showlegend=False)
    )
    if baseline is not None:
        name, value = baseline
        figure.add_hline(
            value,
            line={"dash": "dash", "color": REAL, "width": 1.5},
            annotation={"text": name, "xanchor": "left", "x": 1, "yanchor": "middle"},
        )
    figure.update_xaxes(title=x_title, type="category")
    figure.update_yaxes(title=y_title)
    figure = housed(figure)
    return figure.update_layout(margin={"r": 76}) if baseline is not None else figure


def histograms(
    samples: dict[str, Float[ndarray, "_"]],
    x_title: str,
    *,
    bins: tuple[float, float, int],
    threshold: float | None = None,
) -> Figure:
    """Return the shares of each sample's values over the same bins, one over the other.

    Args:
        samples: by name; the first is real data, the second something else. What lies outside
            the bins counts in the outermost ones.
        x_title: of the horizontal axis, with its unit.
        bins: (first edge, last edge, count).
        threshold: a line to draw.
    """
    low, high, count = bins
    width = (high - low) / count
    figure = Figure(
        [
            Bar(
                x=low + width * (np.arange(count) + 0.5),
                y=np.histogram(values.clip(low, high), count, (low, high))[0] / len(values),
                width=width,
                name=name,
                marker={"color": colour},
                opacity=0.6,
            )
            for (name, values), colour in zip(samples.items(), (REAL, GENERATED), strict=False)
        ]
    )
    if threshold is not None:
        figure.add_vline(threshold, line={"dash": "dash", "color": QUIET, "width": 2})
    figure.update_layout(barmode="overlay", bargap=0.02)
    figure.update_xaxes(title=x_title, range=(low, high))
    figure.update_yaxes(title="share", tickformat=".0%")
    return housed(figure)


def class_areas(
    steps: Float[ndarray, "moments"],
    shares: Float[ndarray, "moments classes"],
    names: Sequence[str],
) -> Figure:
    """Return the shares of classes over training, one on top of the other."""
    figure = Figure(
        [
            Scatter(
                x=steps,
                y=shares[:, index],
                name=name,
                stackgroup="classes",
                mode="lines",
                line={"width": 0.5, "color": CLASSES[index % len(CLASSES)]},
                fillcolor=CLASSES[index % len(CLASSES)],
                hovertemplate="%{y:.0%}",
            )
            for index, name in enumerate(names)
        ]
    )
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="share of samples", range=(0, 1), tickformat=".0%")
    figure = housed(figure).update_layout(hovermode="x unified")
    legend = {"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"}
    return figure.update_layout(legend=legend, height=HEIGHT + 60)


def paired_bars(
    values: dict[str, Float[ndarray, "classes"]], names: Sequence[str], y_title: str
) -> Figure:
    """Return bars of generated and of real data beside each other, in that order."""
    figure = Figure(
        [
            Bar(x=list(names), y=heights, name=name, marker={"color": colour})
            for (name, heights), colour in zip(values.items(), (GENERATED, REAL), strict=True)
        ]
    )
    figure.update_xaxes(type="category", tickangle=-40)
    figure.update_yaxes(title=y_title, tickformat=".0%")
    return housed(figure)


def cloud_chart(
    mean: Float[ndarray, "codings"],
    deviation: Float[ndarray, "codings"],
    draw: Float[ndarray, "codings"],
) -> Figure:
    """Return, for each coding, the prior and a picture's cloud as bars, and a draw as a dot.

    The bars reach two standard deviations to both sides.
    """
    names = [str(index + 1) for index in range(len(mean))]
    clouds = (
        ("prior", np.zeros_like(mean), np.ones_like(mean), QUIET, 0.8),
        ("cloud", mean, deviation, REAL, 0.5),
    )
    figure = Figure(
        [
            Bar(
                x=names,
                y=4 * wide,
                base=middle - 2 * wide,
                name=name,
                marker={"color": colour, "opacity": 0.3 if name == "prior" else 0.8},
                width=width,
                hoverinfo="skip",
            )
            for name, middle, wide, colour, width in clouds
        ]
    )
    dot = {"color": GENERATED, "size": 9, "line": {"width": 1.5, "color": "white"}}
    figure.add_trace(Scatter(x=names, y=draw, name="draw z", mode="markers", marker=dot))
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title="coding", type="category")
    return housed(figure)


def dots(samples: dict[str, Float[ndarray, "_ 2"]], x_title: str, y_title: str) -> Figure:
    """Return points of the plane, one unit as long on both axes."""
    figure = Figure(
        [
            Scatter(
                x=places[:, 0],
                y=places[:, 1],
                name=name,
                mode="markers",
                marker={"color": colour, "size": 7, "opacity": 0.8},
            )
            for (name, places), colour in zip(samples.items(), (GENERATED, REAL), strict=False)
        ]
    )
    figure = housed(figure)
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title, scaleanchor="x", scaleratio=1)
    return figure


def housed(figure: Figure) -> Figure:
    """Return a figure with the house's margins, height and legend; nobody zooms by accident."""
    figure.update_xaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(fixedrange=True, automargin=True)
    return figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
