"""Drawings with letters, as SVG: a curve that one points at, and rows of pictures with names."""

import base64
from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from genlib.plots.architecture import INK
from genlib.plots.charts import GENERATED, QUIET
from genlib.plots.grid import GUTTER, picture_grid, to_png

LEFT, RIGHT, TOP, BOTTOM = 62, 56, 18, 46  # pixels around the axes of a curve
TICKS = 5
LETTERS = 18  # in a line of a row's name
SPACING = 18  # pixels from one line to the next

Length = float | int  # pixels
Places = list[tuple[float, float]]


def pointed_curve(
    points: Float[ndarray, "points 2"],
    names: Sequence[str],
    titles: tuple[str, str],
    size: tuple[int, int],
    *,
    dark: bool,
) -> tuple[str, Places]:
    """Return a curve through points as SVG, and each point's place in units of its sides.

    Args:
        points: x and y of each, in the order of the curve.
        names: what is written at each.
        titles: of the horizontal and of the vertical axis, with their units.
        size: width and height in pixels.
        dark: whether the page behind is dark.
    """
    (width, height), ink = size, INK[dark]
    high = points.max(0) * 1.08 + 1e-9
    inner = width - LEFT - RIGHT, height - TOP - BOTTOM
    at = [
        (LEFT + x / high[0] * inner[0], height - BOTTOM - y / high[1] * inner[1])
        for x, y in points.tolist()
    ]
    parts = [*_axes(high, titles, size, ink)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{QUIET}" stroke-width="2"/>')
    for (x, y), name in zip(at, names, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{GENERATED}"/>')
        parts.append(_text(x + 9, y - 7, name, ink, "start"))
    places = [(float(x / width), float(1 - y / height)) for x, y in at]
    return _svg(size, "".join(parts)), places


def _axes(
    high: Float[ndarray, "2"], titles: tuple[str, str], size: tuple[int, int], ink: str
) -> list[str]:
    """Return two axes from zero to `high`, with round ticks."""
    width, height = size
    inner = width - LEFT - RIGHT, height - TOP - BOTTOM
    right, bottom = width - RIGHT, height - BOTTOM
    parts = []
    for value in _ticks(float(high[0])):
        x = LEFT + value / high[0] * inner[0]
        parts.append(_line(x, TOP, x, bottom))
        parts.append(_text(x, bottom + 17, f"{value:g}", ink, "middle"))
    for value in _ticks(float(high[1])):
        y = bottom - value / high[1] * inner[1]
        parts.append(_line(LEFT, y, right, y))
        parts.append(_text(LEFT - 7, y + 4, f"{value:g}", ink, "end"))
    middle = TOP + inner[1] / 2
    parts.append(_text(LEFT + inner[0] / 2, height - 8, titles[0], ink, "middle"))
    turned = f'<g transform="translate(14 {middle:.1f}) rotate(-90)">'
    parts.append(turned + _text(0, 0, titles[1], ink, "middle") + "</g>")
    return parts


def _ticks(high: float) -> list[float]:
    """Return round numbers from 0 up to `high`, about TICKS of them."""
    rough = high / TICKS
    unit = 10.0 ** np.floor(np.log10(rough))
    step = float(next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough))
    return [round(step * k, 9) for k in range(int(high / step) + 1)]


def named_rows(
    pictures: UInt8[ndarray, "rows columns channels height width"],
    names: Sequence[str],
    factor: int,
    *,
    dark: bool,
) -> str:
    """Return rows of pictures as SVG, each pixel factor × factor, its name left of each row.

    Long names take several lines, so that rows stay legible where they are scaled down.
    """
    image = picture_grid(pictures, factor)
    tall, wide = image.shape[:2]
    labels = [wrap(name, LETTERS) for name in names]
    room = 10 + 8 * max(len(line) for lines in labels for line in lines)
    row = (pictures.shape[3] + GUTTER) * factor
    address = "data:image/png;base64," + base64.b64encode(to_png(image)).decode()
    parts = [
        f'<image href="{address}" x="{room}" y="0" width="{wide}" height="{tall}" '
        'style="image-rendering: pixelated"/>'
    ]
    for index, lines in enumerate(labels):
        middle = index * row + pictures.shape[3] * factor / 2 + 5
        for place, line in enumerate(lines):
            y = middle + SPACING * (place - (len(lines) - 1) / 2)
            parts.append(_text(room - 8, y, line, INK[dark], "end"))
    return _svg((room + wide, tall), "".join(parts))


def _line(x0: Length, y0: Length, x1: Length, y1: Length) -> str:
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" '
        f'stroke="{QUIET}" stroke-opacity="0.25"/>'
    )


def _text(x: Length, y: Length, text: str, ink: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="14" '
        f'font-family="sans-serif" fill="{ink}">{text}</text>'
    )


def _svg(size: tuple[int, int], body: str) -> str:
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{body}</svg>'
    )
