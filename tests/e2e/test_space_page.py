"""A Space as its visitors have it: over TLS, and inside a page of huggingface.co."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Locator,
    Page,
    Playwright,
    Route,
    expect,
)

from tests.support.visit import Site, launched, no_traceback, serving, shared_link

HOST = "student-genlib.hf.space"
SPACE = f"https://{HOST}/"
OUTSIDE = "https://huggingface.co/spaces/student/genlib"
TLS = ["STREAMLIT_SERVER_SSL_CERT_FILE={0}/cert.pem", "STREAMLIT_SERVER_SSL_KEY_FILE={0}/key.pem"]
SELF_SIGNED = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}"]

Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that has a Space's host and speaks TLS, which Hugging Face would do for it."""
    folder = tmp_path_factory.mktemp("space")
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([*SELF_SIGNED, *files], check=True, capture_output=True)
    settings = [f"SPACE_HOST={HOST}", *(setting.format(folder) for setting in TLS)]
    with serving(Site(folder / "home", ("env", *settings))) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, site: Site) -> Iterator[Browser]:
    """A browser that finds the server under the Space's name, trusts it, and takes it for far."""
    flags = [f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{site.port}"]
    flags += ["--ignore-certificate-errors", "--disable-features=LocalNetworkAccessChecks"]
    with launched(playwright.chromium, *flags) as browser:
        yield browser


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page that sees huggingface.co as a frame around the Space, with its query handed on."""

    def embedding(route: Route) -> None:
        _, _, query = route.request.url.partition("?")
        frame = f'<iframe width="1200" height="900" src="{SPACE}?{query}"></iframe>'
        route.fulfill(content_type="text/html", body=f"<!doctype html>{frame}")

    page = context.new_page()
    page.route("https://huggingface.co/**", embedding)
    return page


def embedded(page: Page, query: str) -> FrameLocator:
    page.goto(f"{OUTSIDE}?{query}")
    return page.frame_locator("iframe")


def beta(page: Page | FrameLocator) -> Locator:
    return page.get_by_role("slider", name="β")


@pytest.mark.slow
def test_a_link_on_home_opens_the_lesson_with_its_knobs(visit: Visit):
    page = visit(SPACE + "?page=vae&vae.beta=4&__theme=light")
    expect(beta(page)).to_have_attribute("aria-valuetext", "4")
    expect(page).to_have_url(re.compile(r"/vae\?(.*&)?vae\.beta=4"))
    assert "page=" not in page.url
    expect(page.locator("h1")).to_have_text("Variational autoencoder")
    expect(page.get_by_text("The link asked for something")).to_have_count(0)
    no_traceback(page)


@pytest.mark.slow
def test_the_way_back_from_it_is_the_way_that_one_came(visit: Visit):
    page = visit(SPACE)
    expect(page.get_by_role("heading", name="The lessons")).to_be_visible()
    page.goto(f"{SPACE}?page=vae&vae.beta=4")
    expect(beta(page)).to_be_visible()
    page.go_back()
    expect(page).to_have_url(SPACE)
    expect(page.get_by_role("heading", name="The lessons")).to_be_visible()


@pytest.mark.slow
def test_an_unknown_lesson_is_home_and_a_sentence(visit: Visit):
    page = visit(SPACE + "?page=nothing")
    expect(page.get_by_text("Your link asks for a lesson that is not here")).to_be_visible()
    expect(page.locator("h1")).to_have_text("The playground for generative models")
    no_traceback(page)


@pytest.mark.slow
def test_an_embedded_link_opens_the_lesson_and_the_knobs_work_there(page: Page):
    frame = embedded(page, "page=vae&vae.beta=4")
    expect(beta(frame)).to_have_attribute("aria-valuetext", "4")
    beta(frame).focus()
    page.keyboard.press("ArrowRight")
    moved = re.compile(rf"{re.escape(SPACE)}vae\?vae\.beta=(?!4\b)")
    expect(shared_link(frame)).to_have_value(moved)
    assert page.url == f"{OUTSIDE}?page=vae&vae.beta=4", "the bar shows the other site's address"


@pytest.mark.slow
def test_the_link_to_share_leads_to_the_same_lesson_outside_the_frame(page: Page):
    frame = embedded(page, "page=vae&vae.beta=4")
    link = shared_link(frame)
    expect(link).to_have_value(f"{SPACE}vae?vae.beta=4")
    page.goto(link.input_value())
    expect(beta(page)).to_have_attribute("aria-valuetext", "4")
    no_traceback(page)


@pytest.mark.slow
def test_a_picture_can_be_uploaded_inside_the_frame(page: Page):
    frame = embedded(page, "page=denoising&denoising.source=Upload")
    chooser = frame.locator("input[type=file]")
    chooser.wait_for(state="attached")
    favicon = Path(__file__).resolve().parents[2] / "ui" / "favicon.png"
    with page.expect_response(re.compile("_stcore/upload_file")) as uploaded:
        chooser.set_input_files(favicon)
    assert uploaded.value.status < 300
    expect(frame.get_by_text("favicon.png")).to_be_visible()
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "_streamlit_xsrf"]
    assert (cookie["sameSite"], cookie["secure"]) == ("None", True)
