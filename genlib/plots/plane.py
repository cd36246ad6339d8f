"""What rests on a plane of pictures: the pictures themselves, and dots and circles over them."""

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw

from genlib.plots.figures import CLASSES

FINE = 4  # drawn so many times larger, then halved: the edges of dots become smooth
DOT = 2.3  # radius in pixels
SHADE = 0.7  # of the pictures under the dots

Pictures = UInt8[ndarray, "pictures channels height width"]


def sheet(pictures: Pictures, columns: int) -> bytes:
    """Return, as PNG, pictures side by side without gutters, `columns` in each row."""
    count, channels, height, width = pictures.shape
    rows = -(-count // columns)
    padded = np.zeros((rows * columns, channels, height, width), np.uint8)
    padded[:count] = pictures
    grid = padded.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    image = grid.reshape(rows * height, columns * width, channels)
    return _png(Image.fromarray(image[:, :, 0] if channels == 1 else image))


def plane(
    pictures: Pictures,
    columns: int,
    dots: Float[ndarray, "dots 2"],
    kinds: Int64[ndarray, "dots"],
    circles: Sequence[tuple[float, float, float]] = (),
) -> bytes:
    """Return, as PNG of twice the pictures' size, pictures on a grid with dots over them.

    Args:
        pictures: row by row from the top.
        columns: pictures of a row.
        dots: in units of the plane's sides, (0, 0) the lower left; those outside are left out.
        kinds: the class of each, for its colour.
        circles: (x, y, radius) in units of the plane's width.
    """
    ground = Image.open(io.BytesIO(sheet(pictures, columns))).convert("RGB")
    ground = Image.fromarray((np.asarray(ground) * SHADE).astype(np.uint8))
    width, height = ground.size
    size = width * FINE, height * FINE
    image = ground.resize(size, Image.Resampling.NEAREST)
    ink = ImageDraw.Draw(image)
    for x, y, radius in circles:
        for colour, line in (("black", 5), ("white", 2)):
            ink.ellipse(_box(size, x, y, radius * size[0]), outline=colour, width=line * FINE // 2)
    inside = ((dots >= 0) & (dots <= 1)).all(1)
    for (x, y), kind in zip(dots[inside].tolist(), kinds[inside].tolist(), strict=True):
        colour = CLASSES[kind % len(CLASSES)]
        ink.ellipse(_box(size, x, y, DOT * FINE), fill=colour, outline="black", width=FINE // 2)
    return _png(image.resize((2 * width, 2 * height), Image.Resampling.BOX))


def _box(
    size: tuple[int, int], x: float, y: float, radius: float
) -> tuple[float, float, float, float]:
    x, y = x * size[0], (1 - y) * size[1]
    return x - radius, y - radius, x + radius, y + radius


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
