"""Results: named fields, whatever their values, and those that version 1 wrote by position."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genlib.tasks.result import Result, list_from_json, list_to_json


class Point(Result):
    x: float
    label: str = ""


class Curve(Result):
    title: str
    points: list[Point]


EVERY = st.builds(Point, x=st.floats(allow_nan=False), label=st.text())


@given(st.builds(Curve, title=st.text(), points=st.lists(EVERY)))
def test_a_result_is_read_as_it_was_written(curve: Curve):
    assert Curve.from_json(curve.to_json()) == curve


@given(st.lists(EVERY))
def test_so_are_several(points: list[Point]):
    assert list_from_json(Point, list_to_json(points)) == points


def test_infinite_values_and_nan_survive():
    assert Point.from_json(Point(x=-math.inf).to_json()).x == -math.inf
    assert math.isnan(Point.from_json(Point(x=math.nan).to_json()).x)


def test_fields_by_position_are_read_at_every_depth_and_later_fields_have_their_default():
    curve = Curve.from_json(b'["both", [[1.5, "a"], [2.5]]]')
    assert curve == Curve(title="both", points=[Point(x=1.5, label="a"), Point(x=2.5)])


@pytest.mark.parametrize("content", [b"[]", b'[1, "a", 2]', b'{"x": 1, "y": 2}', b"3", b"{}"])
def test_another_result_is_refused(content: bytes):
    with pytest.raises(ValidationError):
        Point.from_json(content)
