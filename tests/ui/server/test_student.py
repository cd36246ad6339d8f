"""A browser gets a cookie with its first page, and keeps it."""

import re

import pytest

from tests.support.requests import Inside, request
from ui.server.space import framed
from ui.server.student import COOKIE, FORM, remember_students

PAGE = {b"accept": b"text/html,application/xhtml+xml,*/*;q=0.8"}
SET = re.compile(rf"{COOKIE}=([^;]*); Path=/; Max-Age=31536000; HttpOnly; SameSite=(.*)")


def cookie_set(cookie: str = "", accept: dict[bytes, bytes] = PAGE) -> re.Match[str] | None:
    """Return the cookie that comes with a page, for a browser that has the one given."""
    headers = accept | ({b"cookie": cookie.encode()} if cookie else {})
    status, answered = request(framed(remember_students(Inside())), "/vae", headers=headers)
    assert status == 200
    assert answered[b"content-type"] == b"text/plain"
    return SET.fullmatch(answered.get(b"set-cookie", b"").decode())


def test_each_new_browser_gets_a_cookie_of_its_own() -> None:
    cookies = [cookie_set() for _ in range(3)]
    assert len({cookie[1] for cookie in cookies}) == 3
    for cookie in cookies:
        assert FORM.fullmatch(cookie[1])
        assert cookie[2] == "Lax"


def test_a_browser_keeps_its_cookie() -> None:
    cookie = cookie_set()[1]
    assert cookie_set(f"other=1; {COOKIE}={cookie}") is None


@pytest.mark.parametrize("cookie", ["", "abc", "G" * 32, "0" * 40])
def test_a_cookie_of_another_form_is_replaced(cookie: str) -> None:
    assert cookie_set(f"{COOKIE}={cookie}")


def test_what_is_no_page_sets_no_cookie() -> None:
    assert cookie_set(accept={}) is None
    assert cookie_set(accept={b"accept": b"image/png"}) is None


def test_inside_a_space_the_cookie_lives_in_another_sites_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPACE_HOST", "student-genlib.hf.space")
    assert cookie_set()[2] == "None; Secure; Partitioned"
