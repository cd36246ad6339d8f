"""A run to the Hub, by a process of its own: no page waits, and a token is soon forgotten."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

import streamlit as st

from genlib.hub.publish import default_name
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.settings import Settings
from ui import cache
from ui.cache import cached_object
from ui.controls import record_views, view_key
from ui.runs.run_choice import run_choice
from ui.server.workers import HOUSE
from ui.widgets.elements import needs_run

record_views("run")

LIMIT = 120.0  # seconds; then the process is ended
AT_ONCE = 2  # publications of all visitors together
NAME = re.compile(r"([\w][\w.-]{0,95}/)?[\w][\w.-]{0,95}", re.ASCII)
TOKEN = re.compile(r"[\w-]{8,200}", re.ASCII)
BUSY = "Others are publishing just now; try again in a minute."
FAILED = "It failed; try again, and if it comes back, tell the operator of this server."
REMEMBERED = 50  # outcomes
LATE = "The Hub took too long; press again, and what has arrived is not sent twice."


@dataclass
class Publication:
    """A process that publishes a run; afterwards where it is, or what went wrong."""

    process: subprocess.Popen[str]
    began: float
    where: dict[str, str] | None = None
    sentence: str = ""

    def goes_on(self) -> bool:
        """Return whether it has not ended; the first call after its end reads its output."""
        if self.where is not None or self.sentence:
            return False
        late = time.monotonic() - self.began > LIMIT
        if self.process.poll() is None and not late:
            return True
        self.process.kill()
        output, complaint = self.process.communicate()
        if self.process.returncode == 0:
            self.where = json.loads(output.splitlines()[-1])
        else:
            last = complaint.strip().splitlines()[-1:] if self.process.returncode == 1 else []
            self.sentence = LATE if late else (last or [FAILED])[0][:300]
        return False


@cached_object
def _publications() -> dict[str, Publication]:
    """Return the publications of this server by their numbers, which only their visitors know."""
    return {}


def publishing(page: str) -> None:
    """Let the student choose a finished run; draw the form that publishes it."""
    spec = run_choice("Run", view_key(page, "run"), RunSpec.of_preset("stacked"))
    _publication_of(cache.finished(spec))


@needs_run
def _publication_of(run: Run) -> None:
    """Draw the form that publishes a run, and what became of it."""
    mine = _mine(run)
    alive = mine is not None and mine.goes_on()
    st.fragment(_publishing, run_every=1.0 if alive else None)(run, alive=alive)


def _mine(run: Run) -> Publication | None:
    """Return this visitor's last publication of the run."""
    number = st.session_state.get(f"publication-{run.spec.fingerprint}", "")
    return _publications().get(number)


def _publishing(run: Run, *, alive: bool) -> None:
    ours = Settings().hub_token.get_secret_value()
    name = ""
    if ours:
        st.caption("It goes to the account of this server's operator, named after the run.")
    else:
        name = st.text_input("Name", default_name(run), max_chars=100)
    mine = _mine(run)
    if mine is not None and mine.goes_on():
        share = (time.monotonic() - mine.began) / LIMIT
        st.progress(min(1.0, share), "On its way to the Hub")
        return
    if alive:
        st.rerun()
    if mine is not None and mine.where is not None:
        where = mine.where
        st.success(f"Published: [{where['repo']}]({where['url']}), at `{where['commit'][:10]}`.")
    elif mine is not None:
        st.error(mine.sentence, icon=":material/error:")
    _form(run, name, ours)


def _form(run: Run, name: str, ours: str) -> None:
    """Draw the press, and what a token is asked for by; it is forgotten once it is pressed."""
    with st.form(f"publish-{run.spec.fingerprint[:8]}", border=False, clear_on_submit=True):
        token = ours or st.text_input(
            "Your token, with the right to write",
            type="password",
            max_chars=200,
            help="From huggingface.co/settings/tokens. It goes to the Hub and nowhere else.",
        )
        pressed = st.form_submit_button("Publish to the Hub", icon=":material/cloud_upload:")
    if not pressed:
        return
    if not ours and not (NAME.fullmatch(name) and TOKEN.fullmatch(token)):
        st.error("It needs a name such as my-first-gan, and a token of yours.")
    elif sum(each.goes_on() for each in list(_publications().values())) >= AT_ONCE:
        st.error(BUSY)
    else:
        _start(run, name, token)
        st.rerun()


def _start(run: Run, name: str, token: str) -> None:
    """Start the process; the token is in its environment alone."""
    command = [sys.executable, "-m", "genlib", "hub", "publish", run.spec.fingerprint]
    process = subprocess.Popen(  # noqa: S603
        [*command, *(["--name", name] if name else [])],
        cwd=HOUSE,
        env=os.environ | {"GENLIB_HUB_TOKEN": token},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    publications = _publications()
    for old in list(publications)[:-REMEMBERED]:
        publications.pop(old, None)
    number = os.urandom(16).hex()
    publications[number] = Publication(process, time.monotonic())
    st.session_state[f"publication-{run.spec.fingerprint}"] = number
