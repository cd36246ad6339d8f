"""Every picture of a map is at its place, in its colour, and none hides another."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageColor
from scipy import ndimage
from scipy.spatial.distance import cdist

from genlib.plots import CLASSES, picture_map
from genlib.plots.maps import APART, SIDE

NAMES = tuple("abcdefghij")
COUNT = 800


def random_map(
    seed: int = 0, channels: int = 1, size: int = 8, classes: int = 10, spread=(5.0, 0.01)
):
    """Return places, labels and pictures; the places are far from a square."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(COUNT, 2)) * spread + [100, -3]
    labels = rng.integers(0, classes, COUNT)
    pictures = rng.integers(0, 256, (COUNT, channels, size, size), np.uint8)
    return places, labels, pictures


def on_the_map(figure) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each picture on the map, by its index, and the class it is drawn in."""
    places, drawn_as = np.full((COUNT, 2), np.nan), np.full(COUNT, -1)
    for number, trace in enumerate(figure.data[:-1]):
        index = np.asarray(trace.customdata)
        assert (drawn_as[index] == -1).all(), "no picture twice"
        places[index] = np.stack([trace.x, trace.y], 1)
        drawn_as[index] = number
    return places, drawn_as


def layer(figure) -> np.ndarray:
    """Return the picture that lies over the map, decoded."""
    (image,) = figure.layout.images
    assert (image.x, image.y, image.sizex, image.sizey) == (0, 1, 1, 1)
    kind, _, content = image.source.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as opened:
        assert opened.format == "PNG"
        return np.asarray(opened)


@pytest.mark.parametrize("spread", [(5.0, 0.01), (1e-6, 1e6)])
def test_every_point_is_its_picture_s_and_in_the_colour_of_its_class(spread):
    places, labels, pictures = random_map(spread=spread)
    figure = picture_map(places, labels, NAMES, pictures, 3)
    shown, drawn_as = on_the_map(figure)
    assert np.array_equal(drawn_as, labels)
    assert [trace.name for trace in figure.data[:-1]] == list(NAMES)
    assert [trace.marker.color for trace in figure.data[:-1]] == list(CLASSES)
    relative = (places - places.min(0)) / np.ptp(places, axis=0)
    again = (shown - shown.min(0)) / np.ptp(shown, axis=0)
    np.testing.assert_allclose(again, relative, atol=1e-9)
    assert shown.min() > 0
    assert shown.max() < 1
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (0, 1)


@pytest.mark.parametrize("chosen", [0, 17, COUNT - 1])
def test_the_chosen_picture_is_ringed(chosen: int):
    figure = picture_map(*random_map()[:2], NAMES, random_map()[2], chosen)
    ring = figure.data[-1]
    places, _ = on_the_map(figure)
    assert [ring.x[0], ring.y[0]] == places[chosen].tolist()
    assert ring.customdata is None, "a click on it chooses no other one"


def frames(pixels: np.ndarray) -> list[tuple[slice, slice]]:
    """Return where the pictures of a layer are: connected regions that are not transparent."""
    solid = pixels[..., 3] == 255
    assert (pixels[..., 3][~solid] == 0).all()
    return ndimage.find_objects(ndimage.label(solid)[0])


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (1, 28), (3, 32)])
def test_drawn_pictures_have_their_own_pixels_at_their_own_places(channels: int, size: int):
    places, labels, pictures = random_map(1, channels, size)
    figure = picture_map(places, labels, NAMES, pictures, 0)
    pixels = layer(figure)
    assert pixels.shape == (SIDE, SIDE, 4)
    shown, _ = on_the_map(figure)
    actual = []
    for rows, columns in frames(pixels):
        middle = np.array([columns.start + columns.stop, SIDE * 2 - rows.start - rows.stop])
        distances = np.abs(shown - middle / 2 / SIDE).max(1)
        index = int(distances.argmin())
        assert distances[index] <= 1.5 / SIDE, "within a pixel and a half of its place"
        actual.append(index)
        seen = pixels[rows, columns, :3]
        factor = (seen.shape[0] - 6) // size
        assert seen.shape[:2] == (factor * size + 6, factor * size + 6)
        frame = np.array(ImageColor.getrgb(CLASSES[labels[index]]))
        assert (seen[:3] == frame).all()
        assert (seen[:, -3:] == frame).all()
        inner = seen[3:-3, 3:-3]
        small = inner[factor // 2 :: factor, factor // 2 :: factor]
        assert np.array_equal(small.repeat(factor, 0).repeat(factor, 1), inner)
        expected = np.broadcast_to(pictures[index], (3, size, size)).transpose(1, 2, 0)
        assert np.array_equal(small, expected)
    assert len(set(actual)) == len(actual) > 20
    apart = cdist(shown[actual], shown[actual], "chebyshev") + 9 * np.eye(len(actual))
    assert apart.min() > APART
    nearest = cdist(shown, shown[actual], "chebyshev").min(1)
    assert nearest.max() <= APART, "there is a picture wherever there is room for one"
    assert 0 in actual, "the first ones come first"


def test_pictures_at_one_and_the_same_place_are_one_picture():
    places, labels, pictures = random_map()
    same = np.full_like(places, 7.0)
    figure = picture_map(same, labels, NAMES, pictures, 0)
    shown, _ = on_the_map(figure)
    assert np.isfinite(shown).all()
    assert len(frames(layer(figure))) == 1


def test_a_class_without_pictures_is_empty():
    places, labels, pictures = random_map(classes=4)
    figure = picture_map(places, labels, NAMES, pictures, 0)
    assert [len(trace.x) > 0 for trace in figure.data[:-1]] == [True] * 4 + [False] * 6
