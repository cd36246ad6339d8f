import base64
from types import SimpleNamespace

import pytest
import torch
from streamlit.testing.v1 import AppTest

from ui.widgets.drawing_pad import _validated

SIZES = [(28, 28), (8, 8), (32, 32), (5, 3), (1, 1)]


def sent(levels):
    return base64.b64encode(bytes(levels)).decode()


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_drawing_arrives_as_it_was_sent(height, width):
    levels = [(7 * i + 1) % 256 for i in range(height * width)]
    picture = _validated(sent(levels), height, width)
    assert picture.shape == (1, height, width)
    assert picture.dtype == torch.uint8
    assert picture.flatten().tolist() == levels


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_black_pad_is_no_drawing(height, width):
    assert _validated(sent(bytes(height * width)), height, width) is None


GOOD = sent([200] * 64)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        1e308,
        float("nan"),
        "",
        "null",
        [200] * 64,
        [[200] * 8] * 8,
        {"drawing": GOOD},
        SimpleNamespace(),
        GOOD.encode(),
        GOOD[:-1],
        GOOD + "A",
        GOOD[:-2] + "AA",  # two bytes more in as many characters
        GOOD[:-4] + "A===",
        GOOD[:-1] + "\n",
        "\n" + GOOD[1:],
        "é" + GOOD[1:],
        "\ud800" + GOOD[1:],
        "\0" * len(GOOD),
        "=" * len(GOOD),
        "_" * len(GOOD),
        sent([200] * 63),
        sent([200] * 65),
        sent([200] * 67),
        "A" * 10**6,
        "<script>alert(1)</script>",
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_no_pad_sends_is_no_drawing(value):
    assert _validated(GOOD, 8, 8) is not None
    assert _validated(value, 8, 8) is None


def test_a_page_starts_with_an_empty_pad():
    def page():
        import streamlit as st

        from ui.widgets.drawing_pad import drawing_pad

        st.write(f"drawn: {drawing_pad((3, 8, 8), 'pad')}")

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert app.markdown[0].value == "drawn: None"
