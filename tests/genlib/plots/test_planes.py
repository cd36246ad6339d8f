"""Planes of pictures, curves with places, rows with names: everything lies where it should."""

import base64
import io
import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image, ImageColor

from genlib.plots import (
    CLASSES,
    animation,
    cloud_chart,
    named_rows,
    picture_grid,
    plane,
    pointed_curve,
    sheet,
)
from genlib.plots.plane import SHADE
from tests.support.unpacked import unpacked
from ui.widgets.picture_field import Field, packed, validated

RNG = np.random.default_rng(0)
SVG = "{http://www.w3.org/2000/svg}"


def opened(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def pictures(count: int, channels: int = 1) -> np.ndarray:
    return RNG.integers(0, 256, (count, channels, 4, 5), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "columns"), [(1, 1), (7, 3), (6, 3), (3, 5)])
def test_a_tile_that_is_cut_out_of_a_sheet_is_its_picture(count, columns, channels):
    output = pictures(count, channels)
    image = opened(sheet(output, columns))
    rows = math.ceil(count / columns)
    assert image.shape[:2] == (rows * 4, columns * 5)
    image = image.reshape(*image.shape[:2], channels)
    for index, picture in enumerate(output):
        top, left = index // columns * 4, index % columns * 5  # as the browser cuts it
        assert np.array_equal(image[top : top + 4, left : left + 5].transpose(2, 0, 1), picture)


NOWHERE = np.empty((0, 2)), np.empty(0, np.int64)


def resting(columns: int, output: np.ndarray) -> np.ndarray:
    """Return a plane with nothing on it."""
    return opened(plane(output, columns, *NOWHERE))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_plane_is_its_pictures_twice_as_large_and_darker(channels):
    output = pictures(6, channels)
    image = opened(sheet(output, 3)).reshape(8, 15, channels)
    actual = resting(3, output)
    assert actual.shape == (16, 30, 3)
    expected = np.broadcast_to(image, (8, 15, 3)).repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(actual, SHADE * expected, atol=1)


def even(side: int) -> np.ndarray:
    """Return one white picture."""
    return np.full((1, 1, side, side), 255, np.uint8)


def at(image: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """Return the colour at a place in units of the sides, (0, 0) the lower left."""
    height, width = image.shape[:2]
    return tuple(image[int((1 - y) * height), int(x * width)].tolist())


@pytest.mark.parametrize("kind", range(len(CLASSES)))
def test_a_dot_leaves_the_colour_of_its_class_at_its_place_and_nothing_far_from_it(kind):
    place, empty = (0.2, 0.7), resting(1, even(40))
    image = opened(plane(even(40), 1, np.array([place]), np.array([kind])))
    assert at(image, *place) == ImageColor.getrgb(CLASSES[kind])
    changed = np.argwhere((image != empty).any(2))
    far = np.hypot(changed[:, 1] + 0.5 - 0.2 * 80, changed[:, 0] + 0.5 - 0.3 * 80)
    assert far.max() < 10, "a dot is small"


def test_every_dot_is_drawn_in_its_own_colour():
    places, kinds = np.array([(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)]), np.arange(4)
    image = opened(plane(even(40), 1, places, kinds))
    for (x, y), kind in zip(places, kinds, strict=True):
        assert at(image, x, y) == ImageColor.getrgb(CLASSES[kind])


@pytest.mark.parametrize("place", [(-0.01, 0.5), (1.01, 0.5), (0.5, -0.01), (0.5, 1.01), (9, -9)])
def test_dots_outside_the_plane_are_left_out(place):
    image = opened(plane(even(40), 1, np.array([place], float), np.array([0])))
    assert np.array_equal(image, resting(1, even(40)))


def test_a_circle_is_seen_at_its_radius_and_neither_within_nor_without():
    image = opened(plane(even(60), 1, *NOWHERE, circles=[(0.5, 0.5, 0.25)]))
    changed = np.argwhere((image != resting(1, even(60))).any(2)) + 0.5
    far = np.hypot(*(changed - 60).T) / 120  # in units of the plane's width
    assert np.abs(far - 0.25).max() < 0.05
    for angle in np.linspace(0, 2 * np.pi, 12):
        x, y = 60 + 30 * np.cos(angle), 60 + 30 * np.sin(angle)
        assert np.hypot(changed[:, 1] - x, changed[:, 0] - y).min() < 3


SIZE = 620, 420


def curve(points: np.ndarray, dark: bool = False) -> tuple[ET.Element, np.ndarray]:
    names = [f"β = {index}" for index in range(len(points))]
    drawing, places = pointed_curve(points, names, ("rate", "distortion"), SIZE, dark=dark)
    return ET.fromstring(drawing), np.array(places)  # noqa: S314 (our own SVG)


@pytest.mark.parametrize("dark", [False, True])
@given(
    points=some.lists(
        some.tuples(some.floats(0, 1e4), some.floats(0, 1e4)), min_size=1, max_size=12
    )
)
def test_the_places_of_a_curve_are_those_of_its_points(points, dark):
    values = np.array(points, float)
    root, places = curve(values, dark)
    assert root.tag == f"{SVG}svg"
    assert places.shape == values.shape
    assert ((places >= 0) & (places <= 1)).all()
    for axis in (0, 1):  # one affine map on each axis, so that the order is kept
        rising = np.argsort(values[:, axis], kind="stable")
        assert (np.diff(places[rising, axis]) >= -1e-9).all()
    drawn = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter(f"{SVG}circle")]
    expected = np.stack([SIZE[0] * places[:, 0], SIZE[1] * (1 - places[:, 1])], 1)
    np.testing.assert_allclose(drawn, expected, atol=0.051)  # written to a tenth of a pixel
    line = next(root.iter(f"{SVG}polyline")).get("points")
    assert [tuple(map(float, pair.split(","))) for pair in line.split()] == drawn


def test_equal_steps_are_equally_far_on_a_curve_and_its_ticks_lie_where_they_say():
    values = np.array([(0.0, 0.0), (2.0, 10.0), (4.0, 20.0), (6.0, 30.0)])
    root, places = curve(values)
    np.testing.assert_allclose(np.diff(places, axis=0), np.diff(places, axis=0)[:1].repeat(3, 0))
    texts = [each for each in root.iter(f"{SVG}text") if each.get("text-anchor") == "middle"]
    ticks = {each.text: float(each.get("x")) for each in texts if each.text.isdigit()}
    assert {"0", "2", "4", "6"} <= set(ticks)
    for (x, _), (value, _) in zip(places, values, strict=True):
        assert ticks[f"{value:g}"] == pytest.approx(SIZE[0] * x, abs=0.051)


def test_a_curve_says_the_names_of_its_points_and_of_its_axes():
    root, _ = curve(np.array([(1.0, 2.0), (3.0, 1.0)]))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"β = 0", "β = 1", "rate", "distortion"} <= set(texts)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_named_rows_have_a_name_beside_each_row_and_the_pictures_in_the_grid(channels, dark):
    output = RNG.integers(0, 256, (3, 4, channels, 6, 5), np.uint8)
    names, factor = ["1: 2.5", "10: 0.3", "this name needs a second line"], 3
    root = ET.fromstring(named_rows(output, names, factor, dark=dark))  # noqa: S314 (our own SVG)
    texts = list(root.iter(f"{SVG}text"))
    assert [each.text for each in texts] == [
        *names[:2],
        "this name needs a",
        "second line",
    ]
    image = next(root.iter(f"{SVG}image"))
    address = image.get("href")
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    grid = picture_grid(output, factor)
    assert np.array_equal(opened(content), grid)
    assert address.startswith("data:image/png;base64,")
    left, wide = float(image.get("x")), float(image.get("width"))
    assert (float(root.get("width")), float(root.get("height"))) == (left + wide, len(grid))
    assert (wide, float(image.get("height"))) == (grid.shape[1], len(grid))
    gap = (len(grid) - 3 * 6 * factor) / 2
    for row, text in zip((0, 1, 2, 2), texts, strict=True):
        top = row * (6 * factor + gap)
        assert top < float(text.get("y")) < top + 6 * factor + gap
        assert float(text.get("x")) < left


FRAMES = np.stack([np.full((6, 7, 3), level, np.uint8) for level in (0, 60, 120, 250)])


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_an_animation_has_every_frame_for_its_time_and_rests_at_the_last(kind):
    with Image.open(io.BytesIO(animation(FRAMES, 80, kind, rest=500))) as image:
        assert image.format == kind
        assert image.n_frames == len(FRAMES)
        durations = []
        for index, frame in enumerate(FRAMES):
            image.seek(index)
            seen = np.asarray(image.convert("RGB")).astype(int)
            assert np.abs(seen - frame).max() <= (1 if kind == "GIF" else 0)
            durations.append(image.info["duration"])
    assert durations == [80, 80, 80, 580]


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_frames_that_are_alike_take_the_time_of_all_of_them(kind):
    frames = FRAMES[[0, 0, 1, 1, 1, 2]]
    with Image.open(io.BytesIO(animation(frames, 100, kind, rest=0))) as image:
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            total += image.info["duration"]
    assert total == 100 * len(frames)


def test_a_cloud_reaches_two_deviations_to_both_sides_over_that_of_the_prior():
    mean, deviation = np.array([0.5, -2.0, 0.0]), np.array([0.1, 1.0, 0.6])
    draw = mean + deviation
    prior, cloud, dots = cloud_chart(mean, deviation, draw).data
    np.testing.assert_allclose(prior.base.astype(float), -2)
    np.testing.assert_allclose((prior.base + prior.y).astype(float), 2)
    np.testing.assert_allclose(cloud.base.astype(float), mean - 2 * deviation)
    np.testing.assert_allclose((cloud.base + cloud.y).astype(float), mean + 2 * deviation)
    assert np.array_equal(dots.y, draw)
    for trace in (prior, cloud, dots):
        assert list(trace.x) == ["1", "2", "3"]


real = some.one_of(
    some.floats(allow_nan=False, allow_infinity=False), some.integers(-(10**9), 10**9)
)


@given(real, real, some.sampled_from([list, tuple]))
def test_a_place_that_a_client_sent_is_clipped_to_the_plane(x, y, kind):
    place = validated(kind([x, y]))
    assert place == (min(max(x, 0), 1), min(max(y, 0), 1))
    assert all(type(part) is float for part in place)


broken = some.one_of(
    *(some.none(), some.text(), some.binary(), some.lists(real), some.complex_numbers()),
    some.sampled_from([math.nan, math.inf, -math.inf]),
)


@given(
    some.one_of(
        *(some.none(), real, some.text(), some.binary(), some.booleans()),
        some.lists(real, max_size=6).filter(lambda value: len(value) != 2),
        some.dictionaries(some.text(), real),
        some.tuples(broken, real),
        some.tuples(real, broken).map(list),
        some.sets(real, min_size=2, max_size=2),
    )
)
def test_what_is_no_place_is_none(value):
    assert validated(value) is None


@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["up", "down"])
def test_a_number_too_large_for_a_float_is_no_error(value):
    """JSON has such integers: nothing stops a client from sending one."""
    place = validated([0.5, value])
    assert place is None or place[0] == 0.5


def test_a_field_is_sent_as_a_document_and_its_two_pictures():
    ground, all_pictures = b"<svg/>", sheet(pictures(2), 2)
    field = Field(
        ground=(ground, "image/svg+xml"),
        sheet=all_pictures,
        tile=(6, 6),
        places=[(0.25, 0.5), (0.75, 0.5)],
        captions=["β = 1", "z = (0, 1)"],
        width=100,
        label="Two pictures.",
        legend={"coat": "#000000"},
    )
    header, arrays = unpacked(packed(field, 3, (0.5, 0.5)))
    assert arrays == {"ground": ground, "sheet": all_pictures}
    assert header["ground_type"] == "image/svg+xml"
    assert (header["factor"], header["start"]) == (3, [0.5, 0.5])
    assert header["places"] == [[0.25, 0.5], [0.75, 0.5]]
    assert header["captions"] == field.captions
