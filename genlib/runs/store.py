"""The content-addressed store: folders of files that are whole and verified, or not there.

A bundle is written to a temporary folder, flushed to the disk, its manifest (SHA-256 of every
file) last, and then renamed into place; so a crash at any moment leaves nothing half-written
to be found. Reading verifies every byte: what does not match is moved to quarantine and counts
as missing, to be computed again.
"""

import errno
import gzip
import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path

from genlib.settings import Settings

Files = Mapping[str, bytes]
MANIFEST = "manifest.json"
GZIP = ".gz"  # the ending of files that are stored compressed
RESERVE = 16 * 2**20  # bytes left free on the disk, for the queue's database and the log


class StoreFullError(OSError):
    """The disk has no room for what was to be written."""


class Store:
    """Runs by fingerprint, and the partial results of runs that are not finished.

    Args:
        home: the writable folder.
        shipped: a read-only folder of bundles that lies below it.
        quota: bytes of finished runs to keep; the least recently read go first.
        runs: where finished runs are kept instead of in `home`, such as on a bucket.
    """

    def __init__(
        self,
        home: Path,
        shipped: Path | None = None,
        quota: int = 5 * 10**9,
        runs: Path | None = None,
    ) -> None:
        self.home, self.shipped, self.quota = home, shipped, quota
        self.runs = runs or home / "runs"

    def read_run(self, fingerprint: str) -> dict[str, bytes] | None:
        """Return a finished run's files, or None where there is none that is whole."""
        own = self.runs / fingerprint
        files = self._read(own)
        if files is not None:
            with suppress(OSError):  # evicted meanwhile, or a home that is only read
                os.utime(own)
        elif self.shipped is not None:
            files = verified(self.shipped / fingerprint)
        return files

    def read_file(self, fingerprint: str, name: str) -> bytes | None:
        """Return one file of a finished run, or None where it is not there or not whole."""
        folders = [self.runs, *([self.shipped] if self.shipped is not None else [])]
        for folder in folders:
            files = verified(folder / fingerprint, only=name)
            if files is not None:
                return files[name]
        return None

    def has_run(self, fingerprint: str) -> bool:
        """Return whether a finished run is there, without verifying it."""
        return self.is_shipped(fingerprint) or (self.runs / fingerprint / MANIFEST).exists()

    def is_shipped(self, fingerprint: str) -> bool:
        """Return whether the run came with the package and was not trained here since."""
        own = (self.runs / fingerprint / MANIFEST).exists()
        return not own and (
            self.shipped is not None and (self.shipped / fingerprint / MANIFEST).exists()
        )

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of all finished runs, the newest first, shipped ones last."""
        own = sorted(_listed(self.runs, "[!.]*"), key=_age)
        shipped = _listed(self.shipped, "*") if self.shipped is not None else []
        names = [path.name for path in [*own, *shipped] if (path / MANIFEST).exists()]
        return list(dict.fromkeys(names))

    def write_run(self, fingerprint: str, files: Files, *, replace: bool = False) -> None:
        """Keep a finished run and drop its partial results.

        A whole one that is there stays, unless `replace`.

        Raises:
            StoreFullError: nothing was written.
        """
        own = self.runs / fingerprint
        if replace or self._read(own) is None:
            self._make_room(sum(map(len, files.values())))
            write_bundle(own, files, replace=replace)
        self.forget_partials(fingerprint)

    def read_partial(self, fingerprint: str, kind: str) -> tuple[int, dict[str, bytes]] | None:
        """Return (number, files) of the newest whole partial result of that kind."""
        series = self.home / "partial" / fingerprint / kind
        for path in reversed(_listed(series, "[0-9]*")):
            files = self._read(path)
            if files is not None:
                return int(path.name), files
        return None

    def write_partial(self, fingerprint: str, kind: str, number: int, files: Files) -> None:
        """Keep a partial result; it replaces those of smaller numbers.

        Raises:
            StoreFullError: nothing was written, the former one is still there.
        """
        series = self.home / "partial" / fingerprint / kind
        write_bundle(series / f"{number:09d}", files, replace=True)
        for path in _listed(series, "[0-9]*")[:-1]:
            _remove(path)

    def forget_partials(self, fingerprint: str) -> None:
        """Drop all partial results of a run."""
        shutil.rmtree(self.home / "partial" / fingerprint, ignore_errors=True)

    def forget_old(self, seconds: float) -> None:
        """Drop partial results, downloads and quarantined bundles that nobody touched so long."""
        oldest = time.time() - seconds
        quarantined = [root.glob("quarantine/*") for root in {self.home, self.runs.parent}]
        begun = self.home.glob("partial/*/*"), self.home.glob("hub/*")
        for path in chain(*begun, *quarantined):
            if -_age(path) < oldest:
                shutil.rmtree(path, ignore_errors=True)

    def _read(self, path: Path) -> dict[str, bytes] | None:
        """Return the files of a bundle; what is there but not whole goes to quarantine."""
        files = verified(path)
        if files is None and path.exists():
            files = verified(path)  # again: it may have been moved in meanwhile
            if files is None:
                self._quarantine(path)
        return files

    def _quarantine(self, path: Path) -> None:
        root = self.runs.parent if path.parent == self.runs else self.home  # the same disk
        target = root / "quarantine" / f"{path.name}-{uuid.uuid4().hex[:8]}"
        with suppress(OSError):  # another process was faster, or a home that is only read
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)

    def _make_room(self, size: int) -> None:
        """Evict the least recently read runs until `size` more bytes fit the quota."""
        runs = sorted(_listed(self.runs, "*"), key=_age, reverse=True)
        sizes = {run: sum(map(_size, _listed(run, "*"))) for run in runs}
        total = sum(sizes.values()) + size
        for run in runs:
            if total <= self.quota:
                return
            _remove(run)
            total -= sizes[run]


def verified(path: Path, only: str = "") -> dict[str, bytes] | None:
    """Return the files of a bundle, or None if any is missing or not as its manifest says.

    A file that is stored with gzip, as in the package, comes back as it was before.

    Args:
        path: the bundle's folder.
        only: the one file to look at; empty means all.
    """
    try:
        digests = json.loads((path / MANIFEST).read_bytes())
        names = [name for name in digests if not only or name.removesuffix(GZIP) == only]
        stored = {name: (path / name).read_bytes() for name in names}
        computed = {name: hashlib.sha256(content).hexdigest() for name, content in stored.items()}
        whole = computed == {name: digests[name] for name in names}
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    if not whole or (only and not stored):
        return None
    return {
        name.removesuffix(GZIP): gzip.decompress(content) if name.endswith(GZIP) else content
        for name, content in stored.items()
    }


def write_bundle(path: Path, files: Files, *, replace: bool = False) -> None:
    """Write a bundle so that it is whole or not there, whatever happens meanwhile.

    One that is there already stays, unless `replace`.

    Raises:
        StoreFullError: the disk is full; nothing is left behind.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free < sum(map(len, files.values())) + RESERVE:
            raise OSError(errno.ENOSPC, "no room on the disk")
        with tempfile.TemporaryDirectory(
            prefix=".new-", dir=path.parent, ignore_cleanup_errors=True
        ) as folder:
            for name, content in files.items():
                _write_through(Path(folder, name), content)
            _write_through(Path(folder, MANIFEST), json.dumps(digests, indent=1).encode())
            _move_in(Path(folder), path, replace=replace)
        _flush_folder(path.parent)
    except OSError as error:
        raise StoreFullError(f"could not write {path.name}: {error.strerror}") from error


def _move_in(folder: Path, path: Path, *, replace: bool) -> None:
    """Rename a whole folder to `path`; what was there comes back where that fails."""
    old = path.with_name(f".old-{uuid.uuid4().hex}")
    if replace:
        with suppress(FileNotFoundError):
            path.rename(old)
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # else another was faster
            with suppress(OSError):
                old.rename(path)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove a bundle at one blow, so that nobody finds half of it."""
    old = path.with_name(f".old-{uuid.uuid4().hex}")
    with suppress(OSError):
        path.rename(old)
    shutil.rmtree(old, ignore_errors=True)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Flush a folder's own list of names, on systems that open a folder: Windows does not."""
    with suppress(PermissionError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _listed(folder: Path, pattern: str) -> list[Path]:
    """Return what lies in a folder, sorted; nothing if it is not there, or no longer."""
    try:
        return sorted(folder.glob(pattern))
    except FileNotFoundError:
        return []


def _age(path: Path) -> float:
    """Sort key, the newest first; another process may have removed it meanwhile."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def open_store(settings: Settings) -> Store:
    """Return the store of the home folder, over the runs shipped with the package."""
    shipped = Path(__file__).parents[1] / "zoo"
    return Store(settings.home, shipped, int(settings.quota_gb * 1e9), settings.runs)
