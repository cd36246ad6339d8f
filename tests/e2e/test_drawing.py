"""The pad, drawn on in a browser, on a page of its own."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.visit import HOUSE, until

SIZE = 28
SCRIPT = f"""
import streamlit as st
from ui.widgets.drawing_pad import drawing_pad

inside = st.container(border=True).container() if st.toggle("Framed") else st.container()
with inside:
    drawing = drawing_pad((1, {SIZE}, {SIZE}), "pad")
st.button("Again")
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.text(f"runs {{st.session_state['runs']}} end")
if drawing is None:
    st.text("nothing drawn")
else:
    rows, columns = (drawing[0] > 127).nonzero(as_tuple=True)
    box = [int(side) for side in (rows.min(), rows.max(), columns.min(), columns.max())]
    st.text(f"lit {{len(rows)}} box {{box}} sum {{int(drawing.sum())}} end")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one page that says what it was sent."""
    script = tmp_path_factory.mktemp("pad") / "page.py"
    script.write_text(SCRIPT)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=HOUSE, env=os.environ | {"PYTHONPATH": str(HOUSE)})

    def healthy() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False

    try:
        until(healthy)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def page(address: str, visit: Callable[[str], Page]) -> Page:
    """The page with an empty pad."""
    page = visit(address)
    expect(page.get_by_text("nothing drawn")).to_be_visible()
    expect(page.locator("canvas")).to_be_visible()
    return page


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draw with the mouse through places, each (column, row) in pixels of the picture."""
    box = page.locator("canvas").bounding_box()
    assert box
    scale = (box["width"] - 2) / SIZE  # without its border
    ways = [(box["x"] + 1 + x * scale, box["y"] + 1 + y * scale) for x, y in places]
    page.mouse.move(*ways[0])
    page.mouse.down()
    for way in ways[1:]:
        page.mouse.move(*way, steps=5)
    page.mouse.up()


def messages(page: Page) -> Locator:
    """Return the line in which the server says what it saw."""
    return page.get_by_text(re.compile("^lit "))


def seen(page: Page) -> list[int]:
    """Return the first and last row, the first and last column that the server saw lit."""
    actual = re.search(r"box \[(.*)\]", messages(page).inner_text())
    assert actual
    return [int(number) for number in actual[1].split(", ")]


def shown(page: Page) -> int:
    """Return the sum of the grey levels on the canvas."""
    return page.locator("canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".reduce((sum, level, i) => sum + (i % 4 ? 0 : level), 0)"
    )


def test_the_server_sees_the_stroke_where_it_was_drawn(page: Page) -> None:
    stroke(page, (4.5, 20.5), (23.5, 20.5))
    expect(messages(page)).to_be_visible()
    top, bottom, left, right = seen(page)
    assert (top, bottom) == (19, 21)
    assert (left, right) == (3, 24)
    assert f"sum {shown(page)} end" in messages(page).inner_text()


def test_a_rerun_keeps_the_drawing_and_strokes_add_up(page: Page) -> None:
    stroke(page, (4.5, 4.5), (4.5, 23.5))
    expect(messages(page)).to_be_visible()
    first = shown(page)
    page.get_by_role("button", name="Again").click()
    expect(page.get_by_text("runs 3 end")).to_be_visible()
    assert shown(page) == first
    stroke(page, (20.5, 4.5), (20.5, 23.5))
    expect(page.get_by_text("runs 4 end")).to_be_visible()
    assert seen(page) == [3, 24, 3, 21]
    assert f"sum {shown(page)} end" in messages(page).inner_text()


def test_a_pad_that_moves_on_the_page_keeps_the_drawing(page: Page) -> None:
    stroke(page, (4.5, 4.5), (4.5, 23.5))
    expect(messages(page)).to_be_visible()
    first = shown(page)
    canvas = page.locator("canvas")
    canvas.evaluate("c => { c.dataset.old = 'yes'; }")
    page.get_by_text("Framed").click()
    expect(page.locator("canvas[data-old]")).to_have_count(0)  # it is another one
    expect(messages(page)).to_contain_text(f"sum {first} end")
    assert shown(page) == first


def test_strokes_in_quick_succession_are_sent_once(page: Page) -> None:
    for column in (5.5, 10.5, 15.5, 20.5):
        stroke(page, (column, 5.5), (column, 22.5))
    expect(messages(page)).to_contain_text(f"sum {shown(page)} end")
    assert seen(page)[2:] == [4, 21]
    expect(page.get_by_text(re.compile("runs [23] end"))).to_be_visible()


def test_undo_and_clear(page: Page) -> None:
    stroke(page, (5.5, 5.5), (5.5, 22.5))
    one = shown(page)
    stroke(page, (22.5, 5.5), (22.5, 22.5))
    expect(messages(page)).to_contain_text(f"sum {shown(page)} end")
    page.get_by_role("button", name="Undo").click()
    expect(messages(page)).to_contain_text(f"sum {one} end")
    assert shown(page) == one
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("nothing drawn")).to_be_visible()
    assert shown(page) == 0
    page.get_by_role("button", name="Undo").click()
    expect(messages(page)).to_contain_text(f"sum {one} end")


def test_a_thicker_brush_lights_more(page: Page) -> None:
    sums = []
    for brush in ("Thin", "Medium", "Thick"):
        page.get_by_role("button", name=f"{brush} brush").click()
        stroke(page, (14, 5), (14, 23))
        sums.append(shown(page))
    assert sums == sorted(set(sums))


def test_the_keyboard_draws_too(page: Page) -> None:
    page.locator("canvas").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    expect(messages(page)).to_contain_text(f"sum {shown(page)} end")
    assert seen(page) == [12, 14, 13, 20]
    page.keyboard.press("Control+z")
    expect(messages(page)).to_contain_text(f"sum {shown(page)} end")
    assert seen(page) == [12, 14, 13, 19]


def test_what_a_client_makes_up_is_nothing(page: Page) -> None:
    canvas = page.locator("canvas")
    for made_up in (7, [255] * 784, {"drawing": 1}, "A" * 5, "*" * 1048):
        canvas.evaluate("(c, value) => c.pad.send(value)", made_up)
    page.wait_for_timeout(1000)
    expect(page.get_by_text("nothing drawn")).to_be_visible()
    stroke(page, (4.5, 20.5), (23.5, 20.5))
    expect(messages(page)).to_be_visible()
