"""Models come from the Hub whole and verified, or not at all; runs go there and come back."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch
from pydantic import ValidationError

from genlib.hub import HubError, Pretrained, Pull, Reversal, curated, wire
from genlib.hub.curated import LIST, PARTS, SHIPPED, write_curated
from genlib.hub.pretrained import READERS, read_run
from genlib.hub.publish import publish
from genlib.hub.pull import look_up
from genlib.hub.reversal import film_of
from genlib.hub.wire import UNREACHABLE, opened
from genlib.rng import generator
from genlib.runs.store import open_store
from genlib.settings import Settings
from tests.support.hub_models import UNET, autoencoder_files, denoiser_files, parts_of, run_files
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
    TOKEN,
    USER,
    sha256,
    spoilt,
    truncated,
)
from tests.support.services import ROOT, place, wait_for, worker
from tests.support.studied import trained

OFFERED = {
    "denoiser": ("ddpm", denoiser_files),
    "denoiser in colour, in the root": ("ddpm", lambda: denoiser_files(3, "root")),
    "autoencoder": ("autoencoder", autoencoder_files),
    "autoencoder in its folder": ("autoencoder", lambda: autoencoder_files("vae")),
    "run": ("run", run_files),
}


@pytest.mark.parametrize("name", OFFERED)
def test_a_pull_brings_every_byte_and_says_how_far_it_is(hub, workspace, name):
    kind, files = OFFERED[name][0], OFFERED[name][1]()
    hub.add(REPO, files, license="mit")
    task = pinned(hub, kind)
    events = list(task.perform(workspace, {}))
    steps = [event.step for event in events]
    assert steps == sorted(steps)
    assert steps[-1] == events[-1].steps
    assert {event.steps for event in events} == {task.size // 1000 + 1}
    assert all(0 <= step <= event.steps for step, event in zip(steps, events, strict=True))
    assert all(event.files == {} for event in events[:-1])
    workspace.store.write_run(task.fingerprint, events[-1].files)
    assert_kept(workspace, task, kind, files)
    assert workspace.store.fingerprints() == [task.fingerprint]


@pytest.mark.parametrize("name", OFFERED)
def test_what_is_looked_up_can_be_pinned_and_pulled(hub, workspace, name):
    kind, files = OFFERED[name][0], OFFERED[name][1]()
    hub.add(REPO, files, license="apache-2.0")
    with opened(10**6):
        commit, listed, licence = look_up(REPO, "main", kind)
    assert (commit, licence) == (hub.repos[REPO].head, "apache-2.0")
    assert [file.part for file in listed] == list(PARTS[kind])
    for file in listed:
        assert file.size == len(files[file.path])
        large = file.path.endswith(".safetensors")
        assert file.sha256 == (sha256(files[file.path]) if large else "")
    entry = Pretrained(
        name="x",
        title="X",
        repo=REPO,
        kind=kind,
        licence=licence,
        megabytes=0,
        shows="X.",
        commit=commit,
        files=pinned(hub, kind).files,
    )
    assert worked(workspace, Pull.of(entry)) is None
    assert_kept(workspace, Pull.of(entry), kind, files)


def test_a_pinned_commit_stays_what_it_is_while_the_repository_goes_on(hub, workspace):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.repos[REPO].commit(denoiser_files(3))
    assert pinned(hub, "ddpm") != task
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"size": 5}, {"size": 400 * 10**6}])
def test_what_is_not_what_was_pinned_is_thrown_away(hub, workspace, change):
    hub.add(REPO, denoiser_files())
    right = pinned(hub, "ddpm")
    for number, file in enumerate(right.files):
        files = list(right.files)
        files[number] = file.model_copy(update=change)
        task = right.model_copy(update={"files": tuple(files)})
        sentence = worked(workspace, task)
        assert_clear(sentence)
        assert "thrown away" in sentence
        assert_nothing_kept(workspace, task)
        left = (workspace.store.home / "hub" / task.fingerprint).rglob("*")
        assert not any(path.is_file() for path in left)
    assert worked(workspace, right) is None


def test_a_download_that_was_cut_goes_on_where_it_stopped(hub, workspace, monkeypatch):
    """As the sentences say: at the next press, not from the beginning."""
    hub.add(REPO, denoiser_files(3))
    weights, task = denoiser_files(3)[UNET], pinned(hub, "ddpm")
    hub.wrong[f"GET /{REPO}/resolve/{task.commit}/{UNET}"] = truncated
    with monkeypatch.context() as soon:
        soon.setattr(wire, "PATIENCE", 2.0)
        assert_clear(worked(workspace, task))
    hub.asked.clear()
    hub.wrong.clear()
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files(3))
    ranges = [asked.range for asked in hub.asked if asked.path.endswith(UNET) and asked.sent]
    assert ranges
    assert all(ranges)
    assert hub.sent < 0.75 * len(weights)


def test_a_line_that_breaks_now_and_then_gets_there(hub, workspace):
    """Each answer is cut after 40 kB; what has come is not asked for again."""
    hub.add(REPO, denoiser_files(3))
    weights, task = denoiser_files(3)[UNET], pinned(hub, "ddpm")
    hub.wrong[f"GET /{REPO}/resolve/{task.commit}/{UNET}"] = spoilt(lambda body: [body[:40_000]])
    presses = next((n for n in range(4) if worked(workspace, task) is None), None)
    assert presses is not None
    assert_kept(workspace, task, "ddpm", denoiser_files(3))
    assert hub.sent < 1.1 * len(weights) + 10_000


def test_whole_files_of_an_earlier_attempt_are_not_asked_for_again(hub, workspace):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.wrong["scheduler_config.json"] = lambda answer: answer.reply(b"", 500)
    assert_clear(worked(workspace, task))
    hub.asked.clear()
    hub.wrong.clear()
    assert worked(workspace, task) is None
    assert hub.sent < 5_000


def test_what_came_of_one_commit_is_not_mixed_with_another(hub, workspace, monkeypatch):
    """The repository goes on between two attempts: its settings change, not their length."""
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    hub.add(REPO, denoiser_files())
    hub.wrong["scheduler_config.json"] = lambda answer: answer.reply(b"", 500)
    assert_clear(worked(workspace, unpinned("ddpm")))
    path, files = "unet/config.json", denoiser_files()
    content = files[path].replace(b'"norm_eps": 1e-05', b'"norm_eps": 1e-06')
    assert content != files[path]
    hub.repos[REPO].commit(files | {path: content})
    hub.wrong.clear()
    attempts = [
        worked(workspace, unpinned("ddpm")) for _ in range(2)
    ]  # it may notice, and begin anew
    assert None in attempts
    assert_kept(workspace, unpinned("ddpm"), "ddpm", files | {path: content})


def test_a_server_of_its_own_list_refuses_what_is_not_pinned(hub, workspace, monkeypatch):
    hub.add(REPO, denoiser_files())
    monkeypatch.delenv("GENLIB_HUB_ANY", raising=False)
    sentence = worked(workspace, unpinned("ddpm"))
    assert sentence == "This server loads models of its own list only."
    assert hub.asked == []
    assert_nothing_kept(workspace, unpinned("ddpm"))
    monkeypatch.setenv("GENLIB_HUB_ANY", "true")
    assert worked(workspace, unpinned("ddpm")) is None
    assert_kept(workspace, unpinned("ddpm"), "ddpm", denoiser_files())


@pytest.mark.parametrize("set_by", ["HF_TOKEN", "file"])
def test_no_pull_tells_anybody_a_token(hub, workspace, monkeypatch, tmp_path, set_by):
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    monkeypatch.setenv("GENLIB_HUB_TOKEN", TOKEN)
    if set_by == "HF_TOKEN":
        monkeypatch.setenv("HF_TOKEN", TOKEN)
    else:
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "HF_TOKEN_PATH").write_text(TOKEN)
    hub.add(REPO, denoiser_files())
    assert worked(workspace, unpinned("ddpm")) is None
    assert worked(workspace, pinned(hub, "ddpm")) is None
    assert len(hub.asked) > 5
    assert {asked.token for asked in hub.asked} == {""}


def test_a_server_that_is_offline_says_so_at_once(hub, workspace, monkeypatch):
    from huggingface_hub import constants

    hub.add(REPO, denoiser_files())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    began = time.monotonic()
    assert worked(workspace, pinned(hub, "ddpm")) == UNREACHABLE
    assert time.monotonic() - began < 2
    assert_clear(UNREACHABLE)
    assert hub.asked == []


def pulling() -> list[threading.Thread]:
    """Return the threads that are neither the test's own nor the hub's."""
    known = ("MainThread", "process_request", "serve_forever", "watcher", "pytest_timeout")
    alive = threading.enumerate()
    return [it for it in alive if not any(name in it.name for name in known)]


def silent(answer) -> None:
    answer.server.over.wait()
    answer.close_connection = True


def slow(body: bytes) -> Iterator[bytes]:
    for byte in body:
        yield bytes([byte])
        time.sleep(0.2)


@pytest.mark.parametrize("fault", [slow, silent, truncated], ids=["slow", "silent", "cut"])
def test_a_pull_that_is_stopped_leaves_the_hub_alone(hub, workspace, monkeypatch, fault):
    """Its thread ends, and nothing is asked of the Hub any more: not by a retry either."""
    monkeypatch.setattr(wire, "TIMEOUTS", dict.fromkeys(wire.TIMEOUTS, 2.0))
    hub.add(REPO, denoiser_files())
    task, before = pinned(hub, "ddpm"), set(pulling())
    hub.wrong[f"GET /{REPO}/resolve"] = spoilt(slow) if fault is slow else fault
    events = task.perform(workspace, {})
    next(events)
    wait_for(lambda: [asked for asked in hub.asked if asked.method == "GET"], 10)
    time.sleep(0.2)
    assert set(pulling()) - before
    began, asked = time.monotonic(), len(hub.asked)
    events.close()
    assert time.monotonic() - began < 0.5
    wait_for(lambda: not set(pulling()) - before, 10)
    assert len(hub.asked) == asked
    assert_nothing_kept(workspace, task)


def test_every_entry_of_the_shipped_list_is_valid_and_what_is_not_pinned_is_not_pulled():
    entries = curated(LIST)
    assert len({entry.name for entry in entries}) == len(entries) >= 4
    assert {entry.kind for entry in entries} >= {"ddpm", "autoencoder"}
    for entry in entries:
        assert entry.shows.endswith(".")
        assert entry.title
        if entry.commit:
            task = Pull.of(entry)
            assert {file.part for file in task.files} == set(PARTS[entry.kind])
            assert task.size == pytest.approx(entry.megabytes * 1e6, rel=0.05, abs=5e4)
        else:
            assert entry.files == ()
            with pytest.raises(ValidationError):
                Pull.of(entry)


def test_what_comes_with_the_package_is_there_and_opens(home):
    entries = [entry for entry in curated(LIST) if entry.repo == SHIPPED]
    assert {entry.kind for entry in entries} == {"ddpm", "autoencoder"}
    for entry in entries:
        kept = open_store(Settings()).read_run(Pull.of(entry).fingerprint)
        for file in entry.files:
            assert (len(kept[file.part]), sha256(kept[file.part])) == (file.size, file.sha256)
        READERS[entry.kind](kept)
        assert entry.licence


def test_the_list_is_read_as_it_was_written(hub, tmp_path, monkeypatch):
    hub.add(REPO, denoiser_files())
    own, entries = tmp_path / "own.json", curated(LIST)
    monkeypatch.setenv("GENLIB_HUB_LIST", str(own))
    task = pinned(hub, "ddpm")
    changed = {"commit": task.commit, "files": task.files, "title": "Ziffern, 8 × 8"}
    entries = (entries[0].model_copy(update=changed), *entries[1:])
    write_curated(entries)
    assert curated() == entries
    assert Pull.of(curated()[0]).files == task.files
    write_curated(entries[1:])
    assert curated() == entries[1:]
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]
    assert own.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[{}]", b"\xff", b"[1]", b'[{"name": "a"}]', None],
    ids=["empty", "object", "nothing in it", "no text", "number", "half", "missing"],
)
def test_a_broken_list_is_said_to_be_broken(tmp_path, content):
    path = tmp_path / "list.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HubError) as caught:
        curated(path)
    assert_clear(str(caught.value))


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "abc"},
        {"repo": "../../etc"},
        {"repo": "model"},
        {"repo": "https://evil/x"},
        {"kind": "pickle"},
        {"files": [{"part": "run.json", "path": "../x.json", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"part": "../x.json", "path": "x.json", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"part": "x.json", "path": "a/../../x.json", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"part": "x.json", "path": "/etc/x.json", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"part": "x.json", "path": "weights.bin", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"part": "x.json", "path": "x.json", "size": 10**12, "sha256": "0" * 64}]},
        {"files": [{"part": "x.json", "path": "x.json", "size": 0, "sha256": "0" * 64}]},
        {"files": [{"part": "x.json", "path": "x.json", "size": 1, "sha256": "abc"}]},
    ],
    ids=str,
)
def test_no_entry_says_what_must_not_be(change):
    with pytest.raises(ValidationError):
        Pretrained.model_validate(curated(LIST)[0].model_dump() | change)


@pytest.mark.timeout(300)
def test_the_worker_pulls_and_then_needs_no_hub(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    hub.add(REPO, denoiser_files())
    first, again = pinned(hub, "ddpm"), unpinned("ddpm")
    with place(tmp_path / "home") as here, worker(here.settings) as working:
        wait_for(working.births)
        for task in (first, again):
            here.jobs.submit(task)
            here.reaches(task, "trained")
            kept = here.store.read_run(task.fingerprint)
            for part, content in parts_of("ddpm", denoiser_files()).items():
                assert kept[part] == content
        assert {asked.token for asked in hub.asked} == {""}
        hub.end()
        gone = first.model_copy(update={"repo": "ada/other"})
        here.jobs.submit(gone)
        assert here.reaches(gone, "failed").sentence == UNREACHABLE
        assert here.store.read_run(gone.fingerprint) is None
        walk = Reversal(start=first, steps=10, pictures=4)
        here.jobs.submit(walk)
        here.reaches(walk, "trained")
        times, x, clean = film_of(here.store.read_run(walk.fingerprint))
    assert (times[0], times[-1]) == (1000, 0)
    assert x.shape == clean.shape == (11, 4, 1, 8, 8)
    assert (x[-1] == clean[-1]).all()


# The client's own upload hands a file to its own HTTP library as that no longer likes it.
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_a_run_that_was_published_comes_back_and_makes_the_same(hub, workspace):
    run = trained("vae", epochs=1)
    done = publish(run, "my-first", TOKEN)
    assert done["repo"] == f"{USER}/my-first"
    assert done["commit"] == hub.repos[done["repo"]].head
    there = hub.repos[done["repo"]].commits[done["commit"]]
    assert {path: there[path] for path in run.to_files()} == run.to_files()
    assert there["README.md"].startswith(b"---\n")
    posted = {asked.token for asked in hub.asked if asked.method == "POST"}
    assert posted == {TOKEN}
    assert {asked.token for asked in hub.asked if asked.method == "PUT"} == {""}  # a signed place
    assert TOKEN.encode() not in b"".join(there.values())
    hub.asked.clear()

    task = pinned(hub, "run", done["repo"])
    assert worked(workspace, task) is None
    assert {asked.token for asked in hub.asked} == {""}
    back = read_run(workspace.store.read_run(task.fingerprint))
    assert (back.spec, back.curve, back.provenance) == (run.spec, run.curve, run.provenance)
    ours, theirs = (it.family.sample(9, generator(7)) for it in (back, run))
    assert torch.equal(ours, theirs)
    assert workspace.store.fingerprints() == [
        task.fingerprint
    ]  # not in the place of a run made here
    assert publish(run, "my-first", TOKEN)["repo"] == done["repo"]  # again


@pytest.mark.parametrize("token", ["hf_of-nobody", "hf_of-nobody\n"])
def test_a_token_that_may_not_publish_is_refused_and_not_repeated(hub, caplog, token):
    with pytest.raises(HubError) as caught:
        publish(trained("vae", epochs=1), "my-first", token)
    assert_clear(str(caught.value))
    assert "nobody" not in f"{caught.value} {caplog.text}"
    assert hub.repos == {}


OPENING = """
import sys, time
import diffusers
from diffusers import DDPMScheduler, DDIMScheduler, UNet2DModel
from genlib.hub.pretrained import read_denoiser
from genlib.runs.store import Store
from pathlib import Path

began = time.perf_counter()
network, settings = read_denoiser(Store(Path(sys.argv[1])).read_run(sys.argv[2]))
print(time.perf_counter() - began)
"""


def test_a_model_that_is_here_opens_offline_within_three_seconds(hub, workspace, tmp_path):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    assert worked(workspace, task) is None
    hub.end()
    done = subprocess.run(
        [sys.executable, "-c", OPENING, workspace.store.home, task.fingerprint],
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert float(done.stdout) < 3
