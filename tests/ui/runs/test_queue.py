"""What the pages make of the queue: who a student is, and how a wait is told."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from genlib.jobs import Job, Jobs
from genlib.settings import Settings
from tests.support.app import MAIN
from ui.runs import queue
from ui.server.lifespan import warm


def visitor(cookie: str) -> str:
    """Return the student that a page takes the browser with that cookie for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(st.context), "cookies", {"_streamlit_xsrf": cookie})
        return AppTest.from_function(who).run().text[0].value


def who() -> None:
    import streamlit as st

    from ui.runs.queue import student

    st.text(student())


def test_a_browser_is_a_student_whose_name_tells_nothing() -> None:
    ada, ben = bytes(range(16)), bytes(range(1, 17))
    cookies = [generate_xsrf_token_string(ada, 1_700_000_000) for _ in range(4)]
    assert len(set(cookies)) == 4  # every load of a page masks it anew
    names = {visitor(cookie) for cookie in cookies}
    assert len(names) == 1
    name = names.pop()
    assert visitor(generate_xsrf_token_string(ben, 1_700_000_000)) != name
    assert len(name) == 16
    for cookie in cookies:
        secret = [part for part in cookie.split("|") if len(part) >= 8]
        assert not any(part in name or name in part for part in [*secret, ada.hex()])


@pytest.mark.parametrize("cookie", ["", "2|", "2|zz|00|1", "2||00|1", "2|00000000||1", "é|é|é|é"])
def test_without_a_cookie_a_session_is_a_student(cookie: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(st.context), "cookies", {"_streamlit_xsrf": cookie})
        page = AppTest.from_function(who).run()
        first = page.text[0].value
        assert page.run().text[0].value == first
        assert AppTest.from_function(who).run().text[0].value != first


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Job("", "queued"), "Starting"),
        (Job("", "queued", 0, 0.0, 5.0), "Starting"),
        (Job("", "queued", 2), "Waiting: 2 before this one"),
        (Job("", "queued", 2, 40.4), "Waiting: 2 before this one, about 40 s"),
        (
            Job("", "queued", 1, 40.4, 130.0),
            "Waiting: 1 before this one, about 40 s; done in about 2 min",
        ),
    ],
)
def test_the_page_tells_the_wait_in_words(job: Job, words: str) -> None:
    assert queue.waiting(job) == words


def test_a_fifth_press_gets_its_sentence_and_the_four_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLIB_HOME", str(tmp_path))
    st.cache_resource.clear()
    warm.set()
    page = AppTest.from_file(MAIN, default_timeout=60).switch_page("../pages/stacked.py").run()
    for seed in range(11, 16):
        page.number_input(key="stacked.seed").set_value(seed).run()
        page.button(key="stacked-train").click().run()
    assert [error.value for error in page.error] == ["You have four waiting; stop one or wait."]
    jobs = Jobs(Settings())
    found = jobs.client.list_workflows(load_input=False)
    jobs.client.destroy()
    st.cache_resource.clear()
    assert len(found) == 4
    (student,) = {item.queue_partition_key for item in found}
    assert len(student) == 16
    assert all(item.attributes["seconds"] > 0 for item in found)
