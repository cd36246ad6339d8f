"""Models from a hub, and a run to it, driven as a student would; the hub may fail."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from genlib.data import DATASETS
from genlib.hub import Pretrained, Pull, curated
from genlib.hub.curated import LIST, PARTS, PinnedFile
from genlib.runs.spec import RunSpec
from tests.support.hub_models import autoencoder_files, denoiser_files
from tests.support.loopback_hub import TOKEN, Files, Hub, loopback, spoilt
from tests.support.reading import Opened, keyed, pick, settled, slide, source
from tests.support.visit import Site, badge, button, serving, until

MODELS = {"Small": "ddpm", "Slow": "ddpm", "Photographs": "autoencoder"}
COPIES = "The picture, its copy, and the copy of changed maps"


class Place(NamedTuple):
    hub: Hub
    site: Site
    pulls: dict[str, Pull]


def pinned(hub: Hub, title: str, files: Files) -> Pretrained:
    """Put a model on the hub, and return its entry of the list."""
    repo, kind = f"ada/{title.lower()}", MODELS[title]
    commit, pins = hub.add(repo, files, license="mit"), []
    for part, places in PARTS[kind].items():
        path = next(place for place in places if place in files)
        digest = hashlib.sha256(files[path]).hexdigest()
        pins.append(PinnedFile(part=part, path=path, size=len(files[path]), sha256=digest))
    return Pretrained(
        name=title.lower(),
        title=title,
        repo=repo,
        kind=kind,
        licence="mit",
        megabytes=0.1,
        shows="Something small.",
        commit=commit,
        files=tuple(pins),
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("pulled")
    with loopback() as hub, pytest.MonkeyPatch.context() as patch:
        entries = [
            pinned(hub, "Small", denoiser_files(3)),
            pinned(hub, "Slow", denoiser_files(1)),
            pinned(hub, "Photographs", autoencoder_files()),
        ]
        listed = [entry.model_dump(mode="json") for entry in (*curated(LIST), *entries)]
        (home / "list.json").write_text(json.dumps(listed))
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        patch.setenv("HF_HOME", str(home / "hf"))
        patch.setenv("GENLIB_HUB_LIST", str(home / "list.json"))
        patch.setenv("GENLIB_HUB_ANY", "true")
        with serving(Site(home / "home")) as site:
            yield Place(hub, site, {entry.title: Pull.of(entry) for entry in entries})


def choose(page: Page, label: str, option: str) -> None:
    """Choose a model in the part of the page that has that key."""
    box = keyed(page, label).get_by_role("combobox")

    def chosen() -> bool:
        box.click()
        page.get_by_role("option", name=option, exact=True).click(timeout=3000)
        return True

    until(chosen)
    expect(box).to_have_value(option)


def moment(page: Page) -> str:
    return keyed(page, "pretrained-walk").locator(".told").inner_text()


@pytest.mark.slow
def test_the_first_screen_shows_a_walk_without_any_network(place: Place, opened: Opened):
    asked = len(place.hub.asked)
    page = opened(place.site.url("pretrained"))
    badge(page, "shipped")
    settled(page)
    until(lambda: moment(page) == "t = 0 of 1,000")
    slider = keyed(page, "pretrained-walk").get_by_role("slider", name="Moment")
    slider.focus()
    slider.press("Home")
    assert moment(page) == "t = 1,000 of 1,000"
    source(page, COPIES)
    assert len(place.hub.asked) == asked


@pytest.mark.slow
def test_what_nobody_pinned_says_that_the_first_download_does(place: Place, opened: Opened):
    page = opened(place.site.url("pretrained"))
    settled(page)
    choose(page, "pretrained-model", "Butterflies, 32 × 32")
    expect(page.get_by_text("nothing else is taken for it here from then on")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Download"))).to_have_count(1)


@pytest.mark.slow
def test_a_model_is_pulled_walked_and_shared(place: Place, opened: Opened):
    page = opened(place.site.url("pretrained"))
    settled(page)
    choose(page, "pretrained-model", "Small")
    button(page, re.compile("Download")).click()
    button(page, re.compile("Walk from noise")).click()
    badge(page, "trained here")
    settled(page)
    until(lambda: moment(page) == "t = 0 of 1,000")
    pull = place.pulls["Small"]
    stored = place.site.store.read_run(pull.fingerprint)
    assert stored is not None
    for file in pull.files:
        assert hashlib.sha256(stored[file.part]).hexdigest() == file.sha256
    place.hub.wrong["/"] = lambda answer: answer.reply(b"no", 500)  # from now on it is dead
    try:
        other = opened(page.url)
        badge(other, "replayed")
        settled(other)
        until(lambda: moment(other) == "t = 0 of 1,000")
    finally:
        place.hub.wrong.clear()


@pytest.mark.slow
def test_a_hub_that_stalls_blocks_no_page_and_ends_in_a_sentence(place: Place, opened: Opened):
    hub, pull = place.hub, place.pulls["Slow"]

    def half(body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        hub.over.wait(150)

    page = opened(place.site.url("pretrained"))
    settled(page)
    hub.wrong["GET /ada/slow/resolve"] = spoilt(half)
    choose(page, "pretrained-model", "Slow")
    button(page, re.compile("Download")).click()
    expect(page.get_by_text(re.compile("kB"))).to_be_visible()
    before = source(page, COPIES)
    slide(page, "Add to every number of it", "ArrowRight")  # meanwhile
    until(lambda: source(page, COPIES) != before)
    alert = page.get_by_test_id("stAlert").first
    expect(alert).to_contain_text(re.compile(r"Hub.*\."), timeout=150_000)
    assert place.site.store.read_run(pull.fingerprint) is None
    hub.wrong.clear()
    button(page, re.compile("Download")).click()
    expect(button(page, re.compile("Walk from noise"))).to_be_visible()


@pytest.mark.slow
def test_a_photograph_goes_through_four_maps(place: Place, opened: Opened):
    page = opened(place.site.url("pretrained"))
    settled(page)
    choose(page, "pretrained-tiny", "Photographs")
    button(page, re.compile("Download")).click()
    expect(page.get_by_text(re.compile("49,152 numbers"))).to_be_visible()
    before = source(page, COPIES)
    slide(page, "Add to every number of it", "ArrowRight")
    until(lambda: source(page, COPIES) != before)
    other = opened(page.url)
    expect(other.get_by_text(re.compile("49,152 numbers"))).to_be_visible()


@pytest.mark.slow
def test_a_run_is_published_and_comes_back(place: Place, opened: Opened):
    hub, spec = place.hub, RunSpec.of_preset("stacked")
    page = opened(place.site.url("pretrained", inside="Publish a run"))
    settled(page)
    pick(page, "Run", f"stacked, fast, {DATASETS[spec.dataset].title}")
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value(re.compile("stacked"))
    name.fill("my-first")
    name.press("Enter")
    page.locator("input[type=password]").fill("hf_a-wrong-one")
    button(page, "Publish to the Hub").click()
    expect(page.get_by_test_id("stAlert").last).to_contain_text("token")
    page.locator("input[type=password]").fill(TOKEN)
    button(page, "Publish to the Hub").click()
    expect(page.get_by_text(re.compile("Published: "))).to_be_visible()
    files = hub.repos["ada/my-first"].commits[hub.repos["ada/my-first"].head]
    assert {"README.md", "config.json", "model.safetensors", "plain.py"} <= files.keys()

    page.get_by_text("Get a run back", exact=True).click()
    choose(page, "pretrained-published", "Another repository")
    page.get_by_role("textbox", name="Repository").fill("ada/my-first")
    page.keyboard.press("Enter")
    button(page, "Download it").click()
    source(page, "Test pictures, and under them what the published model makes")
    stored = [path for path in place.site.home.rglob("*") if path.is_file()]
    secret = TOKEN.encode()
    assert not [path for path in stored if secret in path.read_bytes()]
    assert secret not in Path(place.site.log).read_bytes()
