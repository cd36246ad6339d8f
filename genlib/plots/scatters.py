"""Many small clouds of points side by side, on one picture."""

import io

from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageDraw

from genlib.plots.charts import GENERATED, QUIET, REAL

FINE = 4  # drawn so many times larger, then made small: the edges of dots become smooth
GAP = 8  # pixels between two clouds


def scatters(
    clouds: Float[ndarray, "clouds points 2"],
    real: Float[ndarray, "others 2"],
    *,
    columns: int,
    side: int,
) -> bytes:
    """Return, as PNG, clouds of generated points, each over the same known ones.

    Args:
        clouds: generated points.
        real: real ones, under each cloud; they decide what is shown.
        columns: clouds of a row.
        side: of each cloud's square, in pixels.
    """
    middle = (real.max(0) + real.min(0)) / 2
    half = 0.62 * (real.max(0) - real.min(0)).max()
    count = len(clouds)
    rows = -(-count // columns)
    size = columns * (side + GAP) - GAP, rows * (side + GAP) - GAP
    image = Image.new("RGBA", (size[0] * FINE, size[1] * FINE))
    ink = ImageDraw.Draw(image)
    for number, cloud in enumerate(clouds):
        left, top = number % columns * (side + GAP), number // columns * (side + GAP)
        box = left * FINE, top * FINE, (left + side) * FINE - 1, (top + side) * FINE - 1
        ink.rectangle(box, outline=QUIET, width=FINE)
        for points, colour, radius in ((real, REAL, 1.4), (cloud, GENERATED, 1.1)):
            places = (points - middle) / (2 * half) + 0.5
            for x, y in places[((places > 0.02) & (places < 0.98)).all(1)].tolist():
                at = (left + x * side) * FINE, (top + (1 - y) * side) * FINE
                reach = radius * FINE
                ink.ellipse(
                    (at[0] - reach, at[1] - reach, at[0] + reach, at[1] + reach), fill=colour
                )
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.BOX).save(buffer, "PNG")
    return buffer.getvalue()
