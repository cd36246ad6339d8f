"""Points in space, and the plane on which a linear model puts them."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from plotly.graph_objs import Figure, Frame, Mesh3d, Scatter3d  # type: ignore[attr-defined]

from genlib.plots.charts import GENERATED, QUIET, REAL

Points = Float[ndarray, "count 3"]
REACH = 2.2  # standard deviations to which a plane is drawn, from its middle


def plane_animation(points: Points, frames: dict[int, Points], codings: int) -> Figure:
    """Return the points, their reconstructions, and the plane or line that those lie on.

    Args:
        points: the data.
        frames: the reconstructions by training step; more than one can be played.
        codings: dimensions of what a reconstruction can be: 1 a line, 2 a plane, 3 all of space.
    """
    steps = sorted(frames)
    fixed = [
        _dots(points, REAL, "points"),
        _outline(_corners(points, min(codings, 2)), "PCA"),
    ]
    figure = Figure(
        data=[*fixed, *_moving(points, frames[steps[-1]], codings)],
        frames=[
            Frame(data=_moving(points, frames[step], codings), traces=[2, 3, 4], name=str(step))
            for step in steps
        ],
    )
    return figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        scene=_scene(points),
        updatemenus=[_play()] if len(steps) > 1 else [],
        sliders=[_slider(steps)] if len(steps) > 1 else [],
    )


def _scene(points: Points) -> dict[str, object]:
    """Return a cube around the points, seen from one side and above."""
    axis = {
        "title": "",
        "showbackground": False,
        "showticklabels": False,
        "gridcolor": "rgba(138, 150, 163, 0.35)",
        "nticks": 5,
    }
    reach = float(np.abs(points - points.mean(0)).max() * 1.15)
    ranges = [(float(mid - reach), float(mid + reach)) for mid in points.mean(0)]
    axes = zip(("xaxis", "yaxis", "zaxis"), ranges, strict=True)
    eye = {"x": 0.85, "y": -1.05, "z": 0.55}
    scene: dict[str, object] = {"aspectmode": "cube", "camera": {"eye": eye}}
    return scene | {name: axis | {"range": limits} for name, limits in axes}


def _moving(points: Points, reconstructions: Points, codings: int) -> list[Scatter3d | Mesh3d]:
    """Return what changes in training: reconstructions, lines to them, and their plane."""
    gaps = np.stack([points, reconstructions, np.full_like(points, np.nan)], 1).reshape(-1, 3)
    lines = Scatter3d(
        x=gaps[:, 0],
        y=gaps[:, 1],
        z=gaps[:, 2],
        mode="lines",
        line={"color": QUIET, "width": 2},
        hoverinfo="skip",
    )
    corners = _corners(reconstructions, min(codings, 2))
    x, y, z = corners.T
    plane = Mesh3d(
        x=x, y=y, z=z, i=[0, 0], j=[1, 2], k=[2, 3],
        color=GENERATED, opacity=0.25 if codings == 2 else 0.0, hoverinfo="skip",
    )  # fmt: skip
    return [_dots(reconstructions, GENERATED, "reconstructions"), lines, plane]


def _dots(points: Points, colour: str, name: str) -> Scatter3d:
    x, y, z = points.T
    marker = {"color": colour, "size": 3.5}
    return Scatter3d(x=x, y=y, z=z, mode="markers", marker=marker, name=name, hoverinfo="name")


def _outline(corners: Float[ndarray, "4 3"], name: str) -> Scatter3d:
    x, y, z = np.concatenate([corners, corners[:1]]).T
    line = {"color": REAL, "width": 4, "dash": "dash"}
    return Scatter3d(x=x, y=y, z=z, mode="lines", line=line, name=name, hoverinfo="name")


def _corners(points: Points, dimensions: int) -> Float[ndarray, "4 3"]:
    """Return the corners of the rectangle in which points of a plane lie; a line has two."""
    middle = points.mean(0)
    _, values, axes = np.linalg.svd(points - middle, full_matrices=False)
    reach = REACH * values / np.sqrt(len(points))
    first = reach[0] * axes[0]
    second = reach[1] * axes[1] if dimensions == 2 else np.zeros(3)
    signs = ((1, 1), (1, -1), (-1, -1), (-1, 1))
    return np.stack([middle + a * first + b * second for a, b in signs])


def _play() -> dict[str, object]:
    options = {"frame": {"duration": 120, "redraw": True}, "transition": {"duration": 0}}
    stop = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    return {
        "type": "buttons",
        "direction": "left",
        "x": 0.0,
        "y": 0.0,
        "xanchor": "left",
        "yanchor": "top",
        "pad": {"t": 18},
        "showactive": False,
        "bgcolor": "rgba(0, 0, 0, 0)",
        "bordercolor": QUIET,
        "buttons": [
            {"label": "Play", "method": "animate", "args": [None, options]},
            {"label": "Pause", "method": "animate", "args": [[None], stop]},
        ],
    }


def _slider(steps: list[int]) -> dict[str, object]:
    options = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    return {
        "active": len(steps) - 1,
        "x": 0.36,
        "len": 0.64,
        "y": 0.0,
        "pad": {"t": 10},
        "currentvalue": {"prefix": "Step ", "xanchor": "right"},
        "bgcolor": QUIET,
        "bordercolor": QUIET,
        "activebgcolor": GENERATED,
        "steps": [
            {"label": f"{step:,}", "method": "animate", "args": [[str(step)], options]}
            for step in steps
        ],
    }
