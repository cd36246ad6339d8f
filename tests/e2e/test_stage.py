"""The first screen of a lesson: the picture, its button, and what a moved knob leaves."""

import re

from playwright.sync_api import Locator, expect

from tests.support.reading import Opened, keyed, settled
from tests.support.visit import Site, badge, button, main_picture, no_traceback, picture, until

SCREEN = {"width": 390, "height": 844}


def top(locator: Locator) -> float:
    """Return how far below the top of the screen something begins, in CSS pixels."""
    return locator.bounding_box()["y"]


def test_a_visitor_trains_the_next_seed_with_one_press_and_a_moved_knob_dims_the_run_before(
    site: Site, opened: Opened
):
    page = opened(site.url("linear"))
    badge(page, "shipped")
    settled(page)
    button(page, re.compile("Train your own, about")).click()
    expect(page).to_have_url(re.compile(r"linear\.seed=1"))
    badge(page, "trained here")
    slider = page.get_by_role("slider", name="Learning rate")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text(re.compile(r"^Learning rate 0\.03 → 0\.1$"))).to_be_visible()
    dimmed = keyed(page, "dimmed-linear")
    expect(dimmed).to_have_css("opacity", "0.5")
    expect(button(page, re.compile("Train, about"))).to_be_visible()
    expect(page.get_by_text(re.compile("Train this model first"))).to_have_count(0)
    no_traceback(page)


def test_on_a_phone_the_button_and_the_pictures_stand_on_the_first_screen_above_the_knobs(
    site: Site, opened: Opened
):
    page = opened(site.url("stacked"))
    page.set_viewport_size(SCREEN)
    badge(page, "shipped")
    until(lambda: len(picture(page)) > 0)
    shown = main_picture(page)
    knob = page.get_by_role("slider", name="Codings")
    press = button(page, re.compile("Train your own, about"))
    assert top(press) < top(shown) < 0.7 * SCREEN["height"] < top(knob)
