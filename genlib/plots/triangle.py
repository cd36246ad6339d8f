"""Three figures of merit at once: a triangle for each of those that are compared."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from plotly.graph_objs import Figure, Scatter  # type: ignore[attr-defined]

from genlib.plots.charts import LINES, QUIET
from genlib.plots.figures import housed

INNER = 0.2  # of the way from the middle to a corner: where a share of 0 is
RINGS = (0.0, 0.5, 1.0)  # shares at which a ring is drawn
ANGLES = np.radians([90.0, 330.0, 210.0])  # of the corners: upwards, right, left
CORNERS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
SYMBOLS = ("circle", "square", "diamond", "cross")


def triangle(
    shares: dict[str, Float[ndarray, "3"]],
    corners: tuple[str, str, str],
    captions: dict[str, Sequence[str]],
) -> Figure:
    """Return a triangle for each member: outward is better.

    A share s lies (INNER + (1 − INNER) s) of the way from the middle to its corner: 0 on the
    inner ring, ½ on the dotted one, 1 on the rim.

    Args:
        shares: in [0, 1], one for each corner, by name.
        corners: what is at each, from the top clockwise.
        captions: what is said of each point when one points at it.
    """
    figure = Figure([_ring(share) for share in RINGS])
    for (name, values), colour, symbol in zip(shares.items(), LINES[1:], SYMBOLS, strict=False):
        figure.add_trace(
            Scatter(
                **_closed(places(values)),
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2.5},
                marker={"symbol": symbol, "size": 9},
                text=[*captions[name], captions[name][0]],
                hovertemplate=f"{name}<br>%{{text}}<extra></extra>",
            )
        )
    for (x, y), text in zip(1.06 * CORNERS, corners, strict=True):
        anchor = "bottom" if y > 0 else "top"
        figure.add_annotation(x=x, y=y, text=text, showarrow=False, yanchor=anchor)
    figure = housed(figure).update_layout(height=440, legend={"y": 0, "yanchor": "top"})
    figure.update_xaxes(visible=False, range=(-1.1, 1.1))
    return figure.update_yaxes(visible=False, range=(-0.7, 1.15), scaleanchor="x")


def places(shares: Float[ndarray, "3"]) -> Float[ndarray, "3 2"]:
    """Return where shares lie in the plane, with the corners at distance 1 from its middle."""
    return CORNERS * (INNER + (1 - INNER) * shares)[:, None]


def _ring(share: float) -> Scatter:
    dash = "dot" if 0 < share < 1 else "solid"
    return Scatter(
        **_closed(places(np.full(3, share))),
        mode="lines",
        line={"color": QUIET, "width": 1, "dash": dash},
        hoverinfo="skip",
        showlegend=False,
    )


def _closed(corners: Float[ndarray, "3 2"]) -> dict[str, Float[ndarray, "4"]]:
    x, y = np.concatenate([corners, corners[:1]]).T
    return {"x": x, "y": y}
