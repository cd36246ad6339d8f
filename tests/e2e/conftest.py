"""A browser, and a server with an empty home."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as BrowserError
from visit import FLAGS, PAGE, Site

expect.set_options(timeout=PAGE)


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
