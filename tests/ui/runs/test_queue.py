"""What the pages make of the queue: who a student is, and how a wait is told."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from genlib.jobs import Job, Jobs
from genlib.settings import Settings
from tests.support.app import MAIN
from tests.support.services import small_run
from ui.runs import queue
from ui.server.lifespan import warm
from ui.server.student import COOKIE


def visitor(cookie: str) -> str:
    """Return the student that a page takes the browser with that cookie for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(st.context), "cookies", {COOKIE: cookie})
        return AppTest.from_function(who).run().text[0].value


def who() -> None:
    import streamlit as st

    from ui.runs.queue import student

    st.text(student())


def test_a_browser_is_a_student_whose_name_tells_nothing() -> None:
    ada, ben = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    name = visitor(ada)
    assert visitor(ada) == name != visitor(ben)
    assert len(name) == 16
    assert name not in ada


@pytest.mark.parametrize("cookie", ["", "abc", "g" * 32, "A" * 32, "0" * 33, "é" * 32])
def test_without_a_cookie_of_ours_a_session_is_a_student(cookie: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(st.context), "cookies", {COOKIE: cookie})
        page = AppTest.from_function(who).run()
        name = page.text[0].value
        assert page.run().text[0].value == name
        assert AppTest.from_function(who).run().text[0].value != name


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
    actual = jobs.client.list_workflows(load_input=False)
    jobs.client.destroy()
    st.cache_resource.clear()
    assert len(actual) == 4
    (student,) = {item.queue_partition_key for item in actual}
    assert len(student) == 16
    assert all(item.attributes["seconds"] > 0 for item in actual)


def stop_page() -> None:
    from tests.support.services import small_run
    from ui.runs import queue

    job = queue.job_of(small_run(7))
    assert job is not None
    queue.stop_button(small_run(7), job, "stop")


def test_only_who_asked_for_a_job_may_stop_it(home: Path) -> None:
    st.cache_resource.clear()
    ada, ben = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    jobs = Jobs(Settings())
    jobs.submit(small_run(7), visitor(ada))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(st.context), "cookies", {COOKIE: ben})
        page = AppTest.from_function(stop_page, default_timeout=60).run()
        assert not page.button
        assert "Somebody else asked for this." in page.caption[0].value
        patch.setattr(type(st.context), "cookies", {COOKIE: ada})
        page = AppTest.from_function(stop_page, default_timeout=60).run()
        assert not page.caption
        page.button[0].click().run()
    assert jobs.job(small_run(7).fingerprint).state == "stopped"
    jobs.client.destroy()
    st.cache_resource.clear()
