"""Addresses as they are typed, below another path, and inside another site's page."""

from urllib.parse import urljoin

import pytest
import streamlit as st
from pydantic import ValidationError
from streamlit import config

from genlib.settings import Settings
from tests.support.app import opened
from tests.support.requests import Inside, request
from ui.server.addresses import forgiving
from ui.server.guard import Guard
from ui.server.lifespan import warm
from ui.server.student import remember_students


@pytest.fixture
def below(monkeypatch):
    """Serve below a path, as `--server.baseUrlPath` says."""
    before = config.get_option("server.baseUrlPath")
    yield lambda path: config.set_option("server.baseUrlPath", path)
    config.set_option("server.baseUrlPath", before)


def led_to(address: str) -> str | None:
    """Return where a browser is led from an address; None where it is served."""
    status, headers = request(forgiving(Inside()), address)
    assert (status == 307) == (b"location" in headers)
    if status == 200:
        return None
    return urljoin(f"https://site{address}", headers[b"location"].decode("latin-1")).removeprefix(
        "https://site"
    )


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/?page=gan&gan.seed=7", "/gan?gan.seed=7"),
        ("/?a=%20%0D%0A&page=vae&a=2&b=", "/vae?a=+%0D%0A&a=2&b="),
        ("/?page=vae", "/vae"),
        ("/?page=vae&embed=true", "/vae?embed=true"),
        ("/", None),
        ("/?page=", None),
        ("/?page=home", None),
        ("/?page=nothing", None),
        ("/?page=//evil.example", None),
        ("/?page=vae%0D%0ASet-Cookie:%20x", None),
        ("/?%ff=%fe&page=%ff", None),
        ("/gan?page=vae", None),
        ("/vae", None),
        ("/vae?vae.beta=4", None),
        ("/VAE?vae.beta=4", "/vae?vae.beta=4"),
        ("/vae/", "/vae"),
        ("/vae//?vae.beta=4", None),
        ("/vae.", "/vae"),
        ("/vae)", "/vae"),
        ("/(vae).", "/vae"),
        ("/Gan2D],", "/gan2d"),
        ("/home", "/"),
        ("/Home/?embed=true", "/?embed=true"),
        ("/nothing", None),
        ("/vae/x", None),
        ("//vae", None),
        ("//evil.example/vae/", None),
        ("/static/", None),
        ("/_stcore/health", None),
    ],
)
@pytest.mark.parametrize("base", ["", "/genlib", "/teach/genlib"])
def test_an_address_that_means_a_page_leads_there(below, base, address, target):
    below(base)
    if not (base and address.startswith("//")):
        assert led_to(base + address) == (None if target is None else base + target)


@pytest.mark.parametrize("base", ["genlib", "/teach/genlib/"])
def test_the_path_that_all_lie_below_leads_to_home(below, base):
    below(base)
    path = "/" + base.strip("/")
    assert led_to(path) == f"{path}/"
    assert led_to(f"{path}?page=vae&vae.beta=4") == f"{path}/vae?vae.beta=4"
    assert led_to(f"{path}s") is None


def test_a_proxy_may_have_taken_a_prefix_away():
    """What is asked for here is /VAE/; the browser's own address has the prefix."""
    headers = request(forgiving(Inside()), "/VAE/?vae.beta=4")[1]
    seen = "https://hub/user/ada/proxy/8501/VAE/?vae.beta=4"
    target = urljoin(seen, headers[b"location"].decode())
    assert target == "https://hub/user/ada/proxy/8501/vae?vae.beta=4"


@pytest.mark.parametrize("path", ["/", "/vae", "/static/js/x.js", "/_stcore/health", "/media/x"])
def test_the_guard_serves_below_a_path_what_it_serves_at_the_root(below, path):
    below("teach/genlib")
    assert request(Guard(Inside()), f"/teach/genlib{path}")[0] == 200
    assert request(Guard(Inside()), "/teach/genlib/vae/x")[0] == 404
    assert request(Guard(Inside()), "/teach/genlib/_stcore/metrics")[0] == 404


def test_the_sites_that_an_operator_names_may_show_a_page(monkeypatch):
    policy = request(Guard(Inside()), "/vae")[1][b"content-security-policy"]
    assert b"moodle" not in policy
    monkeypatch.setenv("GENLIB_EMBED", "https://moodle.example.edu https://*.notion.site")
    wider = request(Guard(Inside()), "/vae")[1][b"content-security-policy"]
    assert wider == policy + b" https://moodle.example.edu https://*.notion.site"
    browser = {b"accept": b"text/html"}
    cookie = request(remember_students(Inside()), "/vae", headers=browser)[1][b"set-cookie"]
    assert cookie.endswith(b"; SameSite=None; Secure")


@pytest.mark.parametrize("sites", ["moodle", "https://a; script-src *", "*", "https://a\nx: y"])
def test_what_is_no_site_is_no_setting(monkeypatch, sites):
    monkeypatch.setenv("GENLIB_EMBED", sites)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("embedded", [False, True])
def test_an_embedded_lesson_has_no_menu_beside_it(monkeypatch, home, embedded):
    positions = []
    monkeypatch.setattr(type(st.context), "is_embedded", embedded)
    real = st.navigation

    def navigation(pages, *, position):
        positions.append(position)
        return real(pages, position=position)

    monkeypatch.setattr(st, "navigation", navigation)
    warm.set()
    opened("home")
    assert positions == ["hidden" if embedded else "sidebar"]
