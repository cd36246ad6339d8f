"""Whatever a hub does it ends soon, in one sentence, and little is kept."""

import gzip
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from genlib.hub import HubError, Pull, pull, wire
from genlib.hub.curated import Kind, PinnedFile
from genlib.hub.wire import BUSY, TOO_MUCH, TOO_SLOW, UNREACHABLE, Wire, opened
from tests.support.hub_models import UNET, changed, denoiser_files, denoiser_parts, fuzzed, outcome
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
    Answer,
    Fault,
    Files,
    refused,
    spoilt,
    status,
    truncated,
)
from tests.support.services import ROOT

LONGEST = 3.0  # seconds of an attempt here: patience and grace
ENDLESS = 64 * 2**20  # bytes at which even what is endless ends, should nobody hang up
ELSEWHERE = "http://127.0.0.2:{}/there?X-Amz-Signature=hf_secret"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 2.0)
    monkeypatch.setattr(pull, "GRACE", 1.0)
    monkeypatch.setattr(wire, "TIMEOUTS", dict.fromkeys(wire.TIMEOUTS, 0.7))
    monkeypatch.setattr(wire, "TALK", CHUNK)


def silent(answer: Answer) -> None:
    answer.server.over.wait()
    answer.close_connection = True


def hesitant(answer: Answer) -> None:
    """Send a header that never ends, a byte now and then."""
    answer.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not answer.server.over.wait(0.3):
        answer.wfile.write(b"X")


def slow(body: bytes) -> Iterator[bytes]:
    for byte in body:
        yield bytes([byte])
        time.sleep(1)


def stalled(answer: Answer) -> None:
    def pieces(body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        answer.server.over.wait()

    spoilt(pieces)(answer)


def with_headers(**headers: str) -> Fault:
    """Answer as ever, but for some headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(answer: Answer) -> None:
        plain = answer.reply
        answer.reply = lambda body, number, own=None: plain(body, number, (own or {}) | named)
        answer.route()

    return fault


def endless(answer: Answer) -> None:
    answer.send_response(200)
    answer.send_header("Transfer-Encoding", "chunked")
    answer.end_headers()
    while answer.asked.sent < ENDLESS:
        answer.wfile.write(b"%x\r\n%s\r\n" % (CHUNK, bytes(CHUNK)))
        answer.asked.sent += CHUNK


def bomb(answer: Answer) -> None:
    answer.reply(gzip.compress(bytes(ENDLESS)), 200, {"Content-Encoding": "gzip"})


def saying(content: bytes) -> Fault:
    return lambda answer: answer.reply(content, 200)


EVERY, GET, WEIGHTS = "/resolve/", f"GET /{REPO}/resolve/", "diffusion_pytorch_model.safetensors"
GIANT = {"Content_Length": "10000000000"}
LINES: dict[str, tuple[str, Fault, str]] = {  # where, what, and a word of the sentence
    "silent": (EVERY, silent, TOO_SLOW),
    "silent once it is asked for bytes": (GET, silent, TOO_SLOW),
    "a byte a second": (GET, spoilt(slow), TOO_SLOW),
    "a header without end": (EVERY, hesitant, TOO_SLOW),
    "stalled half way": (f"{GET}", stalled, "press again"),
    "hung up half way": (WEIGHTS, truncated, "press again"),
    "a bit flipped": (
        WEIGHTS,
        spoilt(lambda body: [body[:99] + bytes([body[99] ^ 1]) + body[100:]]),
        "thrown away",
    ),
    "not let in": (EVERY, status(401), REPO),
    "gated": (EVERY, refused("GatedRepo"), "consent"),
    "forbidden": (EVERY, status(403), REPO),
    "no such repository": (EVERY, refused("RepoNotFound"), f"no {REPO}"),
    "no such commit": (EVERY, refused("RevisionNotFound"), "commit"),
    "no such file": (WEIGHTS, refused("EntryNotFound"), "lacks"),
    "not found, for no reason": (EVERY, status(404), REPO),
    "asked too often": (EVERY, status(429), BUSY),
    "asked too often for bytes": (GET, status(429), BUSY),
    "out of order": (EVERY, status(500), BUSY),
    "out of order for bytes": (GET, status(503), BUSY),
    "10 GB announced": (EVERY, with_headers(**GIANT), TOO_MUCH),
    "10 GB announced with the bytes": (GET, with_headers(**GIANT), TOO_MUCH),
    "bytes without end": (GET, endless, TOO_MUCH),
    "a bomb": (GET, bomb, TOO_MUCH),
    "a length that is no number": (GET, with_headers(Content_Length="1e9"), ""),
    "a coding of its own": (GET, with_headers(Content_Encoding="br"), TOO_MUCH),
    "nothing but a greeting": (EVERY, saying(b"<html>Welcome to the hotel</html>"), ""),
}
LISTINGS: dict[str, tuple[Fault, str]] = {
    "silent": (silent, "press again"),
    "hesitant": (hesitant, TOO_SLOW),
    "gated": (refused("GatedRepo"), "consent"),
    "no such repository": (refused("RepoNotFound"), f"no {REPO}"),
    "not let in": (status(401), REPO),
    "forbidden": (status(403), REPO),
    "asked too often": (status(429), BUSY),
    "out of order": (status(500), BUSY),
    "hung up": (truncated, ""),
    "10 GB announced": (with_headers(**GIANT), TOO_MUCH),
    "a bomb": (bomb, TOO_MUCH),
    "no JSON": (saying(b"<html>Welcome to the hotel</html>"), ""),
    "no text": (saying(b"\xff\xfe\x00"), ""),
    "a list": (saying(b"[]"), ""),
    "a number": (saying(b"1"), ""),
    "null": (saying(b"null"), ""),
    "nothing": (saying(b""), ""),
    "deep": (saying(b"[" * 100_000), ""),
    "no name": (saying(b"{}"), ""),
    "files that are none": (saying(b'{"id": "a", "siblings": [1]}'), ""),
    "files without names": (saying(b'{"id": "a", "siblings": [{}]}'), ""),
    "no files": (saying(b'{"id": "a", "sha": "%s", "siblings": []}' % (b"0" * 40)), "safely"),
    "no list of files": (saying(b'{"id": "a", "sha": "%s"}' % (b"0" * 40)), "safely"),
}
SAID: dict[str, tuple[str, dict[str, object], str]] = {  # of which file, what, and a word
    "another sum": (UNET, {"lfs": {"sha256": "0" * 64, "size": 9, "pointerSize": 9}}, "thrown"),
    "a larger size": (UNET, {"size": 99_999}, "thrown"),
    "10 GB": (UNET, {"size": 10**10}, "too much"),
    "no size": (UNET, {"size": None}, ""),
    "a size in words": (UNET, {"size": "many"}, ""),
    "a size below nothing": (UNET, {"size": -5}, ""),
    "a commit that climbs": ("", {"sha": "../../../../etc"}, ""),
    "a commit of another kind": ("", {"sha": 7}, ""),
    "a card in one word": ("", {"cardData": "mit"}, ""),
    "a licence of its own kind": ("", {"cardData": {"license": [1]}}, None),
}


def ended(workspace, task: Pull, tmp_path: Path, word: str) -> None:
    """It ends in time, says a clear sentence with that word, and leaves nothing behind."""
    began = time.monotonic()
    sentence = worked(workspace, task)
    assert time.monotonic() - began < LONGEST + 5  # a busy machine is slow
    assert sentence is not None
    assert_clear(sentence)
    assert word in sentence
    assert_nothing_kept(workspace, task)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(workspace.store.home) for path in left)
    assert sum(path.stat().st_size for path in left) < task.size + 2 * CHUNK


@pytest.mark.parametrize("name", LINES)
@pytest.mark.usefixtures("impatient")
def test_every_fault_of_the_line_ends_in_a_sentence(hub, workspace, tmp_path, name):
    where, fault, word = LINES[name]
    hub.add(REPO, denoiser_files())
    hub.wrong[where] = fault
    ended(workspace, pinned(hub, "ddpm"), tmp_path, word)
    assert hub.sent < 16 * 2**20  # what waits in the system's buffers counts as sent


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.usefixtures("impatient")
def test_every_fault_of_a_listing_ends_in_a_sentence(hub, workspace, tmp_path, monkeypatch, name):
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    fault, word = LISTINGS[name]
    hub.add(REPO, denoiser_files())
    hub.wrong["/api/"] = fault
    ended(workspace, unpinned("ddpm"), tmp_path, word)


@pytest.mark.parametrize("name", SAID)
@pytest.mark.usefixtures("impatient")
def test_a_listing_that_lies_is_not_believed(hub, workspace, tmp_path, monkeypatch, name):
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    path, said, word = SAID[name]
    hub.add(REPO, denoiser_files())
    hub.repos[REPO].said[path] = said
    if word is not None:
        ended(workspace, unpinned("ddpm"), tmp_path, word)
    else:  # of no importance
        assert worked(workspace, unpinned("ddpm")) is None
        assert_kept(workspace, unpinned("ddpm"), "ddpm", denoiser_files())


@pytest.mark.usefixtures("impatient")
def test_a_hub_that_is_dead_says_so_at_once(hub, workspace, tmp_path):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.end()
    began = time.monotonic()
    ended(workspace, task, tmp_path, UNREACHABLE)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "header",
    [{"X_Linked_Size": "10000000000"}, {"ETag": '"../../climbed"'}, {"ETag": f'"{"a" * 10_000}"'}],
    ids=["size", "climbing", "long"],
)
def test_headers_that_lie_change_nothing(hub, workspace, header):
    hub.add(REPO, denoiser_files())
    hub.wrong[EVERY] = with_headers(**header)
    task = pinned(hub, "ddpm")
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


def test_a_repository_of_pickles_is_refused(hub, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    files = denoiser_files()
    pickled = {path.replace(".safetensors", ".bin"): content for path, content in files.items()}
    hub.add(REPO, pickled)
    ended(workspace, unpinned("ddpm"), tmp_path, "cannot be loaded safely")
    assert {asked.path for asked in hub.asked} == {f"/api/models/{REPO}/revision/main"}


@pytest.mark.usefixtures("impatient")
def test_what_comes_after_the_announced_bytes_is_not_taken(hub, workspace):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.wrong[GET] = spoilt(lambda body: [body + body])
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


WAYS = {
    "another host": ("/resolve/", ELSEWHERE),
    "another host, with the bytes": (GET, ELSEWHERE),
    "another port": (GET, "http://127.0.0.1:{}/there"),
    "a cloud's secrets": ("/resolve/", "http://169.254.169.254/latest/meta-data/"),
    "a cloud's secrets, with the bytes": (GET, "http://169.254.169.254/latest/meta-data/"),
    "a file": (GET, "file:///etc/passwd"),
    "nowhere": (GET, "http://"),
    "no address": (GET, "http://[::1"),
    "in circles": ("/resolve/", ""),
    "in circles, with the bytes": (GET, ""),
}


@pytest.mark.parametrize("listing", [False, True], ids=["files", "listing"])
@pytest.mark.parametrize("name", WAYS)
@pytest.mark.usefixtures("impatient")
def test_nobody_leads_us_elsewhere(hub, workspace, tmp_path, monkeypatch, name, listing):
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    where, target = WAYS[name]
    host = "127.0.0.1" if "127.0.0.1" in target else "127.0.0.2"
    hub.add(REPO, denoiser_files())
    with socket.create_server((host, 0)) as other:
        other.setblocking(False)
        location = target.format(other.getsockname()[1])
        hub.wrong["/api/" if listing else where] = lambda answer: answer.reply(
            b"",
            302,
            {"Location": location or answer.path, "ETag": '"0"', "X-Repo-Commit": "0" * 40},
        )
        task = unpinned("ddpm") if listing else pinned(hub, "ddpm")
        ended(workspace, task, tmp_path, "sent us to" if "//1" in target else "")
        with pytest.raises(BlockingIOError):  # nobody has called
            other.accept()
    assert {asked.token for asked in hub.asked} == {""}


@pytest.mark.parametrize("number", [301, 302, 307, 308])
def test_a_repository_that_was_renamed_is_found(hub, workspace, monkeypatch, number):
    """The Hub leads from the old name to the new one, on itself."""
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    hub.add(REPO, denoiser_files())
    for place in ("/api/models/ada/old", "/ada/old/resolve"):
        hub.wrong[place] = lambda answer: answer.reply(
            b"", number, {"Location": answer.path.replace("ada/old", REPO)}
        )
    for task in (pinned(hub, "ddpm"), unpinned("ddpm")):
        task = task.model_copy(update={"repo": "ada/old"})
        assert worked(workspace, task) is None
        assert workspace.store.read_run(task.fingerprint)["network.safetensors"]


REFUSED = [
    "http://huggingface.co/x",
    "https://huggingface.co.evil.example/x",
    "https://evilhuggingface.co/x",
    "https://huggingface.co@evil.example/x",
    "https://huggingface.co:8443/x",
    "https://127.0.0.1/x",
    "http://localhost:7/x",
    "http://127.0.0.1:8/x",
    "http://0x7f000001:7/x",
    "ftp://huggingface.co/x",
]
KNOWN = ["https://huggingface.co/x", "https://cdn-lfs.hf.co/x", "http://127.0.0.1:7/x"]


def test_files_come_from_the_hub_and_its_own_hosts_alone():
    line = Wire(10, "http://127.0.0.1:7")
    for url in REFUSED:
        with pytest.raises(HubError, match="sent us to"):
            line.handle_request(httpx2.Request("GET", url))
    for url in KNOWN:
        line._check_host(httpx2.URL(url))
    for endpoint, url in [
        ("https://mirror.example", "https://mirror.example/x"),
        ("https://mirror.example:443", "https://mirror.example/x"),
        ("http://Mirror.example:80/", "http://mirror.example/x"),
        ("http://mirror.example:8080/hub", "http://mirror.example:8080/hub/x"),
    ]:
        Wire(10, endpoint)._check_host(httpx2.URL(url))
    line.close()


@pytest.mark.parametrize("fault", [endless, saying(bytes(ENDLESS))], ids=["chunks", "at once"])
def test_no_more_than_a_chunk_comes_beyond_the_limit(hub, monkeypatch, fault):
    from huggingface_hub import get_session

    monkeypatch.setattr(wire, "TALK", 0)
    hub.wrong["/"] = fault
    with opened(10**6) as line, pytest.raises(HubError, match="more than"):
        get_session().get(hub.endpoint)
    assert line.received <= 10**6 + CHUNK


def test_an_attempt_takes_two_minutes_at_most_as_shipped(hub):
    assert wire.PATIENCE + pull.GRACE + wire.TIMEOUTS["connect"] <= 120
    with opened(1) as line:
        assert line.end - time.monotonic() <= wire.PATIENCE
    assert line.stopped


@pytest.mark.usefixtures("impatient")
def test_no_path_leads_out_of_the_folder(hub, workspace, tmp_path):
    evil = "a/../../../../climbed.json"
    hub.add(REPO, {evil: b"{}", "x/climbed.json": b"{}"})
    good = {"part": "network.json", "size": 2, "sha256": "44136fa355b3678a1146ad16f7e8649e"}
    file = PinnedFile.model_construct(path=evil, **good)
    task = Pull(kind="ddpm", repo=REPO, commit=hub.repos[REPO].head, files=(file,))
    ended(workspace, task, tmp_path, "")
    assert not list(tmp_path.rglob("climbed*"))


# What would cost much, if it were built or used: of which kind, and where.
VAST = 10**9
GIANTS: dict[tuple[Kind, str], dict[str, object]] = {
    ("ddpm", "network.json"): {
        "sample_size": VAST,
        "in_channels": VAST,
        "layers_per_block": VAST,
        "norm_num_groups": VAST,
        "attention_head_dim": VAST,
        "time_embedding_dim": VAST,
        "downsample_padding": 1000,
        "block_out_channels": [VAST, VAST],
        "down_block_types": ["DownBlock2D"] * 10**5,
    },
    ("ddpm", "scheduler.json"): {
        "num_train_timesteps": VAST,
        "trained_betas": [0.5] * 10**6,
    },
    ("autoencoder", "network.json"): {
        "latent_channels": VAST,
        "upsampling_scaling_factor": 1000,
        "num_encoder_blocks": [VAST] * 3,
        "num_decoder_blocks": [VAST] * 3,
        "encoder_block_out_channels": [VAST] * 3,
    },
}
DEEP = {
    "block_out_channels": [8] * 500,
    "down_block_types": ["DownBlock2D"] * 500,
    "up_block_types": ["UpBlock2D"] * 500,
}


def giants() -> Iterator[tuple[str, Kind, Files]]:
    """Yield a name, a kind and its parts, one of them with a giant in it."""
    whole = {name: parts for name, (_, _, parts) in fuzzed().items()} | {"ddpm": denoiser_parts()}
    for (kind, part), settings in GIANTS.items():
        for key, value in settings.items():
            odd = changed(whole[kind][part], (key,), value)
            yield f"{kind} {key}", kind, whole[kind] | {part: odd}
    document = json.loads(whole["ddpm"]["network.json"]) | DEEP
    yield "ddpm levels", "ddpm", whole["ddpm"] | {"network.json": json.dumps(document).encode()}


def try_giants() -> None:
    """Write a line of JSON for each: its name, outcome, seconds, MB, each in its own process."""
    assert outcome("ddpm", denoiser_parts()) == "used"  # all that is imported is imported now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, kind, parts in giants():
        if os.fork() == 0:
            signal.alarm(12)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**30,) * 2)
            began = time.monotonic()
            came, seconds = outcome(kind, parts), time.monotonic() - began
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
            os.write(1, json.dumps([name, came, seconds, grown]).encode() + b"\n")
            os._exit(0)
        if os.wait()[1]:
            os.write(1, json.dumps([name, "killed", 12, 0]).encode() + b"\n")


def test_what_is_giant_costs_neither_time_nor_memory():
    done = subprocess.run(
        [sys.executable, "-c", "import test_hub_faults; test_hub_faults.try_giants()"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    came = {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}
    assert len(came) == sum(map(len, GIANTS.values())) + 1
    assert {name: it for name, it in came.items() if it[0] not in ("refused", "used")} == {}
    assert {name: it for name, it in came.items() if it[1] > 10 or it[2] > 500} == {}
