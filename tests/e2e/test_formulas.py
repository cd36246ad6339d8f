"""The mathematics of every page, drawn by a real browser: each formula is one, and none is red."""

import pytest
from playwright.sync_api import expect

from tests.support.reading import Opened, settled
from tests.support.visit import Site
from ui.navigation import PLAN

LESSONS = [name for name in PLAN if name != "home"]
SOON = "linear", "vae", "ddpm", "compare"  # the others are slow tests


@pytest.mark.parametrize(
    "name",
    [name if name in SOON else pytest.param(name, marks=pytest.mark.slow) for name in LESSONS],
)
def test_every_formula_of_a_page_is_drawn(site: Site, opened: Opened, name: str):
    page = opened(site.url(name, part="How it works"))
    settled(page)
    page.get_by_text("The mathematics", exact=True).click()
    main = page.get_by_test_id("stMain")
    expect(main.locator(".katex").first).to_be_visible()
    assert main.locator(".katex-error").count() == 0
    texts = main.locator("p, li").all_inner_texts()
    assert not [text for text in texts if "$" in text]
