"""Small pictures enlarged crisply and composed into one image."""

import io
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image

GUTTER = 2  # pixels between pictures, before enlarging
ORANGE, BLUE = (213, 94, 0), (0, 114, 178)  # Okabe and Ito's
GROUND = 128  # the grey of the gutters, which reads on a light and on a dark page


def picture_grid(
    pictures: UInt8[ndarray, "rows columns channels height width"], factor: int
) -> UInt8[ndarray, "grid_height grid_width 3"]:
    """Return one RGB image of rows of pictures, each pixel enlarged to factor × factor.

    The gutters between pictures are even and transparent to no one: a neutral grey.
    """
    rows, columns, channels, height, width = pictures.shape
    colour = np.broadcast_to(
        pictures if channels == 3 else pictures[:, :, :1], (rows, columns, 3, height, width)
    )
    tall, wide = height + GUTTER, width + GUTTER
    grid = np.full((rows * tall - GUTTER, columns * wide - GUTTER, 3), GROUND, np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * tall, column * wide
            grid[top : top + height, left : left + width] = colour[row, column].transpose(1, 2, 0)
    return grid.repeat(factor, axis=0).repeat(factor, axis=1)


def diverging(
    values: Float[ndarray, "maps height width"], most: float
) -> UInt8[ndarray, "maps 3 height width"]:
    """Return maps in colour: white is 0, orange `most` and more, blue as much below."""
    share = np.clip(values / most, -1, 1)[:, None]
    ends = np.where(share > 0, *(np.array(end).reshape(3, 1, 1) for end in (ORANGE, BLUE)))
    colours: ndarray = np.round(255 + np.abs(share) * (ends - 255))
    return colours.astype(np.uint8)


def to_png(image: UInt8[ndarray, "height width 3"]) -> bytes:
    """Return an RGB image as PNG, the same bytes for the same picture."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def animation(
    frames: UInt8[ndarray, "frames height width 3"],
    milliseconds: int = 200,
    kind: Literal["GIF", "PNG"] = "GIF",
    rest: int = 800,
) -> bytes:
    """Return frames as an animated GIF or APNG that starts again after `rest` milliseconds."""
    images = [Image.fromarray(frame) for frame in frames]
    durations = [milliseconds] * (len(images) - 1) + [milliseconds + rest]
    buffer = io.BytesIO()
    images[0].save(
        buffer, kind, save_all=True, append_images=images[1:], duration=durations, loop=0
    )
    return buffer.getvalue()
