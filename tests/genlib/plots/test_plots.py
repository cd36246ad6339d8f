"""Pictures keep their pixels, charts show what they are given."""

import io
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from genlib.models import FAMILIES
from genlib.plots import (
    animation,
    architecture,
    coding_chart,
    diverging,
    loss_chart,
    picture_grid,
    to_png,
)
from genlib.plots.grid import GROUND, GUTTER
from genlib.runs.spec import RunSpec


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_keeps_every_pixel(channels: int):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, channels, 4, 5), np.uint8)
    grid = picture_grid(pictures, 7)
    small = grid[3::7, 3::7]
    assert np.array_equal(small.repeat(7, 0).repeat(7, 1), grid), "nearest neighbour, whole factor"
    for row in range(2):
        for column in range(3):
            top, left = row * (4 + GUTTER), column * (5 + GUTTER)
            seen = small[top : top + 4, left : left + 5].transpose(2, 0, 1)
            assert np.array_equal(seen, np.broadcast_to(pictures[row, column], (3, 4, 5)))


def test_gutters_are_even_and_neutral():
    grid = picture_grid(np.zeros((2, 2, 1, 4, 4), np.uint8), 1)
    assert grid.shape == (8 + GUTTER, 8 + GUTTER, 3)
    assert (grid[4 : 4 + GUTTER] == GROUND).all()
    assert (grid[:, 4 : 4 + GUTTER] == GROUND).all()
    assert (grid == GROUND).all(2).sum() == grid.shape[0] ** 2 - 4 * 16


def test_png_is_lossless_and_the_same_each_time():
    image = np.random.default_rng(1).integers(0, 256, (9, 11, 3), np.uint8)
    content = to_png(image)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), image)
    assert to_png(image) == content


def test_animation_has_every_frame():
    frames = np.stack([np.full((6, 6, 3), level, np.uint8) for level in (0, 100, 200)])
    with Image.open(io.BytesIO(animation(frames))) as gif:
        assert gif.n_frames == 3
        for index, level in enumerate((0, 100, 200)):
            gif.seek(index)
            assert np.asarray(gif.convert("RGB")).mean() == pytest.approx(level, abs=1)


@pytest.mark.parametrize("dark", [False, True])
def test_architecture_draws_each_layer_by_its_size(dark: bool):
    sizes = [("picture", 784), ("hidden", 100), ("codings", 30), ("reconstruction", 784)]
    root = ET.fromstring(architecture(sizes, dark=dark))  # noqa: S314 (our own SVG)
    space = "{http://www.w3.org/2000/svg}"
    heights = [float(bar.get("height", 0)) for bar in root.iter(f"{space}rect")]
    assert heights[0] == heights[3] > heights[1] > heights[2]
    texts = [text.text for text in root.iter(f"{space}text")]
    assert texts == [part for name, units in sizes for part in (str(units), name)]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_name_in_an_architecture_runs_into_the_next(family: str):
    sizes = RunSpec.of_preset(family).build().sizes()
    root = ET.fromstring(architecture(sizes, dark=False))  # noqa: S314 (our own SVG)
    names = list(root.iter("{http://www.w3.org/2000/svg}text"))[1::2]
    spans = []
    for text in names:
        wide = 0.55 * float(text.get("font-size")) * len(text.text)  # a letter of this font
        at, share = float(text.get("x")), {"start": 0, "middle": 0.5, "end": 1}
        left = at - share[text.get("text-anchor")] * wide
        spans.append((left, left + wide))
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))


def test_loss_chart_shows_the_points_within_its_axes():
    points = [(1, 0.5), (10, 0.03), (90, 0.0112)]
    spec = loss_chart({"training mse": points}, 100, ("PCA", 0.0156))
    line, baseline = spec["series"]
    assert line["data"] == [list(point) for point in points]
    assert baseline["data"] == [[0, 0.0156], [100, 0.0156]]
    axis = spec["yAxis"]
    assert axis["min"] <= 0.0112 < 0.5 <= axis["max"]
    assert (spec["xAxis"]["min"], spec["xAxis"]["max"]) == (0, 100)


@pytest.mark.parametrize("count", [7, 11])
def test_a_loss_chart_draws_every_curve(count):
    series = {f"loss {i}": [(1, 1.0 + i), (2, 0.5 + i)] for i in range(count)}
    drawn = loss_chart(series, 2)["series"]
    assert [each["name"] for each in drawn] == list(series)
    assert len({each["color"] for each in drawn}) == min(count, 8)


def test_an_empty_loss_chart_is_a_chart():
    axis = loss_chart({"validation mse": []}, 1)["yAxis"]
    assert 0 < axis["min"] < axis["max"]


def test_coding_chart_shows_codings_over_their_spread():
    codings, spread = np.array([0.5, -2.0, 1.0]), np.array([1.0, 0.5, 2.0])
    band, bars = coding_chart(codings, spread, 1).data
    assert np.array_equal(bars.y, codings)
    assert np.array_equal(band.base, -2 * spread)
    assert np.array_equal(band.base + band.y, 2 * spread)
    assert bars.marker.color[1] not in (bars.marker.color[0], bars.marker.color[2])


def test_maps_in_colour_are_white_at_zero_and_saturate():
    values = np.array([[[0.0, 3.0, -3.0, 30.0, 1.5]]], np.float32)
    drawn = diverging(values, 3.0)
    assert drawn.shape == (1, 3, 1, 5)
    white, orange, blue, more, half = drawn[0, :, 0].T
    assert list(white) == [255, 255, 255]
    assert list(orange) == list(more) == [213, 94, 0]
    assert list(blue) == [0, 114, 178]
    assert list(half) == [round((255 + end) / 2) for end in (213, 94, 0)]
