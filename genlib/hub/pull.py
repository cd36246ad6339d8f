r"""A pretrained model is a file of numbers that somebody else has paid for, ready to be used.

The network of `google/ddpm-cifar10-32` was trained for half a day on eight TPU cores (Ho et al.,
appendix B); downloading it takes a minute. But a file from the internet is a stranger's. Three
things make it safe to open:

- It is **pinned**. A commit and the SHA-256 of every file are written down, by this server's list
  or at its first download; a single bit that differs later, and nothing is loaded. To find other
  bytes with the same sum would take about $2^{256}$ attempts.
- It is **only numbers**. PyTorch's older files are pickles: programs that run as they are read.
  *Safetensors* is a table of names, shapes and offsets, and then the numbers; there is nothing in
  it to run.
- It fits **code that is here already**. The configuration says how many layers of which size, and
  a class of diffusers, or one of our own families, is built from it. No code comes with the model.

What is then shown is the same as in the lessons before: a network that says which noise is in
$x_t$, and a sampler that goes from noise to a picture,

$$x_s = \alpha_s \hat x_0 + \sigma_s \hat\varepsilon, \qquad
\hat x_0 = \frac{x_t - \sigma_t\, \hat\varepsilon(x_t, t)}{\alpha_t}$$

or an autoencoder that writes a photograph in 48 times fewer numbers, in which Stable Diffusion
then paints.

**References.** J. Ho et al., *Denoising diffusion probabilistic models*, NeurIPS (2020). J. Song
et al., *Denoising diffusion implicit models*, ICLR (2021). R. Rombach et al., *High-resolution
image synthesis with latent diffusion models*, CVPR (2022). O. Bohan, *Tiny autoencoder for Stable
Diffusion* (2023).
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from genlib.config import Config
from genlib.hub import download as program
from genlib.hub.curated import (
    COMMIT,
    LARGEST,
    PARTS,
    REPOSITORY,
    Kind,
    PinnedFile,
    Pretrained,
    curated,
)
from genlib.hub.errors import HubError
from genlib.hub.pins import Pins, read_pins, write_pins
from genlib.hub.pretrained import READERS, seconds_per_evaluation
from genlib.runs.spec import RunSpec
from genlib.runs.store import StoreFullError
from genlib.settings import Settings
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

SWITCHES = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",  # which would download to a cache of its own
    "HF_HUB_DOWNLOAD_TIMEOUT": str(program.SILENCE),
    "HF_HUB_ETAG_TIMEOUT": str(program.SILENCE),
    "HF_HUB_VERBOSITY": "critical",  # its warnings tell signed addresses
}
INTERVAL = 0.25  # seconds between two signs of progress
PATIENCE = 90.0  # seconds of a download, and more for a large one
SLOWEST = 500e3  # bytes a second: a line that is slower does not get a large model
SLACK = 4 * 2**20  # bytes on the disk, beside the files: locks, times, what they are known by


class Pull(Config):
    """A model of the Hub, asked for by its very bytes; what is not known of them, as it is now."""

    study: Literal["pull"] = "pull"
    kind: Kind
    repo: str = Field(pattern=REPOSITORY)
    commit: str = Field(pattern=rf"{COMMIT}|^main$")
    files: tuple[PinnedFile, ...] = Field(max_length=8)

    @classmethod
    def of(cls, entry: Pretrained) -> "Pull":
        """Return how to pull an entry of the list."""
        commit = entry.commit or "main"
        return cls(kind=entry.kind, repo=entry.repo, commit=commit, files=entry.files)

    @property
    def pinned(self) -> bool:
        """Whether every file is known down to its bytes."""
        return self.commit != "main" and {file.part for file in self.files} == set(
            PARTS[self.kind]
        )

    @property
    def size(self) -> int:
        """Bytes of all files; 0 where they are not known."""
        sizes = [file.size or 0 for file in self.files]
        return sum(sizes) if self.pinned and all(sizes) else 0

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it begins with what the Hub has."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return None: it depends on the line."""
        return None

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how many kB have come; at the end the verified files, under their parts' names.

        Raises:
            HubError: it cannot be had, or is not what it should be; nothing of it is kept then,
                but for whole files, which the next attempt does not ask for again.
            StoreFullError: the disk is full, or cannot be written.
        """
        is_curated = any((it.repo, it.kind) == (self.repo, self.kind) for it in curated())
        if not (self.pinned or is_curated or Settings().hub_any):
            raise HubError("This server loads models of its own list only.")
        yield from self.pulled(workspace)

    def pulled(self, workspace: Workspace) -> Iterator[Progress]:
        """Yield the same, whoever asks. Where it is not pinned, what was seen first is."""
        home = workspace.store.home
        folder = home / "hub" / self.fingerprint
        first = None if self.pinned else read_pins(home, self.fingerprint)
        pull = self if first is None else self.model_copy(update=dict(first))
        for received, expected in download(pull, folder):
            most = expected // 1000
            yield Progress(min(received // 1000, most), most + 1, {})
        files = verified(pull, folder)
        parts = {part: content for part, _, content in files}
        kilobytes = sum(map(len, parts.values())) // 1000 + 1
        READERS[self.kind](parts)  # else it is not kept
        if not pull.pinned:
            pins = tuple(PinnedFile.of(*file) for file in files)
            commit = listing(folder)["commit"]
            write_pins(home, self.fingerprint, Pins(commit=commit, files=pins))
        parts["look.json"] = json.dumps(
            seconds_per_evaluation(self.kind, parts, workspace.device)
        ).encode()
        yield Progress(kilobytes, kilobytes, parts)
        shutil.rmtree(folder, ignore_errors=True)


def offline() -> bool:
    """Return whether the operator has set this machine to stay away from the Hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def download(pull: Pull, folder: Path, patience: float | None = None) -> Iterator[tuple[int, int]]:
    """Download a model's files into a folder, yielding (bytes that are there, bytes expected).

    A child process does it by huggingface_hub, and without a token. It is killed when it takes
    too long or too much comes, and when this generator is closed. huggingface_hub follows
    redirects, wherever they lead: what comes from there is kept only where its SHA-256 is the
    pinned one, or at first that of the Hub's own listing.

    Args:
        pull: what to download.
        folder: where whole files stay until it is deleted; afterwards it also has a `listing`.
        patience: seconds, and more for a large model; None means PATIENCE.

    Raises:
        HubError: it cannot be had.
        StoreFullError: the disk is full, or cannot be written.
    """
    (folder / program.LISTING).unlink(missing_ok=True)
    began, expected = time.monotonic(), pull.size
    process = _start(pull, folder)
    try:
        while process.poll() is None:
            if not expected and (folder / program.LISTING).exists():
                expected = sum(listing(folder)["sizes"].values())
            received = _size(folder)
            if received > (expected or LARGEST) + SLACK:
                raise HubError(program.TOO_MUCH)
            if time.monotonic() - began > (patience or PATIENCE) + expected / SLOWEST:
                raise HubError(program.TOO_SLOW)
            yield received, expected or LARGEST
            with suppress(subprocess.TimeoutExpired):
                process.wait(INTERVAL)
    finally:
        process.kill()
        complaint, _ = process.communicate()
        for path in folder.rglob("*.incomplete"):  # huggingface_hub goes on with whole files only
            path.unlink()
    if process.returncode:
        disk = process.returncode == program.DISK
        raise StoreFullError(complaint) if disk else HubError(complaint or program.BROKEN)


def listing(folder: Path) -> dict[str, Any]:
    """Return what was there to download: its "commit", its "licence", "sizes", and "sums"."""
    document: dict[str, Any] = json.loads((folder / program.LISTING).read_bytes())
    return document


def verified(pull: Pull, folder: Path) -> list[tuple[str, str, bytes]]:
    """Return (part, path, bytes) of each file that was downloaded, once it is what it should be.

    Raises:
        HubError: one is missing; or it is not what was pinned, or not what the Hub itself says
            that it has; and all are deleted then.
    """
    sizes, sums = (listing(folder)[key] for key in ("sizes", "sums"))
    pins = {file.part: file for file in pull.files}
    files = []
    for part, places in _places(pull).items():
        path = next((place for place in places if place in sizes), None)
        if path is None:
            raise HubError(f"{pull.repo} has no {places[-1]}: it cannot be loaded safely here.")
        content = (folder / path).read_bytes()
        actual = PinnedFile.of(part, path, content)
        pin = pins.get(part, actual)
        size, digest = pin.size or sizes[path], sums.get(path, pin.sha256)
        if not actual.sha256 == digest == pin.sha256 or actual.size != size:
            shutil.rmtree(folder, ignore_errors=True)
            raise HubError(f"{path} of {pull.repo} is not what it should be; try again.")
        files.append((part, path, content))
    return files


def _places(pull: Pull) -> Mapping[str, tuple[str, ...]]:
    """Return where each part may lie in the repository."""
    return PARTS[pull.kind] | {file.part: (file.path,) for file in pull.files if file.path}


def _size(folder: Path) -> int:
    """Return the bytes of all files in a folder, some of which may be renamed meanwhile."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def _start(pull: Pull, folder: Path) -> subprocess.Popen[str]:
    """Start the program that downloads; it ends when this process does."""
    folder.mkdir(parents=True, exist_ok=True)
    request = {
        "repo": pull.repo,
        "revision": pull.commit,
        "paths": [path for places in _places(pull).values() for path in places],
        "folder": str(folder),
        "limit": (pull.size or LARGEST) + SLACK,
    }
    own = {name: value for name, value in os.environ.items() if "TOKEN" not in name}
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", program.__file__, json.dumps(request)],
        env=own | SWITCHES | {"HF_HOME": str(folder / ".home")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
