"""The adversarial lessons, driven as a student would."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.reading import Opened, reach, settled, train_to_the_end
from tests.support.visit import Site, badge, button, requests, shared_link, until


def board(page: Page, number: int) -> Locator:
    """Return a game board of the page, once it is drawn."""
    actual = page.locator("div.player").nth(number)
    reach(actual, "e => e.querySelector('.told').innerText")
    return actual


def messages(actual: Locator) -> str:
    return actual.locator(".told").inner_text()


def drawn(actual: Locator) -> int:
    """Return a number that changes when the board is drawn otherwise."""
    return actual.locator("canvas").evaluate(
        """e => e.getContext("2d").getImageData(0, 0, e.width, e.height).data
               .reduce((sum, value, i) => (31 * sum + value) | 0, 7)"""
    )


def modes(actual: Locator) -> int:
    text = re.search(r"(\d+) of 8 modes", messages(actual))
    assert text, messages(actual)
    return int(text[1])


def test_the_training_can_be_scrubbed_in_the_browser_without_asking_the_server(
    site: Site, opened: Opened
):
    page = opened(site.url("gan2d"))
    badge(page, "shipped")
    settled(page)
    actual = board(page, 0)
    end, last = messages(actual), drawn(actual)
    sent = requests(page)
    slider = actual.get_by_role("slider", name="Moment")
    slider.focus()
    slider.press("Home")
    assert messages(actual).startswith("Step 0:")
    assert messages(actual) != end
    assert drawn(actual) != last
    slider.press("End")
    assert (messages(actual), drawn(actual)) == (end, last)
    actual.get_by_label("G's grid").check()
    assert drawn(actual) != last
    assert sent == []


def test_one_phase_at_a_time_by_hand_and_the_link_holds_the_moves(site: Site, opened: Opened):
    page = opened(site.url("gan2d"))
    settled(page)
    actual = board(page, 1)
    assert messages(actual) == "No move yet."
    before = drawn(actual)
    button(page, "Step D").click()
    expect(page).to_have_url(re.compile(r"gan2d\.moves=D(&|$)"))
    until(lambda: messages(actual).startswith("Losses of the last move"))
    after = drawn(actual)
    assert after != before
    button(page, "Step G").click()
    expect(page).to_have_url(re.compile(r"gan2d\.moves=DG(&|$)"))
    until(lambda: drawn(actual) != after)
    link = shared_link(page)
    expect(link).to_have_value(re.compile(r"gan2d\.moves=DG$"))
    again = opened(link.input_value())
    settled(again)
    assert messages(board(again, 1)) == messages(actual)
    button(page, "Back").click()
    until(lambda: drawn(actual) == after)


@pytest.mark.slow
def test_slow_motion_names_every_part_of_both_phases(site: Site, opened: Opened):
    page = opened(site.url("gan2d") + "?gan2d.slow=true")
    settled(page)
    actual = board(page, 1)
    slider = actual.get_by_role("slider", name="Moment")
    slider.focus()
    slider.press("Home")
    parts = []
    for _ in range(9):
        parts.append(messages(actual).partition(".")[0])
        slider.press("ArrowRight")
    assert parts == [
        *(f"Phase 1, {part} of 5" for part in range(1, 6)),
        *(f"Phase 2, {part} of 4" for part in range(1, 5)),
    ]


@pytest.mark.slow
def test_the_collapse_loses_modes_and_the_cure_keeps_all(site: Site, opened: Opened):
    page = opened(site.url("gan2d", part="Break it"))
    settled(page)
    assert modes(board(page, 1)) <= 4
    assert modes(board(page, 3)) == 8
    button(page, "Set the knobs to “collapse”").click()
    text = page.locator("div.player .told").first
    expect(text).to_contain_text("Step 6,240")
    assert modes(board(page, 0)) <= 4


@pytest.mark.slow
def test_points_can_be_drawn_and_an_empty_sheet_is_said(site: Site, opened: Opened):
    page = opened(site.url("gan2d") + "?gan2d.dataset=Your+own+drawing&gan2d.epochs=1")
    settled(page)
    before = drawn(board(page, 0))
    button(page, "Clear").click()
    expect(page.get_by_text("The sheet is empty")).to_be_visible()
    pad = page.get_by_role("application", name=re.compile("Drawing pad"))
    pad.focus()
    for _ in range(3):
        pad.press("Space")
        pad.press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(r"gan2d\.drawing=[0-9a-f]{64}"))
    expect(page.get_by_text("The sheet is empty")).to_have_count(0)
    until(lambda: drawn(board(page, 0)) != before)
    train_to_the_end(page)
    assert "energy distance" in messages(board(page, 0))


@pytest.mark.slow
def test_a_rate_of_ten_ends_in_plain_words(site: Site, opened: Opened):
    query = "gan2d.optimizer=sgd&gan2d.learning_rate=10&gan2d.epochs=1"
    page = opened(f"{site.url('gan2d')}?{query}")
    settled(page)
    button(page, re.compile("Train, about")).click()
    expect(
        page.get_by_text(re.compile("Training diverged: .* Lower the learning rate"))
    ).to_be_visible()


@pytest.mark.slow
def test_the_health_panel_gives_a_verdict(site: Site, opened: Opened):
    page = opened(site.url("gan"))
    badge(page, "shipped")
    settled(page)
    verdict = page.get_by_text(
        re.compile("^(Healthy|Not healthy|Mode collapse|Partial mode collapse|Diverged|Copies)")
    )
    verdict.first.scroll_into_view_if_needed()
    expect(verdict.first).to_be_visible()
    expect(page.get_by_text(re.compile(r"classifier FID \d")).first).to_be_visible()


@pytest.mark.slow
def test_the_student_plays_against_the_discriminator(site: Site, opened: Opened):
    page = opened(site.url("gan", inside="Beat the discriminator"))
    settled(page)
    page.get_by_text("1 is real", exact=True).click()
    button(page, "Tell me").click()
    expect(page.get_by_text(re.compile(r"\d+ of 12 right"))).to_have_count(2)
    expect(page.get_by_text(re.compile("^Real were: "))).to_be_visible()
    button(page, "Another round").click()
    expect(page.get_by_text(re.compile("^Real were: "))).to_have_count(0)
