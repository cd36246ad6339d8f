"""Models come from the Hub whole and verified, or not at all; runs go there and come back."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from genlib.hub import HubError, Pretrained, Pull, Reversal, curated
from genlib.hub.curated import LIST, PARTS, SHIPPED, PinnedFile, write_curated
from genlib.hub.download import OFFLINE, UNREACHABLE
from genlib.hub.pins import read_pins
from genlib.hub.pretrained import READERS, read_run
from genlib.hub.publish import publish
from genlib.hub.reversal import film_of
from genlib.rng import generator
from genlib.runs.store import open_store
from genlib.settings import Settings
from tests.support.hub_faults import a_byte_a_second, silent
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
    status,
    truncated,
)
from tests.support.services import ROOT, acting_as, place, wait_for, worker
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
    first, *others = right.files
    task = right.model_copy(update={"files": (first.model_copy(update=change), *others)})
    sentence = worked(workspace, task)
    assert_clear(sentence)
    assert "not what it should be" in sentence
    assert_nothing_kept(workspace, task)
    left = (workspace.store.home / "hub" / task.fingerprint).rglob("*")
    assert not any(path.is_file() for path in left)


def test_whole_files_of_an_earlier_attempt_are_not_asked_for_again(hub, workspace):
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    hub.wrong[f"GET /{REPO}/resolve/{task.commit}/{UNET}"] = status(500)  # the last one
    assert_clear(worked(workspace, task))
    hub.asked.clear()
    hub.wrong.clear()
    assert worked(workspace, task) is None
    sent = [Path(request.path).name for request in hub.asked if request.sent]
    assert "diffusion_pytorch_model.safetensors" in sent
    assert {"config.json", "scheduler_config.json"} & set(sent) == set()


def test_what_came_of_one_commit_is_not_mixed_with_another(hub, workspace, monkeypatch):
    """The repository goes on between two attempts: its settings change, not their length."""
    monkeypatch.setenv("GENLIB_HUB_ANY", "1")
    commit = hub.add(REPO, denoiser_files())
    hub.wrong[f"GET /{REPO}/resolve/{commit}/{UNET}"] = status(500)
    assert_clear(worked(workspace, unpinned("ddpm")))
    path, files = "scheduler/scheduler_config.json", denoiser_files()
    content = files[path].replace(b'"beta_end": 0.02', b'"beta_end": 0.01')
    assert content != files[path]
    hub.repos[REPO].commit(files | {path: content})
    hub.wrong.clear()
    assert worked(workspace, unpinned("ddpm")) is None
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
        (tmp_path / "hf" / "token").write_text(TOKEN)
    hub.add(REPO, denoiser_files())
    assert worked(workspace, unpinned("ddpm")) is None
    assert worked(workspace, pinned(hub, "ddpm")) is None
    assert len(hub.asked) > 5
    assert {asked.token for asked in hub.asked} == {""}


def test_a_server_that_is_offline_says_so(hub, workspace, monkeypatch):
    hub.add(REPO, denoiser_files())
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert worked(workspace, pinned(hub, "ddpm")) == OFFLINE
    assert_clear(OFFLINE)
    assert hub.asked == []


def downloading(folder: Path) -> list[str]:
    """Return the processes that download into a folder."""
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [line.decode() for line in commands if str(folder).encode() in line]


@pytest.mark.parametrize(
    "fault", [a_byte_a_second, silent, truncated], ids=["slow", "silent", "cut"]
)
def test_a_pull_that_is_stopped_leaves_the_hub_alone(hub, workspace, fault):
    """Its process ends, and nothing is asked of the Hub any more: not by a retry either."""
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    wrong = spoilt(fault) if fault is a_byte_a_second else fault
    hub.wrong[f"GET /{REPO}/resolve"] = wrong
    events = task.perform(workspace, {})
    next(events)
    wait_for(lambda: [request for request in hub.asked if "GET" in request.method])
    assert downloading(workspace.store.home)
    events.close()
    assert not downloading(workspace.store.home)
    asked = len(hub.asked)
    time.sleep(1.5)
    assert len(hub.asked) == asked
    assert_nothing_kept(workspace, task)


def test_a_download_ends_with_the_process_that_watches_it(hub, tmp_path):
    """However that ends: nobody is there to read what would come."""
    hub.add(REPO, denoiser_files())
    hub.wrong[f"GET /{REPO}/resolve"] = silent
    script = f"""
from pathlib import Path
from genlib.hub import Pull
from genlib.hub.pull import download
pull = Pull.model_validate_json({pinned(hub, "ddpm").model_dump_json()!r})
for _ in download(pull, Path({str(tmp_path / "model")!r})): pass
"""
    watcher = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    wait_for(lambda: [request for request in hub.asked if request.method == "GET"])
    assert downloading(tmp_path)
    watcher.kill()
    watcher.wait()
    wait_for(lambda: not downloading(tmp_path), 10)


def test_every_entry_of_the_shipped_list_is_valid():
    entries = curated(LIST)
    assert len({entry.name for entry in entries}) == len(entries) >= 4
    assert {entry.kind for entry in entries} >= {"ddpm", "autoencoder"}
    for entry in entries:
        assert entry.shows.endswith(".")
        assert entry.title
        task = Pull.of(entry)
        assert {file.part for file in task.files} <= set(PARTS[entry.kind])
        assert task.commit == (entry.commit or "main")
        if task.size:
            assert task.size == pytest.approx(entry.megabytes * 1e6, rel=0.05, abs=5e4)
    assert {entry.name for entry in entries if Pull.of(entry).pinned} >= {"cifar10", "taesd"}


@pytest.fixture
def listed(hub, tmp_path, monkeypatch):
    """An operator's list of one model that nobody pinned, on a server that takes no other."""
    monkeypatch.delenv("GENLIB_HUB_ANY", raising=False)
    monkeypatch.setenv("GENLIB_HUB_LIST", str(tmp_path / "list.json"))
    facts = {"title": "", "licence": "", "megabytes": 1, "shows": "Something."}
    entry = Pretrained(name="model", repo=REPO, kind="ddpm", **facts)
    write_curated((entry,))
    return entry


def test_what_nobody_pinned_is_pinned_by_its_first_download(hub, workspace, listed):
    hub.add(REPO, denoiser_files())
    task, first = Pull.of(listed), pinned(hub, "ddpm")
    assert not task.pinned
    assert read_pins(workspace.store.home, task.fingerprint) is None
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())
    pins = read_pins(workspace.store.home, task.fingerprint)
    assert (pins.commit, pins.files) == (first.commit, first.files)

    hub.repos[REPO].commit(denoiser_files(3))  # the repository goes on, and the run made room
    shutil.rmtree(workspace.store.runs)
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


def test_what_is_not_what_came_first_is_refused(hub, workspace, listed):
    commit = hub.add(REPO, denoiser_files())
    task = Pull.of(listed)
    assert worked(workspace, task) is None
    shutil.rmtree(workspace.store.runs)
    hub.repos[REPO].commits[commit] = denoiser_files() | {UNET: denoiser_files(3)[UNET]}
    assert "not what it should be" in worked(workspace, task)
    assert workspace.store.read_run(task.fingerprint) is None


def test_the_first_download_is_what_the_hub_says_that_it_has(hub, workspace, listed):
    commit = hub.add(REPO, denoiser_files())
    content = bytearray(denoiser_files()[UNET])
    content[-1] ^= 1
    hub.wrong[f"GET /{REPO}/resolve/{commit}/{UNET}"] = spoilt(lambda _: [bytes(content)])
    assert "not what it should be" in worked(workspace, Pull.of(listed))
    assert read_pins(workspace.store.home, Pull.of(listed).fingerprint) is None


@pytest.mark.parametrize("right", [True, False])
def test_a_sum_is_enough_where_size_and_place_are_not_known(hub, workspace, listed, right):
    commit = hub.add(REPO, denoiser_files())
    digest = sha256(denoiser_files()[UNET]) if right else "0" * 64
    pin = PinnedFile(part="network.safetensors", sha256=digest)
    task = Pull(kind="ddpm", repo=REPO, commit=commit, files=(pin,))
    sentence = worked(workspace, task)
    if right:
        assert sentence is None
        assert_kept(workspace, task, "ddpm", denoiser_files())
    else:
        assert "not what it should be" in sentence


@pytest.mark.parametrize("system", ["macos", "windows"])
def test_other_systems_pull_too(hub, workspace, monkeypatch, system):
    for name, value in acting_as(system).items():
        monkeypatch.setenv(name, value)
    hub.add(REPO, denoiser_files())
    task = pinned(hub, "ddpm")
    assert worked(workspace, task) is None
    assert_kept(workspace, task, "ddpm", denoiser_files())


def test_what_comes_with_the_package_is_there_and_opens(home):
    entries = [entry for entry in curated(LIST) if entry.repo == SHIPPED]
    assert {entry.kind for entry in entries} == {"ddpm", "autoencoder"}
    for entry in entries:
        stored = open_store(Settings()).read_run(Pull.of(entry).fingerprint)
        for file in entry.files:
            assert (len(stored[file.part]), sha256(stored[file.part])) == (file.size, file.sha256)
        READERS[entry.kind](stored)
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
            stored = here.store.read_run(task.fingerprint)
            for part, content in parts_of("ddpm", denoiser_files()).items():
                assert stored[part] == content
        assert {asked.token for asked in hub.asked} == {""}
        hub.end()
        gone = first.model_copy(update={"repo": "ada/other"})
        here.jobs.submit(gone)
        assert here.reaches(gone, "failed").sentence == UNREACHABLE
        assert here.store.read_run(gone.fingerprint) is None
        reversal = Reversal(start=first, steps=10, pictures=4)
        here.jobs.submit(reversal)
        here.reaches(reversal, "trained")
        times, x, clean = film_of(here.store.read_run(reversal.fingerprint))
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
