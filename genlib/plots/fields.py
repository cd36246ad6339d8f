"""Arrows and paths in the plane."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from plotly.graph_objs import Figure, Scatter  # type: ignore[attr-defined]

from genlib.plots.charts import GENERATED, QUIET, REAL
from genlib.plots.figures import housed

SIDE = 420  # pixels, the height of a plane
HEAD = 0.35  # of an arrow's length
STYLES = {"exact": (REAL, 3.6), "learned": (GENERATED, 1.4)}  # the second upon the first
BEND = 2.6  # radians between an arrow and the sides of its head


def arrows(
    places: Float[ndarray, "places 2"],
    fields: dict[str, Float[ndarray, "places 2"]],
    points: Float[ndarray, "points 2"],
    reach: float,
) -> Figure:
    """Return fields of arrows over points.

    Args:
        places: where the arrows begin.
        fields: the arrows, in units of the plane, of what is exact and what is learned.
        points: under them.
        reach: half the side of the square that is shown.
    """
    figure = Figure()
    figure.add_trace(_dots(points, "noised data", QUIET))
    for name, field in fields.items():
        colour, width = STYLES[name]
        strokes = [_arrow(at, by) for at, by in zip(places, field, strict=True)]
        figure.add_trace(_broken(strokes, name, colour, width, 0.9))
    return _square(figure, reach)


def paths(
    walks: Float[ndarray, "walks times 2"], points: Float[ndarray, "points 2"], reach: float
) -> Figure:
    """Return the walks of points, from noise (small, grey) to where they end, over the data."""
    figure = Figure()
    figure.add_trace(_dots(points, "data", REAL))
    figure.add_trace(_broken([*walks], "paths", QUIET, 1.2, 0.7))
    figure.add_trace(_dots(walks[:, -1], "where they end", GENERATED))
    return _square(figure, reach)


def _arrow(at: Float[ndarray, "2"], by: Float[ndarray, "2"]) -> Float[ndarray, "corners 2"]:
    """Return the corners of an arrow's stroke: along it, then both sides of its head."""
    end, turn = at + by, np.arctan2(by[1], by[0])
    long = HEAD * np.hypot(*by)
    sides = [
        end + long * np.array([np.cos(turn + bend), np.sin(turn + bend)]) for bend in (BEND, -BEND)
    ]
    return np.stack([at, end, sides[0], end, sides[1]])


def _broken(
    strokes: list[Float[ndarray, "_ 2"]], name: str, colour: str, width: float, opacity: float
) -> Scatter:
    """Return strokes as one trace, with gaps between them."""
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([part for stroke in strokes for part in (stroke, gap)])
    line = {"color": colour, "width": width}
    return Scatter(
        x=joined[:, 0],
        y=joined[:, 1],
        name=name,
        mode="lines",
        line=line,
        opacity=opacity,
        hoverinfo="skip",
    )


def _dots(points: Float[ndarray, "points 2"], name: str, colour: str) -> Scatter:
    return Scatter(
        x=points[:, 0],
        y=points[:, 1],
        name=name,
        mode="markers",
        marker={"color": colour, "size": 3.5},
        hoverinfo="skip",
    )


def _square(figure: Figure, reach: float) -> Figure:
    housed(figure)
    figure.update_layout(height=SIDE)
    figure.update_xaxes(range=[-reach, reach], showgrid=False, zeroline=False, constrain="domain")
    figure.update_yaxes(
        range=[-reach, reach], showgrid=False, zeroline=False, scaleanchor="x", scaleratio=1
    )
    return figure
