"""Whatever a hub does, a pull ends soon, in one sentence, and little is kept of it."""

import time
from pathlib import Path

import pytest

from genlib.hub import Pull, pull
from genlib.hub.curated import PinnedFile
from genlib.hub.download import BUSY, TOO_MUCH, TOO_SLOW, UNREACHABLE
from tests.support.hub_faults import (
    a_byte_a_second,
    bomb,
    endless,
    flipped,
    hesitant,
    once,
    page,
    silent,
    stalled,
    with_headers,
)
from tests.support.hub_models import UNET, denoiser_files
from tests.support.hub_pulls import (
    REPO,
    assert_clear,
    assert_kept,
    assert_nothing_kept,
    pinned,
    unpinned,
    worked,
)
from tests.support.loopback_hub import (
    CHUNK,
    Fault,
    loopback,
    refused,
    spoilt,
    status,
    truncated,
)

PATIENCE = 4.0  # seconds of an attempt here
SLACK = 12.0  # seconds that a busy machine may take longer
EVERY, GET, WEIGHTS = "/resolve/", f"GET /{REPO}/resolve/", "diffusion_pytorch_model.safetensors"
GIANT = {"Content_Length": "10000000000"}
FILES: dict[str, tuple[str, Fault, str]] = {  # where, what, and a word of the sentence
    "a bit flipped": (WEIGHTS, spoilt(flipped), "not what it should be"),
    "not let in": (EVERY, status(401), REPO),
    "gated": (EVERY, refused("GatedRepo"), "consent"),
    "forbidden": (EVERY, status(403), REPO),
    "no such repository": (EVERY, refused("RepoNotFound"), f"no {REPO}"),
    "no such commit": (EVERY, refused("RevisionNotFound"), "commit"),
    "no such file": (WEIGHTS, refused("EntryNotFound"), "lacks"),
    "not found, for no reason": (EVERY, status(404), REPO),
    "out of order for bytes": (GET, status(503), BUSY),
    "10 GB announced": (EVERY, with_headers(**GIANT), TOO_MUCH),
    "10 GB linked": (EVERY, with_headers(X_Linked_Size="10000000000"), TOO_MUCH),
    "bytes without end": (GET, endless, TOO_MUCH),
    "a bomb": (GET, bomb, TOO_MUCH),
    "a greeting": (EVERY, page(b"<html>Welcome to the hotel</html>"), "press again"),
    "a name that climbs": (EVERY, with_headers(ETag='"../../climbed"'), "press again"),
    "a long name": (EVERY, with_headers(ETag=f'"{"a" * 10_000}"'), "press again"),
}
STALLED_FILES: dict[str, tuple[str, Fault, str]] = {  # until the patience is over
    "stalled half way": (GET, stalled, TOO_SLOW),
    "silent": (EVERY, silent, TOO_SLOW),
    "silent once it is asked for bytes": (GET, silent, TOO_SLOW),
    "a byte a second": (GET, spoilt(a_byte_a_second), TOO_SLOW),
    "a header without end": (EVERY, hesitant, TOO_SLOW),
    "hung up half way, always": (WEIGHTS, truncated, "press again"),
    "asked too often": (EVERY, status(429), TOO_SLOW),  # which huggingface_hub waits for
    "asked too often for bytes": (GET, status(429), TOO_SLOW),
    "out of order": (EVERY, status(500), TOO_SLOW),
    "10 GB announced with the bytes": (GET, with_headers(**GIANT), "press again"),
    "a length that is no number": (GET, with_headers(Content_Length="1e9"), "press again"),
}
LISTINGS: dict[str, tuple[str, Fault, str]] = {
    "gated": ("/api/", refused("GatedRepo"), "consent"),
    "no such repository": ("/api/", refused("RepoNotFound"), f"no {REPO}"),
    "not let in": ("/api/", status(401), REPO),
    "forbidden": ("/api/", status(403), REPO),
    "asked too often": ("/api/", status(429), BUSY),
    "out of order": ("/api/", status(500), BUSY),
    "hung up": ("/api/", truncated, "press again"),
    "a bomb": ("/api/", bomb, ""),
    "a greeting": ("/api/", page(b"<html>Welcome to the hotel</html>"), "press again"),
    "no text": ("/api/", page(b"\xff\xfe\x00"), "press again"),
    "a list": ("/revision/", page(b"[]"), "press again"),
    "deep": ("/api/", page(b"[" * 100_000), "press again"),
    "no name": ("/revision/", page(b"{}"), "press again"),
    "a commit that climbs": (
        "/revision/",
        page(b'{"id": "ada/model", "sha": "../../../../etc"}'),
        "press again",
    ),
    "files that are none": ("/tree/", page(b"[1]"), "press again"),
    "files without names": ("/tree/", page(b"[{}]"), "press again"),
    "no files": ("/tree/", page(b"[]"), "safely"),
}
STALLED_LISTINGS: dict[str, tuple[str, Fault, str]] = {
    "silent": ("/api/", silent, TOO_SLOW),
    "a header without end": ("/api/", hesitant, TOO_SLOW),
    "10 GB announced": ("/api/", with_headers(**GIANT), TOO_SLOW),
}


QUICK = {  # one of each kind; the others are slow only because they are many
    *("stalled half way", "a bit flipped", "gated", "forbidden", "no such file"),
    *("out of order for bytes", "10 GB announced", "bytes without end", "no such repository"),
    *("asked too often", "a greeting", "no files", "a commit that climbs"),
}


def cases(faults: dict[str, tuple[str, Fault, str]], quick: set[str] = QUICK) -> list[object]:
    return [
        pytest.param(*case, id=name, marks=[] if name in quick else pytest.mark.slow)
        for name, case in faults.items()
    ]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "PATIENCE", PATIENCE)


@pytest.fixture
def anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator allows models that are not pinned."""
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")


def ended(workspace, task: Pull, tmp_path: Path, word: str, seconds: float = 60.0) -> None:
    """It ends in time, says a clear sentence with that word, and leaves whole files at most."""
    began = time.monotonic()
    sentence = worked(workspace, task)
    assert time.monotonic() - began < seconds
    assert sentence is not None
    assert_clear(sentence)
    assert word in sentence
    assert_nothing_kept(workspace, task)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(workspace.store.home) for path in left)
    assert not [path for path in left if path.suffix == ".incomplete"]
    assert sum(path.stat().st_size for path in left) < task.size + 2 * CHUNK


@pytest.mark.parametrize(("where", "fault", "word"), cases(FILES))
def test_every_fault_of_a_file_ends_in_a_sentence(hub, workspace, tmp_path, where, fault, word):
    hub.add(REPO, denoiser_files())
    hub.wrong[where] = fault
    ended(workspace, pinned(hub, "ddpm"), tmp_path, word)
    assert hub.sent < 32 * 2**20  # what waits in the system's buffers counts as sent


@pytest.mark.parametrize(("where", "fault", "word"), cases(STALLED_FILES, {"stalled half way"}))
@pytest.mark.usefixtures("impatient")
def test_a_file_that_does_not_come_ends_in_a_sentence(
    hub, workspace, tmp_path, where, fault, word
):
    hub.add(REPO, denoiser_files())
    hub.wrong[where] = fault
    ended(workspace, pinned(hub, "ddpm"), tmp_path, word, PATIENCE + SLACK)


@pytest.mark.parametrize(("where", "fault", "word"), cases(LISTINGS))
@pytest.mark.usefixtures("anything")
def test_every_fault_of_a_listing_ends_in_a_sentence(hub, workspace, tmp_path, where, fault, word):
    hub.add(REPO, denoiser_files())
    hub.wrong[where] = fault
    ended(workspace, unpinned("ddpm"), tmp_path, word)


@pytest.mark.parametrize(("where", "fault", "word"), cases(STALLED_LISTINGS, set()))
@pytest.mark.usefixtures("impatient", "anything")
def test_a_listing_that_does_not_come_ends_in_a_sentence(
    hub, workspace, tmp_path, where, fault, word
):
    hub.add(REPO, denoiser_files())
    hub.wrong[where] = fault
    ended(workspace, unpinned("ddpm"), tmp_path, word, PATIENCE + SLACK)


def test_a_hub_that_is_dead_says_so_at_once(hub, workspace, tmp_path):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.end()
    ended(workspace, task, tmp_path, UNREACHABLE, SLACK)  # else it would be tried for 23 s


@pytest.mark.usefixtures("anything")
def test_a_repository_of_pickles_is_refused(hub, workspace, tmp_path):
    files = denoiser_files()
    pickled = {path.replace(".safetensors", ".bin"): content for path, content in files.items()}
    hub.add(REPO, pickled)
    ended(workspace, unpinned("ddpm"), tmp_path, "cannot be loaded safely")
    assert not [request for request in hub.asked if request.path.endswith(".bin")]


def test_what_comes_after_the_announced_bytes_is_not_taken(hub, workspace):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.wrong[GET] = spoilt(lambda body: [body + body])
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


def test_a_line_that_breaks_once_gets_there(hub, workspace):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.wrong[f"GET /{REPO}/resolve/{task.commit}/{UNET}"] = once(truncated)
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


@pytest.mark.slow
@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://", "http://[::1", ""])
def test_an_address_that_is_none_ends_in_a_sentence(hub, workspace, tmp_path, target):
    hub.add(REPO, denoiser_files())
    hub.wrong[GET] = lambda answer: answer.reply(b"", 302, {"Location": target or answer.path})
    ended(workspace, pinned(hub, "ddpm"), tmp_path, "")


def test_what_another_host_gives_is_no_model(hub, workspace, tmp_path):
    """The client follows; but the bytes are not the pinned ones, and no token was with it."""
    hub.add(REPO, denoiser_files())
    with loopback() as other:
        other.wrong["/"] = lambda answer: answer.reply(bytes(len(denoiser_files()[UNET])), 200)
        elsewhere = {"Location": f"{other.endpoint}/there"}
        hub.wrong[f"{GET}{hub.repos[REPO].head}/{UNET}"] = lambda answer: answer.reply(
            b"", 302, elsewhere
        )
        ended(workspace, pinned(hub, "ddpm"), tmp_path, "not what it should be")
    assert [request.path for request in other.asked] == ["/there"]
    assert {request.token for request in other.asked} == {""}


@pytest.mark.usefixtures("anything")
def test_a_repository_that_was_renamed_is_found(hub, workspace):
    """The Hub leads from the old name to the new one, on itself."""
    hub.add(REPO, denoiser_files())
    for place in ("/api/models/ada/old", "/ada/old/resolve"):
        hub.wrong[place] = lambda answer: answer.reply(
            b"", 307, {"Location": answer.path.replace("ada/old", REPO)}
        )
    for task in (pinned(hub, "ddpm"), unpinned("ddpm")):
        task = task.model_copy(update={"repo": "ada/old"})
        assert worked(workspace, task) is None
        assert workspace.store.read_run(task.fingerprint)["network.safetensors"]


def test_no_path_leads_out_of_the_folder(hub, workspace, tmp_path):
    evil = "a/../../../../climbed.json"
    hub.add(REPO, {evil: b"{}", "x/climbed.json": b"{}"})
    good = {"part": "network.json", "size": 2, "sha256": "44136fa355b3678a1146ad16f7e8649e"}
    file = PinnedFile.model_construct(path=evil, **good)
    task = Pull(kind="ddpm", repo=REPO, commit=hub.repos[REPO].head, files=(file,))
    ended(workspace, task, tmp_path, "")
    assert not list(tmp_path.rglob("climbed*"))
