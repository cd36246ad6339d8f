"""What goes wrong in a lecture hall: everybody at once, lost tabs, dead processes, bad disks."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import machine
from tests.support.visit import (
    FLAGS,
    Site,
    badge,
    button,
    main_picture,
    no_traceback,
    picture,
    run_name,
    serving,
    step,
    train,
    until,
)

Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that may be killed."""
    with serving(Site(tmp_path_factory.mktemp("killed") / "home")) as running:
        yield running


@pytest.mark.slow
def test_two_who_press_train_at_once_share_one_run(site: Site, visit: Visit):
    before = site.asked_for()
    pages = [visit(site.url("stacked", codings=4, epochs=3)) for _ in range(2)]
    for page in pages:
        badge(page, "not trained yet")
    for page in pages:
        button(page, re.compile("Train, about")).click(no_wait_after=True)
    for page in pages:
        badge(page, "trained here")
    name = run_name(pages[0])
    assert [asked[:12] for asked in site.asked_for() - before] == [name]
    assert site.finished(name)
    assert picture(pages[0]) == picture(pages[1])


@pytest.mark.slow
def test_a_reload_finds_the_training_and_a_closed_tab_does_not_end_it(site: Site, visit: Visit):
    page = visit(site.url("stacked", codings=5, epochs=5))
    badge(page, "not trained yet")
    train(page)
    name, reached = run_name(page), step(page)
    page.reload()
    badge(page, "training")
    assert step(page) >= reached
    page.close()
    until(lambda: site.finished(name))


@pytest.mark.slow
def test_a_killed_worker_is_started_again_and_goes_on(site: Site, visit: Visit):
    page = visit(site.url("stacked", codings=6, epochs=8))
    badge(page, "not trained yet")
    train(page)
    until(lambda: step(page) > 100)
    killed = site.kill_worker()
    badge(page, "trained here")
    assert site.finished(run_name(page))
    assert killed not in site.workers()
    assert len(site.workers()) == 1
    no_traceback(page)


@pytest.mark.slow
def test_a_killed_server_comes_back_and_the_page_with_it(site: Site, visit: Visit):
    page = visit(site.url("stacked", codings=7, epochs=8))
    badge(page, "not trained yet")
    train(page)
    name = run_name(page)
    until(lambda: step(page) > 100)
    site.kill()
    site.start()
    assert [asked[:12] for asked in site.jobs.waiting()] == [name]
    badge(page, "training")
    assert step(page) > 20, "it goes on from a checkpoint"
    expect(page.locator(".stMarkdownBadge").first).to_contain_text(
        re.compile("trained here|replayed")
    )
    assert site.finished(name)
    no_traceback(page)


@pytest.mark.slow
def test_a_corrupt_run_is_never_shown(site: Site, visit: Visit):
    page = visit(site.url("stacked", codings=8, epochs=1))
    badge(page, "not trained yet")
    untrained = picture(page)
    button(page, re.compile("Train, about")).click()
    badge(page, "trained here")
    (folder,) = (site.home / "runs").glob(run_name(page) + "*")
    site.stop()
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    site.start()
    again = visit(site.url("stacked", codings=8, epochs=1))
    badge(again, "not trained yet")
    assert picture(again) == untrained
    assert not folder.exists()
    button(again, re.compile("Train, about")).click()
    badge(again, "trained here")
    assert site.finished(run_name(again))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "notice"),
    [
        ("no-such-page", "Page not found"),
        ("stacked?stacked.seed=inf&stacked.codings=1e999&stacked.epochs=-1", "not possible here"),
        (
            "stacked?stacked.optimizer=%3Cscript%3Ealert(1)%3C/script%3E&stacked.codings="
            + "9" * 2000
            + "&x=%F0%9F%A6%8A",
            "not possible here",
        ),
    ],
)
def test_a_nonsense_address_gives_a_page_with_a_notice(
    site: Site, visit: Visit, path: str, notice: str
):
    before = site.asked_for()
    page = visit(site.url() + path)
    expect(page.get_by_text(notice).first).to_be_visible()
    expect(page.get_by_test_id("stMain").locator("img").first).to_be_visible()
    no_traceback(page)
    assert site.asked_for() == before


@pytest.mark.slow
def test_an_address_below_a_page_says_that_there_is_none(site: Site, visit: Visit):
    page = visit(site.url() + "stacked/x")
    expect(page.get_by_text("There is no such page")).to_be_visible()


def browser_inside(chromium: Browser, site: Site, folder: Path) -> Browser:
    """Return a browser inside a server's network, which is cut off from all others."""
    assert site.process is not None
    inside = folder / "chromium"
    enter = f"nsenter --net=/proc/{site.process.pid}/ns/net"
    inside.write_text(f'#!/bin/sh\nexec {enter} {machine.chromium(chromium.browser_type)} "$@"\n')
    inside.chmod(0o700)
    return chromium.browser_type.launch(executable_path=inside, args=FLAGS)


@pytest.mark.slow
def test_without_a_network_all_works_but_what_must_be_downloaded(
    tmp_path: Path, chromium: Browser
):
    if not machine.permitted("unshare", "--net", "true"):
        machine.lacking(machine.SUPERUSER)
    cut_off = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    with serving(Site(tmp_path / "home", cut_off)) as site:
        page = browser_inside(chromium, site, tmp_path).new_page()
        page.goto(site.url())
        expect(page.get_by_alt_text("Pictures made by the shipped model").first).to_be_visible()
        page.goto(site.url("stacked", codings=9, epochs=1))
        badge(page, "not trained yet")
        button(page, re.compile("Train, about")).click()
        badge(page, "trained here")
        no_traceback(page)
        page.goto(site.url("stacked", dataset="Kuzushiji-MNIST"))
        badge(page, "not trained yet")
        button(page, re.compile("Train, about")).click()
        sentence = "Kuzushiji-MNIST is not on this machine and could not be downloaded"
        expect(page.get_by_role("alert").filter(has_text=sentence)).to_have_count(1)
        badge(page, "not trained yet")
        no_traceback(page)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with machine.small_disk(tmp_path) as disk:
        yield disk


@pytest.mark.slow
def test_a_full_disk_is_said_in_a_sentence_and_harms_nothing_else(small_disk: Path, visit: Visit):
    site = Site(small_disk / "home")
    site.log = small_disk.with_name("server.log")
    with serving(site):
        page = visit(site.url("stacked", codings=10, epochs=1))
        badge(page, "not trained yet")
        assert not machine.permitted("dd", "if=/dev/zero", f"of={small_disk / 'rubbish'}")
        button(page, re.compile("Train, about")).click()
        expect(page.get_by_role("alert").filter(has_text="disk is full")).to_be_visible()
        expect(main_picture(page)).to_be_visible()
        no_traceback(page)
        other = visit(site.url("stacked"))
        badge(other, "shipped")
        no_traceback(other)
        home = visit(site.url())
        expect(home.get_by_text("A memory game to begin with")).to_be_visible()
        no_traceback(home)
        (small_disk / "rubbish").unlink()
        page.reload()
        button(page, re.compile("Train, about")).click()
        badge(page, "trained here")
