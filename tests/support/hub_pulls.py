"""A hub of this machine with models in it, and pulls from it."""

import json
import threading

from genlib.hub import Pull
from genlib.hub.curated import PARTS, Kind, PinnedFile
from genlib.hub.pretrained import READERS
from genlib.jobs.attempt import Attempt, explained
from genlib.tasks.workspace import Workspace
from tests.support.hub_models import parts_of
from tests.support.loopback_hub import (
    Files,
    Hub,
    sha256,
)

REPO = "ada/model"


def pinned(hub: Hub, kind: Kind, repo: str = REPO) -> Pull:
    """Return the pull of what the hub has now, pinned by what it really is."""
    files, pins = hub.repos[repo].commits[hub.repos[repo].head], []
    for part, places in PARTS[kind].items():
        path = next(place for place in places if place in files)
        size, digest = len(files[path]), sha256(files[path])
        pins.append(PinnedFile(part=part, path=path, size=size, sha256=digest))
    return Pull(kind=kind, repo=repo, commit=hub.repos[repo].head, files=tuple(pins))


def unpinned(kind: Kind, repo: str = REPO) -> Pull:
    return Pull(kind=kind, repo=repo, commit="main", files=())


def worked(workspace: Workspace, task: Pull) -> str | None:
    """Do it as the worker does; return the sentence on what went wrong."""
    attempt = Attempt(workspace.store, workspace.device, task)
    return explained(attempt, threading.Event(), lambda _: None)


def assert_clear(sentence: str) -> None:
    """One sentence for a student: no traceback, no address with a secret."""
    assert sentence.endswith(".")
    assert 20 < len(sentence) < 200
    unclear = ("\n", "://", "hf_", "Error", "Traceback", "Exception", "(error ")
    assert [word for word in unclear if word in sentence] == []


def assert_nothing_kept(workspace: Workspace, task: Pull) -> None:
    """Neither in the store nor elsewhere, but for what a download may go on from."""
    assert workspace.store.read_run(task.fingerprint) is None
    assert workspace.store.fingerprints() == []
    home = workspace.store.home
    left = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
    assert {path.parts[0] for path in left} <= {"hub", "partial"}
    assert not list(home.glob("partial/**/*.safetensors"))


def assert_kept(workspace: Workspace, task: Pull, kind: Kind, files: Files) -> None:
    """Byte by byte, of a kind that opens, and nothing else on the disk."""
    stored = workspace.store.read_run(task.fingerprint)
    for part, content in parts_of(kind, files).items():
        assert stored[part] == content
    READERS[kind](stored)
    assert json.loads(stored["look.json"]) >= 0
    assert not list((workspace.store.home / "hub").rglob("*.safetensors"))
