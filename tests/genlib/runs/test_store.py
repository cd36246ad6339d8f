import gzip
import json
import multiprocessing
import os
import shutil
import tempfile
import threading
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genlib.runs.store import MANIFEST, Store, StoreFullError, verified, write_bundle
from tests.support.crowded_store import BUNDLE, RUNS, write_and_read

NAME = "a1" * 32
OLD = {"config.json": b'{"seed": 0}', "model.safetensors": bytes(range(256)), "empty": b""}
NEW = BUNDLE
OPERATIONS = ["open", "fsync", "rename", "mkdir", "unlink", "rmdir", "utime", "close"]


def test_one_file_is_read_without_the_others_and_verified(tmp_path):
    store = Store(tmp_path / "home", tmp_path / "shipped")
    write_bundle(tmp_path / "shipped" / NAME, OLD)
    assert store.read_file(NAME, "config.json") == OLD["config.json"]
    store.write_run(NAME, NEW)
    (tmp_path / "home" / "runs" / NAME / "model.safetensors").write_bytes(b"damaged")
    assert store.read_file(NAME, "config.json") == NEW["config.json"]
    assert store.read_file(NAME, "model.safetensors") == OLD["model.safetensors"]
    assert store.read_file(NAME, "none") is None
    assert store.read_file("b2" * 32, "config.json") is None


def test_a_file_that_is_stored_with_gzip_comes_back_as_it_was(tmp_path):
    compressed = {f"{name}.gz": gzip.compress(content) for name, content in OLD.items()}
    store = Store(tmp_path / "home", tmp_path / "shipped")
    write_bundle(tmp_path / "shipped" / NAME, compressed)
    assert store.read_run(NAME) == OLD
    assert store.read_file(NAME, "model.safetensors") == OLD["model.safetensors"]
    (tmp_path / "shipped" / NAME / "empty.gz").write_bytes(gzip.compress(b"damaged"))
    assert store.read_run(NAME) is None


@pytest.mark.parametrize(
    "manifest", [b"", b"[1]", b'["config.json"]', b"7", b'{"config.json": 1}']
)
def test_a_damaged_manifest_is_no_bundle(tmp_path, manifest):
    write_bundle(tmp_path / NAME, OLD)
    (tmp_path / NAME / MANIFEST).write_bytes(manifest)
    assert verified(tmp_path / NAME) is None


def litter(home: Path) -> list[Path]:
    return [path for path in home.rglob(".*") if path.is_dir()]


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}\.json", fullmatch=True), st.binary()))
@settings(max_examples=25)
def test_what_is_written_is_read(files):
    assume(MANIFEST not in files)
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        store.write_run(NAME, files)
        assert store.read_run(NAME) == files
        assert store.has_run(NAME)
        assert store.fingerprints() == [NAME]
        assert litter(Path(home)) == []


def test_what_was_never_written_is_not_there(tmp_path):
    store = Store(tmp_path / "not" / "made")
    assert store.read_run(NAME) is None
    assert store.read_partial(NAME, "checkpoint") is None
    assert not store.has_run(NAME)
    assert store.fingerprints() == []
    assert not (tmp_path / "not").exists()


@settings(max_examples=150)
@given(st.data())
def test_one_wrong_bit_anywhere_is_noticed_and_quarantined(data):
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        store.write_run(NAME, OLD)
        folder = Path(home, "runs", NAME)
        path = folder / data.draw(st.sampled_from([*OLD, MANIFEST]))
        content = bytearray(path.read_bytes())
        kind = data.draw(st.sampled_from(["flip", "truncate", "delete", "append"]))
        if kind == "delete":
            path.unlink()
        elif kind == "append":
            path.write_bytes(content + data.draw(st.binary(min_size=1)).replace(b"\n", b"n"))
        else:
            assume(content)
            place = data.draw(st.integers(0, len(content) - 1))
            flipped = bytearray(content)
            flipped[place] ^= 1 << data.draw(st.integers(0, 7))
            path.write_bytes(flipped if kind == "flip" else content[:place])
        if path.name == MANIFEST and kind == "append" and _same_json(path, content):
            return
        assert store.read_run(NAME) is None
        assert not folder.exists()
        assert [bad.name[: len(NAME)] for bad in Path(home, "quarantine").iterdir()] == [NAME]
        assert store.fingerprints() == []
        store.write_run(NAME, NEW)
        assert store.read_run(NAME) == NEW


def _same_json(path: Path, content: bytes) -> bool:
    """Spaces after a document change nothing in it."""
    return path.read_bytes().rstrip() == bytes(content).rstrip()


def test_a_shipped_run_lies_below_and_stays_where_it_is(tmp_path):
    store = Store(tmp_path / "home", tmp_path / "zoo")
    write_bundle(tmp_path / "zoo" / NAME, OLD)
    assert store.is_shipped(NAME)
    assert store.has_run(NAME)
    assert store.read_run(NAME) == OLD
    assert not (tmp_path / "home").exists()
    store.write_run(NAME, NEW)
    assert store.read_run(NAME) == NEW
    assert not store.is_shipped(NAME)
    assert store.fingerprints() == [NAME]
    (tmp_path / "home" / "runs" / NAME / "more").write_bytes(b"wrong")
    assert store.read_run(NAME) == OLD
    assert len(list((tmp_path / "home" / "quarantine").iterdir())) == 1


def test_a_broken_shipped_run_counts_as_missing_and_is_left_alone(tmp_path):
    store = Store(tmp_path / "home", tmp_path / "zoo")
    write_bundle(tmp_path / "zoo" / NAME, OLD)
    (tmp_path / "zoo" / NAME / "config.json").write_bytes(b"{}")
    assert store.read_run(NAME) is None
    assert (tmp_path / "zoo" / NAME).exists()


def test_a_whole_run_is_not_replaced(tmp_path):
    store = Store(tmp_path)
    store.write_run(NAME, OLD)
    store.write_run(NAME, NEW)
    assert store.read_run(NAME) == OLD


def test_newest_runs_come_first(tmp_path):
    store = Store(tmp_path)
    for age, name in enumerate(["c", "a", "b"]):
        store.write_run(name, OLD)
        os.utime(tmp_path / "runs" / name, (1000 - age, 1000 - age))
    assert store.fingerprints() == ["c", "a", "b"]


def test_partial_results_replace_those_of_smaller_numbers(tmp_path):
    store = Store(tmp_path)
    for number in (0, 9, 10, 200):
        store.write_partial(NAME, "checkpoint", number, {"step": str(number).encode()})
        assert store.read_partial(NAME, "checkpoint") == (number, {"step": str(number).encode()})
    assert len(list((tmp_path / "partial" / NAME / "checkpoint").iterdir())) == 1
    store.write_partial(NAME, "checkpoint", 200, NEW)
    assert store.read_partial(NAME, "checkpoint") == (200, NEW)
    assert store.read_partial(NAME, "snapshots") is None
    store.write_run(NAME, NEW)
    assert store.read_partial(NAME, "checkpoint") is None


class PowerCut(BaseException):
    """The machine goes off: this operation and all later ones do not happen."""


def fail(patch: pytest.MonkeyPatch, at: int, *, dead: bool) -> list[str]:
    """Make the file operation number `at` fail; `dead`: and all that follow."""
    calls: list[str] = []

    def broken(operation):
        real = getattr(os, operation)

        def call(*arguments, **options):
            calls.append(operation)
            if len(calls) == at + 1 or (dead and len(calls) > at):
                raise PowerCut if dead else OSError(28, "No space left on device")
            return real(*arguments, **options)

        return call

    for operation in OPERATIONS:
        patch.setattr(os, operation, broken(operation))
    return calls


def attempts(monkeypatch, write, prepare, *, dead: bool):
    """Yield a home for each file operation of `write` at which it was made to fail."""
    for at in range(1000):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            prepare(store)
            with monkeypatch.context() as patch:
                calls = fail(patch, at, dead=dead)
                with suppress(StoreFullError, PowerCut):
                    write(store)
            yield Store(Path(folder))
            if len(calls) <= at:
                assert at > 5, "no file operation was seen"
                return


def nothing(store: Store) -> None:
    assert store.fingerprints() == []


def broken_run(store: Store) -> None:
    store.write_run(NAME, OLD)
    (store.home / "runs" / NAME / "config.json").unlink()


@pytest.mark.parametrize("dead", [True, False], ids=["power cut", "disk error"])
@pytest.mark.parametrize("before", [nothing, broken_run])
def test_a_run_is_whole_or_not_there_whatever_fails_when(monkeypatch, before, dead):
    for store in attempts(
        monkeypatch, lambda store: store.write_run(NAME, NEW), before, dead=dead
    ):
        assert set(store.fingerprints()) <= {NAME}
        assert store.read_run(NAME) in [None, NEW]
        store.write_run(NAME, NEW)
        assert store.read_run(NAME) == NEW
        assert store.fingerprints() == [NAME]


@pytest.mark.parametrize("dead", [True, False], ids=["power cut", "disk error"])
def test_the_former_checkpoint_stays_until_the_next_is_whole(monkeypatch, dead):
    for store in attempts(
        monkeypatch,
        lambda store: store.write_partial(NAME, "checkpoint", 2, NEW),
        lambda store: store.write_partial(NAME, "checkpoint", 1, OLD),
        dead=dead,
    ):
        assert store.read_partial(NAME, "checkpoint") in [(1, OLD), (2, NEW)]


def test_a_disk_error_while_replacing_brings_the_former_one_back(monkeypatch):
    for store in attempts(
        monkeypatch,
        lambda store: store.write_partial(NAME, "attempt", 0, NEW),
        lambda store: store.write_partial(NAME, "attempt", 0, OLD),
        dead=False,
    ):
        assert store.read_partial(NAME, "attempt") in [(0, OLD), (0, NEW)]


def test_the_least_recently_read_run_goes_when_the_quota_is_full(tmp_path):
    store = Store(tmp_path, quota=2_500)
    for age, name in enumerate(["first", "second"]):
        store.write_run(name, {"file": bytes(700)})
        os.utime(tmp_path / "runs" / name, (100 + age, 100 + age))
    assert store.read_run("first") is not None  # now read later than the second
    store.write_run("third", {"file": bytes(700)})
    assert store.read_run("first") is not None
    assert store.read_run("second") is not None
    os.utime(tmp_path / "runs" / "second", (100, 100))
    store.write_run("fourth", {"file": bytes(700)})
    assert store.read_run("second") is None
    assert {"first", "third", "fourth"} == set(store.fingerprints())
    assert not (tmp_path / "quarantine").exists()


def test_runs_never_take_more_than_the_quota(tmp_path):
    store = Store(tmp_path, quota=5_000)
    for number in range(12):
        store.write_run(f"{number:02d}", {"file": bytes(900)})
        used = sum(file.stat().st_size for file in (tmp_path / "runs").rglob("*/*"))
        assert used <= 5_000 + len((tmp_path / "runs" / "00" / MANIFEST).name) * 100
        assert store.has_run(f"{number:02d}")


def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.write_partial(NAME, "checkpoint", 1, OLD)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10, 10))
    with pytest.raises(StoreFullError, match="no room on the disk"):
        store.write_run(NAME, NEW)
    with pytest.raises(StoreFullError, match="no room on the disk"):
        store.write_partial(NAME, "checkpoint", 2, NEW)
    assert store.read_run(NAME) is None
    assert store.read_partial(NAME, "checkpoint") == (1, OLD)
    assert litter(tmp_path) == []


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_many_may_write_the_same_run_at_once(tmp_path, kind):
    spawn = multiprocessing.get_context("spawn")
    pool = ThreadPoolExecutor(4) if kind == "threads" else ProcessPoolExecutor(2, spawn)
    with pool:
        assert list(pool.map(write_and_read, [str(tmp_path)] * 4)) == [RUNS] * 4
    store = Store(tmp_path)
    assert sorted(store.fingerprints()) == [f"{number:02d}" for number in range(RUNS)]
    assert litter(tmp_path) == []
    assert not (tmp_path / "quarantine").exists()


def test_replacing_at_once_leaves_one_of_the_whole_bundles(tmp_path):
    path, gate = tmp_path / "bundle", threading.Barrier(6)
    versions = [{"file": bytes([number]) * 1000} for number in range(6)]

    def replace(files):
        gate.wait()
        for _ in range(20):
            write_bundle(path, files, replace=True)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(replace, versions))
    assert verified(path) in versions
    assert litter(tmp_path) == []
    assert json.loads((path / MANIFEST).read_bytes()).keys() == {"file"}


def test_old_partial_results_are_forgotten(tmp_path: Path):
    store = Store(tmp_path)
    store.write_partial("young", "checkpoint", 1, {"a": b"1"})
    store.write_partial("old", "checkpoint", 1, {"a": b"1"})
    os.utime(tmp_path / "partial" / "old" / "checkpoint", (0, 0))
    for name in ("young", "old"):  # pieces of models that somebody began to pull
        (tmp_path / "hub" / name).mkdir(parents=True)
    os.utime(tmp_path / "hub" / "old", (0, 0))
    store.forget_old(3600.0)
    assert [path.name for path in (tmp_path / "hub").iterdir()] == ["young"]
    assert store.read_partial("old", "checkpoint") is None
    assert store.read_partial("young", "checkpoint") == (1, {"a": b"1"})
