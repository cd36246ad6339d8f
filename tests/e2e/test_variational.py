"""The lesson of the variational autoencoder, driven as a student would."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from safetensors.numpy import load

from tests.support.reading import (
    Opened,
    chart,
    reach,
    settled,
    slide,
    source,
    train_to_the_end,
)
from tests.support.visit import Site, badge, button, requests, until

FIELD = "div.field"


def field(page: Page, number: int) -> Locator:
    """Return a picture field of the page, once it shows a picture."""
    actual = page.locator(FIELD).nth(number)
    reach(actual, "e => e.querySelector('.caption').innerText")
    return actual


def pixels(actual: Locator) -> list[int]:
    """Return the grey levels of the picture that a field shows."""
    return actual.locator("canvas.near").evaluate(
        """e => Array.from(e.getContext("2d").getImageData(0, 0, e.width, e.height).data)
               .filter((_, i) => i % 4 === 0)"""
    )


def point(page: Page, actual: Locator, x: float, y: float) -> None:
    """Move the mouse to a place of a field, in units of its sides from the lower left."""
    box = actual.locator(".ground").bounding_box()
    assert box
    page.mouse.move(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])


def test_draw_again_changes_eps_and_z_but_not_the_cloud(site: Site, opened: Opened):
    page = opened(site.url("vae"))
    badge(page, "shipped")
    settled(page)
    alt = "A picture, its middle, and eight draws"
    before = source(page, alt)
    button(page, "Draw again").click()
    expect(page).to_have_url(re.compile(r"vae\.draw=1"))
    until(lambda: source(page, alt) != before)
    again = opened(page.url)
    settled(again)
    assert source(again, alt).rpartition("/")[2] == source(page, alt).rpartition("/")[2]


def test_pointing_at_the_map_decodes_in_the_browser_without_asking_the_server(
    site: Site, opened: Opened
):
    page = opened(site.url("vae", inside="Latent map"))
    settled(page)
    actual = field(page, 0)
    sent = requests(page)
    seen = {}
    for x, y in [(0.2, 0.2), (0.8, 0.2), (0.5, 0.8)]:
        point(page, actual, x, y)
        seen[actual.locator(".caption").inner_text()] = tuple(pixels(actual))
    assert len(set(seen.values())) == 3
    assert sent == []
    milliseconds = actual.locator(".ground").evaluate(
        """e => {
          const box = e.getBoundingClientRect(), began = performance.now();
          for (let i = 0; i < 200; i++) {
            e.dispatchEvent(new PointerEvent("pointermove", {
              clientX: box.x + box.width * (i % 20) / 20,
              clientY: box.y + box.height * Math.floor(i / 20) / 10 }));
          }
          return (performance.now() - began) / 200;
        }"""
    )
    assert milliseconds < 16


@pytest.mark.slow
def test_a_click_on_the_map_decodes_exactly_and_the_link_says_where(site: Site, opened: Opened):
    page = opened(site.url("vae", inside="Latent map"))
    settled(page)
    messages = page.get_by_text(re.compile("Decoded exactly at z"))
    before = messages.inner_text()
    actual = field(page, 0)
    point(page, actual, 0.25, 0.6)
    box = actual.locator(".ground").bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.4 * box["height"])
    until(lambda: messages.inner_text() != before)
    expect(page).to_have_url(re.compile(r"vae\.pin="))
    sentence = re.findall(r"z = \(([^)]*)\)", messages.inner_text())
    again = opened(page.url)
    settled(again)
    other = again.get_by_text(re.compile("Decoded exactly at z"))
    assert re.findall(r"z = \(([^)]*)\)", other.inner_text()) == sentence


@pytest.mark.slow
def test_the_map_can_be_read_by_keyboard(site: Site, opened: Opened):
    page = opened(site.url("vae", inside="Latent map"))
    settled(page)
    actual = field(page, 0)
    before = actual.locator(".caption").inner_text()
    actual.locator(".ground").focus()
    page.keyboard.press("ArrowRight")
    assert actual.locator(".caption").inner_text() != before
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"vae\.pin="))


@pytest.mark.slow
def test_the_sweep_shows_samples_of_the_beta_that_one_points_at(site: Site, opened: Opened):
    page = opened(site.url("vae", inside="Rate and distortion"))
    settled(page)
    actual = field(page, 0)
    captions, seen = set(), set()
    for x in np.linspace(0.05, 0.95, 12):
        for y in (0.2, 0.5, 0.8):
            point(page, actual, x, y)
            captions.add(actual.locator(".caption").inner_text())
            seen.add(tuple(pixels(actual)))
    assert {float(re.search(r"β = ([\d.]+)", text)[1]) for text in captions} >= {0.01, 100}
    assert len(seen) == len(captions)


@pytest.mark.slow
def test_sliders_walk_between_two_pictures_and_the_animation_can_be_opened(
    site: Site, opened: Opened
):
    page = opened(site.url("vae", inside="Latent walk"))
    settled(page)
    before = source(page, "A walk, and a cross-fade")
    slide(page, "To test picture", "ArrowRight", "ArrowRight")
    expect(page).to_have_url(re.compile(r"vae\.last=3"))
    until(lambda: source(page, "A walk, and a cross-fade") != before)
    for name, kind in (("GIF", "GIF"), ("APNG", "PNG")):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).last.click()
        with Image.open(io.BytesIO(waiting.value.path().read_bytes())) as image:
            assert image.format == kind
            assert image.n_frames == 25


@pytest.mark.slow
def test_samples_can_be_taken_home_with_their_codings(site: Site, opened: Opened):
    page = opened(site.url("vae", inside="New samples"))
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Codings and pictures").first.click()
    taken = load(waiting.value.path().read_bytes())
    assert taken["z"].shape == (35, 10)
    assert taken["pictures"].shape == (35, 1, 28, 28)


@pytest.mark.slow
def test_beta_can_be_changed_trained_and_shared(site: Site, opened: Opened):
    page = opened(site.url("vae", epochs=1, pictures=1024, beta=4, inside="KL of each coding"))
    train_to_the_end(page)
    chart(page, "vae-rates")
    expect(page.get_by_text(re.compile("codings are used"))).to_be_visible()
    assert "vae.beta=4" in page.url


@pytest.mark.slow
def test_the_page_keeps_to_the_width_of_a_phone(site: Site, opened: Opened):
    page = opened(site.url("vae", inside="Latent map"), width=390)
    settled(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    for number in range(page.locator(FIELD).count()):
        box = field(page, number).bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
