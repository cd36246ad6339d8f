"""The page that compares, driven as a student would: a budget, figures, two runs, a link."""

import re

import pytest
import torch
from playwright.sync_api import Page, expect

from genlib.classifier import ClassifierSpec
from genlib.data import DATASETS
from genlib.jobs.attempt import Attempt
from genlib.runs.spec import RunSpec
from genlib.studies import comparison
from genlib.studies.comparison import MEMBERS, REAL, Comparison
from genlib.tasks.workspace import Workspace
from tests.support.reading import Opened, chart, pick, settled, slide, source
from tests.support.visit import Site, badge, button, until

CPU = torch.device("cpu")
BUDGETS = 10, 30
QUERY = {"dataset": DATASETS["digits"].title, "seconds": BUDGETS[0]}


@pytest.fixture(scope="module")
def compared(site: Site) -> Site:
    """The site with comparisons of digits at two budgets, which pay for few epochs here."""
    spec, store = ClassifierSpec(dataset="digits"), site.store
    *_, last = spec.model_copy(update={"steps": 30}).perform(Workspace(store, CPU), {})
    store.write_run(spec.fingerprint, last.files)
    with pytest.MonkeyPatch.context() as patch:
        for most, seconds in enumerate(BUDGETS, 2):
            patch.setattr(comparison, "MOST", most)
            study = Comparison(dataset="digits", seconds=seconds)
            assert all(Attempt(store, CPU, study).progress())
    return site


def sentence(page: Page) -> str:
    """Return what the page says of quality, diversity and speed."""
    messages = page.get_by_text(re.compile("comes nearest to real pictures"))
    expect(messages).to_be_visible()
    return messages.locator("xpath=ancestor::ul").inner_text()


def apart(page: Page) -> list[str]:
    """Return the rows of the table of what differs between two runs."""
    rows = page.get_by_test_id("stTable").first.locator("tbody tr").all_inner_texts()
    return [" ".join(row.split()) for row in rows]


@pytest.mark.slow
def test_another_budget_shows_other_figures_and_the_link_shows_the_same(
    compared: Site, opened: Opened
):
    page = opened(compared.url("compare", **QUERY))
    badge(page, "replayed")
    settled(page)
    pictures = {name: source(page, f"32 pictures: {name}") for name in (REAL, *MEMBERS)}
    assert len(set(pictures.values())) == 1 + len(MEMBERS)
    names = page.locator(".js-plotly-plot").first.locator(".legendtext").all_text_contents()
    assert names == list(MEMBERS)
    before = sentence(page)

    slide(page, "Training budget in seconds", "ArrowRight")
    expect(page).to_have_url(re.compile(r"compare\.seconds=30"))
    until(lambda: sentence(page) != before)
    settled(page)
    assert source(page, f"32 pictures: {REAL}") == pictures[REAL]
    assert source(page, "32 pictures: Diffusion") != pictures["Diffusion"]
    again = opened(page.url)
    settled(again)
    assert sentence(again) == sentence(page)


@pytest.mark.slow
def test_what_is_not_measured_can_be_begun_and_stopped(compared: Site, opened: Opened):
    page = opened(compared.url("compare", **QUERY, seed=5))
    settled(page)
    press = button(page, re.compile("Train and compare all four, about"))
    press.click()
    expect(page.get_by_test_id("stProgress")).to_contain_text(re.compile(r"\d+ of \d+"))
    button(page, "Stop").click()
    expect(button(page, re.compile("Train and compare all four"))).to_be_enabled()
    until(lambda: not compared.jobs.waiting())


@pytest.mark.slow
def test_two_runs_are_chosen_and_the_link_shows_the_same_difference(
    compared: Site, opened: Opened
):
    page = opened(compared.url("compare", **QUERY, inside="Any two runs"))
    settled(page)
    until(lambda: apart(page) == ["β 1 0"])
    pick(page, "Right", "vae, collapse")
    name = RunSpec.of_preset("vae", "collapse").fingerprint
    expect(page).to_have_url(re.compile(rf"compare\.right={name}"))
    until(lambda: apart(page) == ["β 1 100", "Epochs 8 3"])
    settled(page)
    again = opened(page.url)
    settled(again)
    until(lambda: apart(again) == apart(page))
    shown = page.get_by_test_id("stTable").last.inner_text()
    until(lambda: again.get_by_test_id("stTable").last.inner_text() == shown)


@pytest.mark.slow
def test_the_page_keeps_to_the_width_of_a_phone(compared: Site, opened: Opened):
    page = opened(compared.url("compare", **QUERY), width=390)
    settled(page)
    drawn = page.locator(".js-plotly-plot")
    chart(page, next(iter(re.findall(r"triangle-\w{8}", page.content()))))
    expect(drawn).to_have_count(1)
    for part in ("html", "body", "[data-testid=stMain]"):
        wide, room = page.locator(part).evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert wide <= room, f"{part} scrolls sideways"
    corners = drawn.locator(".annotation-text").all()
    for text in corners:
        box = text.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
