"""The lessons of noise, driven as a student would."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.reading import (
    Opened,
    keyed,
    number,
    pick,
    reach,
    settled,
    slide,
    train_to_the_end,
)
from tests.support.visit import Site, badge, no_traceback, requests, until


def film(page: Page, key: str) -> Locator:
    """Return a film of the page, once it is drawn."""
    actual = keyed(page, key).locator("div.player")
    expect(actual).to_be_attached()
    reach(actual, "e => e.querySelector('.told').innerText")
    return actual


def messages(actual: Locator) -> str:
    return actual.locator(".told").inner_text()


def drawn(actual: Locator) -> list[int]:
    """Return numbers that change when a panel is drawn otherwise."""
    return actual.locator("canvas").evaluate_all(
        """all => all.map(e => e.getContext("2d").getImageData(0, 0, e.width, e.height).data
               .reduce((sum, value, i) => (31 * sum + value) | 0, 7))"""
    )


def noisy(actual: Locator, panel: int) -> float:
    """Return the mean difference of neighbouring pixels of a panel: much in noise."""
    return (
        actual.locator("canvas")
        .nth(panel)
        .evaluate(
            """e => { const { data } = e.getContext("2d").getImageData(0, 0, e.width, e.height);
                  let sum = 0;
                  for (let i = 4; i < data.length; i += 4) sum += Math.abs(data[i] - data[i - 4]);
                  return 4 * sum / data.length; }"""
        )
    )


def test_the_way_back_is_played_and_scrubbed_without_asking_the_server(site: Site, opened: Opened):
    page = opened(site.url("ddpm"))
    badge(page, "shipped")
    settled(page)
    actual = film(page, "ddpm-reverse")
    end, last = messages(actual), drawn(actual)
    assert end.startswith("t = 0 of 1,000")
    sent = requests(page)
    slider = actual.get_by_role("slider", name="Moment")
    slider.focus()
    slider.press("Home")
    assert messages(actual).startswith("t = 1,000 of 1,000")
    assert drawn(actual) != last
    assert noisy(actual, 0) > 2 * noisy(actual, 1)  # noise is there, a blur is seen in it
    slider.press("ArrowRight")
    assert messages(actual).startswith("t = 950 of 1,000")
    actual.get_by_role("button", name="Play").click()
    until(lambda: messages(actual) == end)
    assert drawn(actual) == last
    expect(actual.locator(".play")).to_have_text("Play")
    assert sent == []


@pytest.mark.slow
def test_another_sampler_ends_elsewhere_and_the_link_holds_it(site: Site, opened: Opened):
    page = opened(site.url("ddpm"))
    settled(page)
    before = drawn(film(page, "ddpm-reverse"))
    pick(page, "Sampler", "DDPM")
    expect(page).to_have_url(re.compile(r"ddpm\.sampler=DDPM(&|$)"))
    until(lambda: drawn(film(page, "ddpm-reverse")) != before)
    after = drawn(film(page, "ddpm-reverse"))
    again = opened(page.url)
    settled(again)
    assert drawn(film(again, "ddpm-reverse")) == after


@pytest.mark.slow
def test_the_film_comes_as_a_gif_and_as_a_png_that_open(site: Site, opened: Opened):
    page = opened(site.url("ddpm"))
    settled(page)
    film(page, "ddpm-reverse")
    for name, kind in (("GIF", "GIF"), ("APNG", "PNG")):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=re.compile(f"{name}$")).first.click()
        image = Image.open(io.BytesIO(waiting.value.path().read_bytes()))
        assert image.format == kind
        assert image.n_frames == 21  # twenty steps, and where they begin
        first = image.convert("L").tobytes()
        image.seek(image.n_frames - 1)
        assert image.convert("L").tobytes() != first


@pytest.mark.slow
def test_a_drawing_is_drowned_at_every_time(site: Site, opened: Opened):
    page = opened(site.url("ddpm", source="Draw", inside="Forward process"))
    settled(page)
    expect(
        page.get_by_text("Draw something, or upload a picture, to add noise to it.")
    ).to_be_attached()
    pad = page.get_by_role("application", name=re.compile("Drawing pad")).first
    pad.focus()
    for _ in range(6):
        pad.press("Space")
        pad.press("Shift+ArrowRight")
    actual = film(page, "ddpm-forward")
    slider = actual.get_by_role("slider", name="Moment")
    slider.focus()
    slider.press("Home")
    assert messages(actual) == "t = 0 of 1,000: x_t = 1.000 · picture + 0.000 · noise"
    picture = drawn(actual)
    assert picture[0] == picture[1]  # nothing to see through yet
    calm = noisy(actual, 0)
    slider.press("End")
    assert messages(actual) == "t = 1,000 of 1,000: x_t = 0.000 · picture + 1.000 · noise"
    assert noisy(actual, 0) > 3 * calm


def test_a_hole_is_filled_anew_when_it_is_painted_otherwise(site: Site, opened: Opened):
    page = opened(site.url("ddpm", inside="Inpainting"))
    settled(page)
    alt = "The picture with its hole, and six ways to fill it"
    shown = page.get_by_alt_text(alt, exact=True)
    reach(shown, "e => e.complete && e.naturalWidth > 0")
    before = shown.get_attribute("src")
    pad = page.get_by_role("application", name=re.compile("Drawing pad")).last
    pad.focus()
    for _ in range(3):
        pad.press("Space")
        pad.press("Shift+ArrowUp")
    until(lambda: shown.get_attribute("src") != before)
    page.get_by_role("button", name="Clear").last.click()
    expect(page.get_by_text("Paint a hole first.")).to_be_visible()
    no_traceback(page)


@pytest.mark.slow
def test_the_learned_score_is_near_the_exact_one(site: Site, opened: Opened):
    page = opened(site.url("ddpm", inside="The score, in the plane"))
    settled(page)
    error = page.get_by_test_id("stMetricValue").first
    error.scroll_into_view_if_needed()
    assert number(error, r"([\d.]+)%") < 5
    before = error.inner_text()
    slide(page, "Time", "End")
    until(lambda: page.get_by_test_id("stMetricValue").first.inner_text() != before)


@pytest.mark.slow
def test_a_student_trains_one_and_walks_by_it(site: Site, opened: Opened):
    page = opened(site.url("flow") + "?flow.dataset=Digits+8%C3%978+(scikit-learn)&flow.epochs=5")
    train_to_the_end(page)
    actual = film(page, "flow-reverse")
    assert messages(actual).startswith("t = 0 of 1,000")
    size = actual.locator("canvas").first.evaluate("e => [e.width, e.height]")
    assert size == [4 * 10 - 2, 4 * 10 - 2]  # sixteen pictures of 8 by 8, and their gutters


@pytest.mark.slow
def test_a_single_time_step_is_said_in_plain_words(site: Site, opened: Opened):
    query = "ddpm.dataset=Digits+8%C3%978+(scikit-learn)&ddpm.epochs=1"
    page = opened(f"{site.url('ddpm')}?{query}&ddpm.timesteps=1&ddpm.schedule=linear")
    train_to_the_end(page)
    expect(page.get_by_text("This model knows a single time")).to_be_attached()
    assert messages(film(page, "ddpm-reverse")).startswith("t = 0 of 1:")
    page.get_by_text("Noise schedules", exact=True).click()
    expect(
        page.get_by_text(re.compile(r"At t = T, x_T is still 0\.95 times the picture"))
    ).to_be_attached()
    no_traceback(page)


@pytest.mark.slow
def test_more_steps_than_times_in_a_link_are_said_in_plain_words(site: Site, opened: Opened):
    page = opened(site.url("ddpm") + "?ddpm.steps=5000&ddpm.sampler=Wishful")
    settled(page)
    expect(page.get_by_text("“steps” = “5000” (nearest: ")).to_be_attached()
    assert messages(film(page, "ddpm-reverse")).startswith("t = 0 of 1,000")
    no_traceback(page)


@pytest.mark.slow
def test_all_samplers_walk_from_the_same_noise(site: Site, opened: Opened):
    page = opened(site.url("samplers"))
    settled(page)
    actual = film(page, "samplers-samplers")
    expect(actual.locator("canvas")).to_have_count(4)  # Euler is DDIM
    slider = actual.get_by_role("slider", name="Moment")
    slider.focus()
    slider.press("Home")
    assert len(set(drawn(actual))) == 1  # the same noise
    slider.press("End")
    ends = dict(zip(actual.locator("figcaption").all_inner_texts(), drawn(actual), strict=True))
    assert ends["DDPM"] != ends["DDIM"]
