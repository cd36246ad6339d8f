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
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError

from tests.support.visit import FLAGS, PAGE, Site

expect.set_options(timeout=PAGE)

WHOLE = "[...document.images].every(image => !image.complete || image.naturalWidth)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; it ends with its module, as its event loop would disturb other tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server."""
    site = Site(tmp_path_factory.mktemp("house") / "home")
    try:
        site.start()
        yield site
    finally:
        site.stop()


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
    wrong: list[str] = []

    def told(message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        text = f"{message.text} ({where})"
        passing = r"/\w+/_stcore/[\w-]+\)$|/media/\w+\.png\b"  # a picture that was soon replaced
        if message.type == "error" and not re.search(passing, text):
            wrong.append(text)

    def opened(url: str, width: int = 1280) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 844})
        context.set_default_timeout(PAGE)
        page = context.new_page()
        page.on("console", told)
        page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
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
    assert not wrong
    assert not any(failures)
    assert not any(re.search("Traceback|Something went wrong", text) for text in texts)
