"""A map of pictures: each a point of the plane, and some of them drawn at their place."""

import base64
import io

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray
from PIL import Image, ImageColor
from plotly.graph_objs import Figure, Scatter  # type: ignore[attr-defined]

from genlib.plots.charts import GENERATED
from genlib.plots.figures import CLASSES

SIDE = 1200  # pixels of the layer on which pictures are drawn
APART = 0.075  # of the map's side, between pictures that are drawn
MARGIN = 0.04  # of the map's side, around all points
OVER_ALL = {
    "xref": "x",
    "yref": "y",
    "x": 0,
    "y": 1,
    "sizex": 1,
    "sizey": 1,
    "sizing": "stretch",
    "layer": "above",
}

Places = Float[ndarray, "pictures 2"]


def picture_map(
    places: Places,
    labels: Int64[ndarray, "pictures"],
    classes: tuple[str, ...],
    pictures: UInt8[ndarray, "pictures channels height width"],
    chosen: int,
) -> Figure:
    """Return the map; each point carries the index of its picture as `customdata`.

    Args:
        places: of each picture, in any unit.
        labels: the class of each, for its colour.
        classes: their names.
        pictures: grey levels 0 … 255.
        chosen: the picture to mark.
    """
    places = _in_unit_square(places)
    figure = Figure()
    for label, name in enumerate(classes):
        index = np.flatnonzero(labels == label)
        figure.add_trace(_class(places[index], index, label, name))
    figure.add_trace(_ring(places[chosen]))
    axis = {"visible": False, "range": (0, 1), "constrain": "domain"}
    return figure.update_layout(
        height=560,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        dragmode="pan",
        images=[OVER_ALL | {"source": _layer(places, labels, pictures)}],
    )


def _class(places: Places, index: Int64[ndarray, "pictures"], label: int, name: str) -> Scatter:
    x, y = places.T
    return Scatter(
        x=x,
        y=y,
        customdata=index,
        name=name,
        mode="markers",
        marker={"color": CLASSES[label % len(CLASSES)], "size": 5, "opacity": 0.75},
        hovertemplate=f"{name}<extra></extra>",
    )


def _ring(place: Float[ndarray, "2"]) -> Scatter:
    marker = {"size": 46, "color": "rgba(0,0,0,0)", "line": {"width": 3, "color": GENERATED}}
    x, y = place[:1], place[1:]
    return Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip", showlegend=False)


def _in_unit_square(places: Places) -> Places:
    low, high = places.min(0), places.max(0)
    inside: Places = MARGIN + (1 - 2 * MARGIN) * (places - low) / np.maximum(high - low, 1e-9)
    return inside


def _layer(
    places: Places,
    labels: Int64[ndarray, "pictures"],
    pictures: UInt8[ndarray, "pictures channels height width"],
) -> str:
    """Return, as a data address, a see-through picture with some of the pictures on it."""
    layer = np.zeros((SIDE, SIDE, 4), np.uint8)
    height, width = pictures.shape[2:]
    factor = max(1, 56 // height)
    tall, wide = height * factor, width * factor
    for index in _apart(places):
        grey = pictures[index].repeat(factor, 1).repeat(factor, 2).transpose(1, 2, 0)
        top = int(np.clip((1 - places[index, 1]) * SIDE - tall / 2, 3, SIDE - tall - 3))
        left = int(np.clip(places[index, 0] * SIDE - wide / 2, 3, SIDE - wide - 3))
        frame = ImageColor.getrgb(CLASSES[labels[index] % len(CLASSES)])
        layer[top - 3 : top + tall + 3, left - 3 : left + wide + 3] = (*frame, 255)
        layer[top : top + tall, left : left + wide, :3] = grey
    buffer = io.BytesIO()
    Image.fromarray(layer).save(buffer, "PNG", compress_level=6)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _apart(places: Places) -> list[int]:
    """Return pictures, the first ones first, none nearer than APART to another."""
    chosen: list[int] = []
    for index, place in enumerate(places):
        if not chosen or np.abs(places[chosen] - place).max(1).min() > APART:
            chosen.append(index)
    return chosen
