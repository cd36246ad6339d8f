"""What a lesson's page shows, read as a student would: charts, pictures, numbers, sliders."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.support.visit import badge, button, until

QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"
Opened = Callable[..., Page]  # opens an address, in a browser of its own


def settled(page: Page) -> None:
    """Wait until the page is whole: its script has ended, its parts are there."""
    expect(page.get_by_role("tablist").first).to_be_attached()
    expect(page.locator(QUIET)).to_be_attached()


def keyed(page: Page, key: str) -> Locator:
    """Return the part of the page with that key."""
    return page.locator(f".st-key-{key}")


def reach(actual: Locator, ready: str) -> None:
    """Scroll to a part of the page, until that script says that it is drawn."""

    def reached() -> bool:
        actual.scroll_into_view_if_needed()
        return bool(actual.evaluate(ready))

    until(reached)


def pick(page: Page, name: str, option: str) -> None:
    """Choose from a list what begins so; a rerun while it is open closes it again."""
    box = page.get_by_role("combobox", name=re.compile(name))

    def chosen() -> bool:
        box.click()
        box.fill(option)  # a long list draws what is in view
        page.get_by_role("option", name=re.compile(f"^{option}")).click(timeout=3000)
        return True

    until(chosen)


def chart(page: Page, key: str) -> Locator:
    """Return the plotly chart of that key, once it is drawn."""
    actual = keyed(page, key).locator(".js-plotly-plot")
    reach(actual, "e => Boolean(e._fullData && e._fullData.length)")
    return actual


def slide(page: Page, name: str, *keys: str) -> None:
    """Move a slider by keyboard."""
    slider = page.get_by_role("slider", name=re.compile(f"^{name}( {name})?$"))  # said twice
    slider.focus()
    for key in keys:
        slider.press(key)


def source(page: Page, alt: str) -> str:
    """Return where a picture comes from, once it is drawn with a size."""
    shown = page.get_by_alt_text(alt, exact=True)
    reach(shown, "e => e.complete && e.naturalWidth > 0")
    return shown.get_attribute("src") or ""


def size(page: Page, alt: str) -> tuple[int, int]:
    """Return the width and height of a picture in its own pixels."""
    source(page, alt)
    wide, tall = page.get_by_alt_text(alt, exact=True).evaluate(
        "e => [e.naturalWidth, e.naturalHeight]"
    )
    return wide, tall


def number(text: Locator, pattern: str) -> float:
    """Return the number in a text."""
    expect(text).to_be_visible()
    sentence = text.text_content() or ""  # of HTML or SVG
    actual = re.search(pattern, sentence)
    assert actual, sentence
    return float(actual[1].replace(",", ""))


def train_to_the_end(page: Page) -> None:
    """Press Train and wait for the end: a tiny run may be over before its first sign of life."""
    badge(page, "not trained yet")
    settled(page)
    button(page, re.compile("Train, about")).click()
    badge(page, "trained here")
    settled(page)
