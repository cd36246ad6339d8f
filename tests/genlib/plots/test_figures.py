"""Figures at rest and in space: they carry the numbers they are given, at their places."""

import re

import numpy as np
import pytest
from sklearn.decomposition import PCA

from genlib.data import DATASETS
from genlib.data.dataset import load
from genlib.plots import CLASSES, Line, bars, dots, histograms, lines, plane_animation
from genlib.plots.space import REACH

RNG = np.random.default_rng(0)


def luminance(colour: str) -> float:
    """Return WCAG's relative luminance of #RRGGBB."""
    levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_there_is_a_colour_for_every_class_and_no_two_share_one():
    assert len(CLASSES) == len(set(CLASSES)) == 10
    pictured = [source for source in DATASETS.values() if source.kind == "pictures"]
    assert max(len(source.classes) for source in pictured) <= len(CLASSES)
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in CLASSES)
    parts = np.array([[int(each[i : i + 2], 16) for i in (1, 3, 5)] for each in CLASSES])
    apart = np.abs(parts[:, None] - parts[None]).sum(2) + 1000 * np.eye(10)
    assert apart.min() > 50


@pytest.mark.parametrize("page", [0.0, 1.0], ids=["black", "white"])
def test_every_class_is_seen_on_a_dark_and_on_a_light_page(page: float):
    for colour in CLASSES:
        low, high = sorted([luminance(colour), page])
        assert (high + 0.05) / (low + 0.05) > 1.9, colour


def test_lines_carry_their_numbers_and_intervals():
    x, y, error = np.array([10.0, 100.0, 1000.0]), RNG.random(3), RNG.random(3)
    curves = {"measured": Line(x, y, error), "reference": Line(x, 2 * y, dashed=True)}
    figure = lines(curves, "labels", "accuracy in %", log="x")
    measured, baseline = figure.data
    assert [trace.name for trace in figure.data] == list(curves)
    assert np.array_equal(measured.x, x)
    assert np.array_equal(measured.y, y)
    assert np.array_equal(measured.error_y.array, error)
    assert np.array_equal(baseline.y, 2 * y)
    assert baseline.error_y.array is None
    assert (measured.line.dash, baseline.line.dash) == ("solid", "dash")
    assert figure.layout.xaxis.title.text == "labels"
    assert figure.layout.yaxis.title.text == "accuracy in %"


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_the_axes_that_are_asked_for_are_logarithmic(log: str):
    figure = lines({"one": Line(np.ones(2), np.ones(2))}, "", "", log=log)
    kinds = {"x": figure.layout.xaxis.type, "y": figure.layout.yaxis.type}
    assert kinds == {axis: "log" if axis in log else "linear" for axis in "xy"}


@pytest.mark.parametrize(("least", "most", "digits"), [(0.04, 9.0, 3), (1e-6, 2.0, 1)])
def test_a_logarithmic_axis_writes_round_numbers_and_not_too_many(least, most, digits):
    figure = lines({"one": Line(np.arange(2.0), np.array([least, most]))}, "", "", log="y")
    ticks = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    assert all(float(text) == pytest.approx(value) for text, value in ticks.items())
    assert sum(0.999 <= value < 9.999 for value in ticks.values()) == digits
    assert 2 <= sum(least <= value <= most for value in ticks.values()) <= 8


@pytest.mark.parametrize("count", [5, 8, 12])
def test_every_line_is_drawn_and_up_to_eight_each_in_its_own_colour(count):
    curve = Line(np.arange(2.0), np.arange(2.0))
    figure = lines({f"curve {i}": curve for i in range(count)}, "", "")
    assert [trace.name for trace in figure.data] == [f"curve {i}" for i in range(count)]
    assert len({trace.line.color for trace in figure.data}) == min(count, 8)


def test_a_mark_is_a_point_at_its_place_and_no_name_in_the_legend():
    figure = lines({"PCA": Line(np.ones(2), np.ones(2))}, "", "", mark=(30.0, 0.0112))
    *_, dot = figure.data
    assert (dot.mode, dot.x, dot.y) == ("markers", (30,), (0.0112,))
    assert dot.showlegend is False


def test_bars_carry_their_numbers_beside_the_reference():
    values = {"bag": 0.01, "shirt": 0.03, "coat": 0.02}
    figure = bars(values, "test MSE", baseline=("all classes", 0.02), colours=CLASSES)
    (bar,) = figure.data
    assert dict(zip(bar.x, bar.y, strict=True)) == values
    assert bar.marker.color == CLASSES[:3]
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1) == (0.02, 0.02)
    assert figure.layout.annotations[0].text == "all classes"
    assert bars(values, "").layout.shapes == ()


def test_more_bars_than_colours_begin_the_colours_again():
    (bar,) = bars({str(i): float(i) for i in range(7)}, "", colours=CLASSES[:3]).data
    assert bar.marker.color == (CLASSES[:3] * 3)[:7]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("bins", [(0.0, 0.9, 50), (0.0, 0.35, 50), (0.0, 0.7, 10), (0.1, 0.4, 3)])
def test_every_value_is_in_a_bin_of_the_histogram_those_beyond_its_ends_in_the_outer_ones(
    bins: tuple[float, float, int], kind: type
):
    low, high, count = bins
    samples = {"real": RNG.random(500).astype(kind), "made": 2 * RNG.random(300).astype(kind)}
    figure = histograms(samples, "error", bins=bins, threshold=0.2)
    assert [trace.name for trace in figure.data] == list(samples)
    for trace, values in zip(figure.data, samples.values(), strict=True):
        edges = np.linspace(low, high, count + 1)
        assert trace.width == pytest.approx(edges[1] - edges[0])
        np.testing.assert_allclose(trace.x, (edges[1:] + edges[:-1]) / 2)
        numbers = np.asarray(trace.y) * len(values)
        assert numbers.sum() == pytest.approx(len(values))
        inner = np.histogram(values, edges[1:-1])[0]
        assert np.abs(numbers[1:-1] - inner).sum() <= 2, "a value on an edge may fall either side"
        assert numbers[-1] >= (values >= high).sum()
    assert figure.layout.shapes[0].x0 == 0.2


def test_dots_are_at_their_places_and_one_unit_is_as_long_on_both_axes():
    samples = {"codings": RNG.random((5, 2)), "PCA": RNG.random((7, 2))}
    figure = dots(samples, "first", "second")
    for trace, (name, places) in zip(figure.data, samples.items(), strict=True):
        assert trace.name == name
        assert np.array_equal(np.stack([trace.x, trace.y], 1), places)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.scaleratio == 1
    assert len({trace.marker.color for trace in figure.data}) == 2


POINTS = load("ellipse").train.flatten(1).double().numpy()


def flattened(seed: int, dimensions: int) -> np.ndarray:
    """Return the points put on some plane, or on some line."""
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, dimensions)))[0]
    return 0.1 * seed + POINTS @ axes @ axes.T


def xyz(trace) -> np.ndarray:
    return np.stack([np.asarray(trace[axis], np.float64) for axis in "xyz"], 1)


def rank(points: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(points - points.mean(0), tol=1e-6))


FRAMES = {step: flattened(seed, 2) for seed, step in enumerate((0, 100, 10, 1000))}


@pytest.fixture(scope="module")
def figure():
    return plane_animation(POINTS, FRAMES, 2)


def test_there_is_a_frame_for_every_step_in_order_and_the_last_one_is_shown(figure):
    assert [frame.name for frame in figure.frames] == ["0", "10", "100", "1000"]
    moving = list(figure.frames[-1].traces)
    for index, trace in zip(moving, figure.frames[-1].data, strict=True):
        assert figure.data[index].type == trace.type
        assert np.array_equal(xyz(figure.data[index]), xyz(trace), equal_nan=True)
    (slider,) = figure.layout.sliders
    assert [step.args[0][0] for step in slider.steps] == ["0", "10", "100", "1000"]
    assert slider.active == 3


def test_what_stays_is_the_data_and_the_outline_of_pca_s_plane(figure):
    data, outline = (
        trace for i, trace in enumerate(figure.data) if i < figure.frames[0].traces[0]
    )
    assert np.array_equal(xyz(data), POINTS)
    corners, pca = xyz(outline), PCA(2, svd_solver="full").fit(POINTS)
    assert np.array_equal(corners[0], corners[-1]), "it is closed"
    assert rank(corners) == 2
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(corners)), corners, atol=1e-9)
    reach = REACH * pca.transform(POINTS).std(0)
    np.testing.assert_allclose(np.abs(pca.transform(corners)), np.tile(reach, (5, 1)), atol=1e-9)


def test_the_plane_of_every_frame_is_that_of_its_reconstructions(figure):
    for frame in figure.frames:
        output = FRAMES[int(frame.name)]
        cloud, _, plane = frame.data
        assert np.array_equal(xyz(cloud), output)
        corners = xyz(plane)
        assert rank(corners) == 2
        assert rank(np.concatenate([output, corners])) == 2
        np.testing.assert_allclose(corners.mean(0), output.mean(0), atol=1e-9)
        a, b, c, d = corners
        assert (b - a) @ (d - a) == pytest.approx(0, abs=1e-9)
        np.testing.assert_allclose(a + c, b + d, atol=1e-9)
        triangles = {frozenset(each) for each in zip(plane.i, plane.j, plane.k, strict=True)}
        assert set().union(*triangles) == {0, 1, 2, 3}, "both halves of the rectangle are filled"
        assert len(triangles) == 2


def test_lines_join_every_point_with_its_reconstruction_alone(figure):
    for frame in figure.frames:
        joined = xyz(frame.data[1]).reshape(-1, 3, 3)
        assert np.array_equal(joined[:, 0], POINTS)
        assert np.array_equal(joined[:, 1], FRAMES[int(frame.name)])
        assert np.isnan(joined[:, 2]).all()


def test_one_coding_gives_a_line():
    figure = plane_animation(POINTS, {0: flattened(1, 1), 9: flattened(2, 1)}, 1)
    pca = PCA(1, svd_solver="full").fit(POINTS)
    outline = xyz(figure.data[1])
    assert rank(outline) == 1
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(outline)), outline, atol=1e-9)
    for frame in figure.frames:
        corners = xyz(frame.data[2])
        assert rank(np.concatenate([xyz(frame.data[0]), corners])) == 1
        assert frame.data[2].opacity == 0, "there is no plane to fill"


def test_with_three_codings_all_of_space_is_reached_and_nothing_is_filled():
    figure = plane_animation(POINTS, {5: POINTS + 0.01}, 3)
    assert figure.data[4].opacity == 0
    assert rank(xyz(figure.data[1])) == 2


def test_a_single_moment_cannot_be_played():
    figure = plane_animation(POINTS, {7: FRAMES[0]}, 2)
    assert figure.layout.sliders == figure.layout.updatemenus == ()


def test_all_points_are_within_the_axes_and_one_unit_is_as_long_on_all_three(figure):
    scene = figure.layout.scene
    assert scene.aspectmode == "cube"
    ranges = np.array([scene[f"{axis}axis"].range for axis in "xyz"])
    assert (ranges[:, 0] < POINTS).all()
    assert (ranges[:, 1] > POINTS).all()
    assert np.ptp(np.diff(ranges, axis=1)) == pytest.approx(0, abs=1e-9)
