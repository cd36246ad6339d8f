"""What the page of pretrained models offers before a model is here."""

import re

import pytest
import streamlit as st

from genlib.hub import Pull, curated
from genlib.hub.download import OFFLINE
from genlib.hub.pins import Pins, read_pins, write_pins
from genlib.settings import Settings
from tests.support.app import opened
from ui.server.lifespan import warm


@pytest.fixture(autouse=True)
def _nothing_here(home, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    st.cache_resource.clear()
    warm.set()
    yield
    st.cache_resource.clear()


def page_of(title):
    page = opened("pretrained", {"pretrained.model": title})
    presses = [it.label for it in page.button if it.label.startswith("Download")]
    return " ".join(it.value for it in [*page.caption, *page.info]), presses


def test_a_model_that_nobody_pinned_is_offered_and_then_pinned(home):
    text, presses = page_of("Butterflies, 32 × 32")
    assert presses == ["Download 74.0 MB"]
    assert "nothing else is taken for it here from then on" in text
    entry = next(it for it in curated() if it.name == "butterflies")
    files = next(it for it in curated() if it.name == "cifar10").files
    name = Pull.of(entry).fingerprint
    write_pins(Settings().home, name, Pins(commit="1" * 40, files=files))
    assert read_pins(Settings().home, name).files == files
    text, _ = page_of("Butterflies, 32 × 32")
    assert "Pinned at its first download to this server: commit `1111111111`" in text
    assert files[1].sha256[:16] in text


def test_a_pinned_model_is_offered_by_its_pins():
    text, presses = page_of("CIFAR-10, 32 × 32")
    assert presses == ["Download 143.0 MB"]
    assert "Pinned: commit `267b167dc0`" in text
    assert not re.search("from then on", text)


def test_a_server_that_is_to_stay_offline_says_so_and_offers_no_press(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    text, presses = page_of("CIFAR-10, 32 × 32")
    assert OFFLINE in text
    assert presses == []
