"""A browser, and a server with an empty home."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError

from tests.support.visit import PAGE, Site, launched, serving

expect.set_options(timeout=PAGE)

WHOLE = "[...document.images].every(image => !image.complete || image.naturalWidth)"


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; it ends with this folder, as its event loop disturbs other tests."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """A browser."""
    with launched(playwright.chromium) as browser:
        yield browser


@pytest.fixture(scope="package")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server, for all tests that neither stop it nor fill its disk."""
    with serving(Site(tmp_path_factory.mktemp("site") / "home")) as running:
        yield running


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A student's browser."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PAGE)
    yield context
    context.close()


@pytest.fixture
def visit(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[str], Page]]:
    """Open an address as one more visitor, each with a browser of their own."""
    pages: list[Page] = []

    def opened(url: str) -> Page:
        context = chromium.new_context()
        context.set_default_timeout(PAGE)
        pages.append(context.new_page())
        pages[-1].goto(url)
        return pages[-1]

    yield opened
    for page in pages:
        with suppress(BrowserError):  # closed by the test
            page.context.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a browser of its own; at the end, no page may have failed anywhere."""
    pages: list[Page] = []
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        text = f"{message.text} ({where})"
        harmless = r"/\w+/_stcore/[\w-]+\)$|/media/\w+\.png\b"  # a picture that was soon replaced
        if message.type == "error" and not re.search(harmless, text):
            errors.append(text)

    def opened(url: str, width: int = 1280) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 844})
        context.set_default_timeout(PAGE)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(f"uncaught: {error}"))
        pages.append(page)
        page.goto(url)
        return page

    yield opened
    texts = [page.locator("body").inner_text() for page in pages]
    failures = [page.get_by_test_id("stException").count() for page in pages]
    for page in pages:
        page.wait_for_function(WHOLE)
    for page in pages:
        with suppress(BrowserError):
            page.context.close()
    assert not errors
    assert not any(failures)
    assert not any(re.search("Traceback|Something went wrong", text) for text in texts)
