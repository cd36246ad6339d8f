"""A student plays, looks, trains, stops, goes on, rewinds, shares, and takes the run home."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from safetensors.numpy import load

from tests.support.visit import (
    Site,
    badge,
    button,
    main_picture,
    no_traceback,
    picture,
    run_name,
    shared_link,
    step,
    train,
    until,
)

Visit = Callable[[str], Page]
ROW_ONE = "40 27 25 36 81 57 10 73 19 68"
ROW_TWO = " ".join(map(str, range(50, 12, -2)))


def answer(page: Page, numbers: str) -> None:
    box = page.get_by_label("Type the numbers")
    box.fill(numbers)
    box.press("Enter")


@pytest.mark.slow
def test_the_memory_game_from_its_start_to_its_end(site: Site, visit: Visit):
    page = visit(site.url())
    game = page.get_by_test_id("stMain")
    expect(game).to_contain_text(ROW_ONE, use_inner_text=True)
    button(page, "Hide it").click()
    expect(page.get_by_label("Type the numbers")).to_be_visible()
    assert ROW_ONE not in game.inner_text()
    answer(page, "40 27 99 36 81, 58 10")
    expect(game).to_contain_text("5 of 10 at their place.")
    button(page, "Next row").click()
    expect(game).to_contain_text(ROW_TWO, use_inner_text=True)
    button(page, "Hide it").click()
    answer(page, ROW_TWO)
    expect(game).to_contain_text("19 of 19 at their place.")
    button(page, "Why?").click()
    expect(game).to_contain_text("A row with a pattern has a short description")
    button(page, "Play again").click()
    expect(game).to_contain_text(ROW_ONE, use_inner_text=True)


def test_the_link_on_home_leads_to_the_shipped_pictures(site: Site, visit: Visit):
    page = visit(site.url())
    page.get_by_test_id("stMain").get_by_role("link", name=re.compile("Stacked")).click()
    badge(page, "shipped")
    assert page.url.endswith("/stacked")
    shown = Image.open(io.BytesIO(picture(page)))
    size = main_picture(page).evaluate("e => [e.width, e.height]")
    assert size == [shown.width, shown.height]
    assert shown.width >= 5 * 28
    assert np.asarray(shown.convert("L")).std() > 20, "pictures, not one grey"
    expect(page.get_by_text(re.compile("^Test MSE"))).to_be_visible()
    no_traceback(page)


def test_knobs_by_keyboard_then_training_that_is_watched_to_its_end(
    site: Site, context: BrowserContext, visit: Visit
):
    page = context.new_page()
    page.goto(site.url("stacked", epochs=3))
    badge(page, "not trained yet")
    other_codings = picture(page)
    slider = page.get_by_role("slider", name="Codings")
    slider.focus()
    slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"stacked\.codings=29"))
    until(lambda: picture(page) != other_codings)
    badge(page, "not trained yet")
    before, curve = picture(page), page.get_by_test_id("stEChartsChart").first
    empty = curve.screenshot()
    train(page)
    early, first = picture(page), step(page)
    until(lambda: step(page) > first)
    until(lambda: picture(page) not in (before, early))
    grown = curve.screenshot()
    assert grown != empty
    until(lambda: curve.screenshot() != grown)
    badge(page, "trained here")
    name = run_name(page)
    until(lambda: site.finished(name))
    assert picture(page) not in (before, early)

    shared_link(page)
    button(page, "Copy link").click()
    expect(button(page, "Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert sorted(parse_qsl(urlsplit(link).query)) == [
        ("stacked.codings", "29"),
        ("stacked.epochs", "3"),
    ]
    other = visit(link)
    badge(other, "replayed")
    assert run_name(other) == name
    until(lambda: picture(other) == picture(page))

    rewind = page.get_by_role("slider", name="Moment").first
    rewind.focus()
    rewind.press("Home")
    expect(page.get_by_text(re.compile("Step 0 of"))).to_be_visible()
    assert picture(page) == before
    end = picture(other)
    button(other, "Play").click()
    until(lambda: picture(other) not in (before, end))
    until(lambda: picture(other) == end)
    other.goto(page.url + "&stacked.rewind=0")
    expect(other.get_by_text(re.compile("Step 0 of"))).to_be_visible()
    assert picture(other) == before
    no_traceback(page)


@pytest.mark.slow
def test_a_long_training_is_stopped_and_goes_on(site: Site, visit: Visit):
    page = visit(site.url("stacked", codings=12))
    badge(page, "not trained yet")
    button(page, "Textbook").click()
    expect(page).to_have_url(re.compile(r"stacked\.optimizer=nadam"))
    badge(page, "not trained yet")
    page.goto(page.url + "&stacked.seed=11")
    badge(page, "not trained yet")
    train(page)
    first = step(page)
    until(lambda: step(page) > first + 50)
    button(page, "Stop").click()
    badge(page, "stopped")
    name = run_name(page)
    until(lambda: not site.jobs.waiting())
    saved = picture(page)
    page.reload()
    badge(page, "stopped")
    assert picture(page) == saved
    train(page)
    assert step(page) >= first
    button(page, "Stop").click()
    badge(page, "stopped")
    assert not site.finished(name)
    until(lambda: not site.jobs.waiting())


@pytest.mark.slow
def test_the_run_is_taken_home(site: Site, visit: Visit, tmp_path: Path):
    page = visit(site.url("stacked", part="Take home"))
    badge(page, "shipped")

    def taken(name: str) -> Path:
        with page.expect_download() as download:
            button(page, re.compile(f"{name}$")).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        return path

    weights = load(taken("Weights").read_bytes())
    assert sum(value.size for value in weights.values()) == 163_814
    assert "stacked" in taken("Script").read_text()
    assert json.loads(taken("Notebook").read_text())["nbformat"] == 4
    with Image.open(taken("Training as GIF")) as film:
        assert film.n_frames > 10


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_nothing_scrolls_sideways(chromium: Browser, site: Site, scheme: str, width: int):
    context = chromium.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    backgrounds = set()
    for name in ("", "stacked"):
        page.goto(site.url(name))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_test_id("stMain").locator("img").first).to_be_visible()
        last = page.get_by_role("heading", name="machine").or_(page.get_by_role("tablist").first)
        expect(last).to_be_attached()
        page.wait_for_timeout(500)  # drawings settle after their data came
        for part in ("html", "body", "[data-testid=stMain]"):
            wide, room = page.locator(part).evaluate("e => [e.scrollWidth, e.clientWidth]")
            assert wide <= room, f"{part} of /{name} scrolls sideways"
        backgrounds.add(
            page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
        )
    context.close()
    assert backgrounds == {"rgb(18, 22, 28)" if scheme == "dark" else "rgb(255, 255, 255)"}
