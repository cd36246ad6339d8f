"""Models of the Hub: which one, what is known of it, and the press that brings it here."""

from contextlib import suppress
from typing import Any

import streamlit as st
from pydantic import ValidationError

from genlib.hub import HubError, Pretrained, Pull, curated
from genlib.hub.curated import SHIPPED, Kind
from genlib.hub.download import OFFLINE
from genlib.hub.pins import read_pins
from genlib.hub.pretrained import READERS
from genlib.hub.pull import offline
from genlib.settings import Settings
from ui import cache
from ui.cache import cached_object
from ui.controls import one_of, view_key
from ui.runs.study_panel import study_panel

PAGE = "pretrained"
USUAL = 100e6 / 8  # bytes a second of a usual line, to say how long a download takes
OTHER = "other"


def offered(kind: Kind) -> bool:
    """Return whether this server lets students pull anything of a kind."""
    with suppress(HubError):
        return Settings().hub_any or any(entry.kind == kind for entry in curated())
    return False


def chosen(kind: Kind, view: str) -> Pretrained | None:
    """Return a model of a kind that the student chooses; None while there is none."""
    try:
        entries = {entry.name: entry for entry in curated() if entry.kind == kind}
    except HubError as error:
        st.error(str(error), icon=":material/error:")
        return None
    titles = {name: entry.title for name, entry in entries.items()}
    titles |= {OTHER: "Another repository"} if Settings().hub_any else {}
    name = st.selectbox("Model", **one_of(PAGE, view, list(titles), lambda name: titles[name]))
    if name != OTHER:
        return entries[name]
    repo = st.text_input(
        "Repository",
        placeholder="owner/name",
        max_chars=120,
        help="Of the Hub; it has to hold safetensors, and is taken as it is now.",
        key=view_key(PAGE, f"{view}-repo"),
        bind="query-params",
    )
    return _named(repo, kind) if repo else None


def _named(repo: str, kind: Kind) -> Pretrained | None:
    """Return the entry of a repository that is on no list."""
    try:
        return Pretrained(
            name=OTHER,
            title=repo,
            repo=repo,
            kind=kind,
            licence="",
            megabytes=0,
            shows="Not on this server's list: nobody has looked at it beforehand.",
        )
    except ValidationError:
        st.error("A repository is named like this: owner/name.", icon=":material/error:")
        return None


def here(pull: Pull) -> bool:
    """Return whether a model was pulled, or comes with the package."""
    return cache.store().has_run(pull.fingerprint)


def facts(entry: Pretrained) -> None:
    """Say what a model is, whose, how large, and which bytes exactly."""
    st.markdown(entry.shows)
    ours = entry.repo == SHIPPED
    where = "Comes with genlib" if ours else f"[{entry.repo}](https://huggingface.co/{entry.repo})"
    licence = f"licence {entry.licence}" if entry.licence else "licence: see its card"
    size = f", {entry.megabytes:g} MB" if entry.megabytes else ""
    st.caption(f"{where}{size}, {licence}.")
    seen = read_pins(cache.store().home, Pull.of(entry).fingerprint)
    pins = seen or entry
    if digest := next((it.sha256 for it in pins.files if it.part.endswith(".safetensors")), ""):
        commit = "" if ours else f"commit `{pins.commit[:10]}`, "
        when = "Pinned at its first download to this server" if seen else "Pinned"
        st.caption(f"{when}: {commit}SHA-256 of the weights `{digest[:16]}…`")


@cached_object
def opened(pull: Pull) -> Any:
    """Return a pulled model as its kind is read; None where it is not here any more."""
    files = cache.store().read_run(pull.fingerprint)
    return None if files is None else READERS[pull.kind](files)


def bring(entry: Pretrained) -> None:
    """Draw the press that downloads a model, or say why there is none."""
    pull = Pull.of(entry)
    if offline():
        st.info(OFFLINE, icon=":material/cloud_off:")
        return
    size = pull.size or entry.megabytes * 1e6
    press = f"Download {size / 1e6:.1f} MB" if size else "Download it"
    if size:
        seconds = size / USUAL
        st.caption(f"About {max(seconds, 1):.0f} s on a line of 100 Mbit/s; it stays here then.")
    if not pull.pinned:
        st.caption(
            "This server has never had it. What comes first is checked against the Hub's own list "
            "of files, opened, and then pinned: nothing else is taken for it here from then on."
        )
    study_panel(pull, press, lambda _: None, unit=" kB")
