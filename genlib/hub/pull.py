r"""A pretrained model is a file of numbers that somebody else has paid for, ready to be used.

The network of `google/ddpm-cifar10-32` was trained for half a day on eight TPU cores (Ho et al.,
appendix B); downloading it takes a minute. But a file from the internet is a stranger's. Three
things make it safe to open:

- It is **pinned**. A commit and the SHA-256 of every file are written down beforehand; a single
  bit that differs, and nothing is loaded. To find other bytes with the same sum would take about
  $2^{256}$ attempts.
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

import hashlib
import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from genlib.config import Config
from genlib.hub.curated import COMMIT, LARGEST, PARTS, REPOSITORY, Kind, PinnedFile, Pretrained
from genlib.hub.pretrained import READERS, seconds_of_a_look
from genlib.hub.wire import TOO_SLOW, UNREACHABLE, HubError, Wire, opened
from genlib.runs.spec import RunSpec
from genlib.runs.store import StoreFullError
from genlib.settings import Settings
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

log = logging.getLogger(__name__)

LOOK = 0.25  # seconds between two signs of life
GRACE = 10.0  # seconds beyond a wire's end in which a wire that hangs may still say why
ANONYMOUS = {"User-Agent": "genlib"}  # no token goes to where models come from
BROKEN = "The line to the Hub broke off; press again, and it goes on where it stopped."
REASONS = {
    "LocalEntryNotFoundError": UNREACHABLE,
    "GatedRepoError": "{repo} asks for consent on its page at the Hub, so it cannot be pulled.",
    "RepositoryNotFoundError": "There is no {repo} on the Hub, or it is private.",
    "RevisionNotFoundError": "{repo} has no such commit any more; pin it anew.",
    "RemoteEntryNotFoundError": "{repo} lacks a file that it should have; pin it anew.",
    "HfHubHTTPError": "The Hub refuses {repo}; it may want a permission that this server lacks.",
}


class Pull(Config):
    """A model of the Hub, asked for by its very bytes; without files, as the Hub has it now."""

    study: Literal["pull"] = "pull"
    kind: Kind
    repo: str = Field(pattern=REPOSITORY)
    commit: str = Field(pattern=rf"{COMMIT}|^main$")
    files: tuple[PinnedFile, ...] = Field(max_length=8)

    @classmethod
    def of(cls, entry: Pretrained) -> "Pull":
        """Return how to pull an entry of the list.

        Raises:
            pydantic.ValidationError: it is not pinned.
        """
        return cls(kind=entry.kind, repo=entry.repo, commit=entry.commit, files=entry.files)

    @property
    def size(self) -> int:
        """Bytes of all files; 0 where they are not known."""
        return sum(file.size for file in self.files)

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
                but for whole pieces of a download that goes on at the next attempt.
        """
        if not self.files and not Settings().hub_any:
            raise HubError("This server loads models of its own list only.")
        yield from self.pulled(workspace)

    def pulled(self, workspace: Workspace) -> Iterator[Progress]:
        """Yield the same, whoever asks."""
        folder = workspace.store.home / "hub" / self.fingerprint
        fetched: list[Files] = []

        def work(wire: Wire) -> None:
            fetched.append(fetch(self, folder, wire))

        for wire in _in_background(work, self.size or LARGEST):
            most = wire.expected // 1000
            yield Progress(min(wire.received // 1000, most), most + 1, {})
        parts = fetched[0]
        kilobytes = sum(map(len, parts.values())) // 1000 + 1
        READERS[self.kind](parts)  # else it is not kept
        parts["look.json"] = json.dumps(
            seconds_of_a_look(self.kind, parts, workspace.device)
        ).encode()
        yield Progress(kilobytes, kilobytes, parts)
        shutil.rmtree(folder, ignore_errors=True)


def _in_background(work: Callable[[Wire], None], limit: int) -> Iterator[Wire]:
    """Do it in a thread, and yield the wire again and again until it ends.

    Raises:
        HubError: it failed, or did not end in time; even one that hangs is left behind.
    """
    failures: list[BaseException] = []
    with opened(limit) as wire:

        def run() -> None:
            try:
                work(wire)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            yield wire
            thread.join(LOOK)
            if time.monotonic() > wire.end + GRACE - LOOK:
                raise HubError(TOO_SLOW)
    if failures:
        raise failures[0]


class Listed(NamedTuple):
    """A file as the Hub lists it; of small ones it tells no SHA-256."""

    part: str
    path: str
    size: int
    sha256: str


def fetch(pull: Pull, folder: Path, wire: Wire) -> Files:
    """Return the verified bytes of each part, downloaded into a folder where they are not there.

    The wire is told how many bytes to expect once that is known.

    Raises:
        HubError: see `Pull.perform`.
        StoreFullError: the disk is full, or cannot be written.
    """
    with told(pull.repo):
        commit, files = pull.commit, [Listed(**file.model_dump()) for file in pull.files]
        if not files:
            commit, files, _ = look_up(pull.repo, pull.commit, pull.kind)
            wire.expected = sum(file.size for file in files)
        return fetch_listed(pull.repo, commit, files, folder / commit)


def fetch_listed(repo: str, commit: str, files: list[Listed], folder: Path) -> Files:
    """Return the bytes of each part, each of the size and the SHA-256 that its listing tells.

    Raises:
        HubError: one of them is not.
    """
    return {file.part: _one(repo, commit, file, folder) for file in files}


def look_up(repo: str, revision: str, kind: Kind) -> tuple[str, list[Listed], str]:
    """Return (commit, files, licence) of a repository as the Hub has it now.

    Raises:
        HubError: it lacks a part, or has too much.
    """
    from huggingface_hub import HfApi

    info = HfApi(token=False).model_info(repo, revision=revision, files_metadata=True)
    there = {item.rfilename: item for item in info.siblings or ()}
    files = []
    for part, places in PARTS[kind].items():
        path = next((place for place in places if place in there), None)
        if path is None:
            raise HubError(f"{repo} has no {places[-1]}: it cannot be loaded safely here.")
        item = there[path]
        files.append(Listed(part, path, item.size or 0, item.lfs.sha256 if item.lfs else ""))
    if sum(file.size for file in files) > LARGEST:
        raise HubError(f"{repo} has more than {LARGEST // 10**6} MB, too much for this server.")
    if not re.fullmatch(COMMIT, str(info.sha)):
        raise HubError(BROKEN)
    licence = info.card_data.license if info.card_data is not None else ""
    return str(info.sha), files, str(licence or "")


def _one(repo: str, commit: str, file: Listed, folder: Path) -> bytes:
    """Return a file's bytes once they are what was pinned, or at least what was listed.

    What has come of it stays in the folder. (`hf_hub_download` would throw it away.)
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / file.part).open("ab") as partial:
        if partial.tell() < file.size:
            url = hf_hub_url(repo, file.path, revision=commit)
            http_get(url, partial, headers=ANONYMOUS, resume_size=partial.tell())
    content = (folder / file.part).read_bytes()
    same = hashlib.sha256(content).hexdigest() == file.sha256 or not file.sha256
    if len(content) != file.size or not same:
        shutil.rmtree(folder, ignore_errors=True)
        raise HubError(
            f"{file.path} of {repo} is not what it should be, so it was thrown away; try again."
        )
    return content


@contextmanager
def told(repo: str, reasons: Mapping[str, str] = REASONS) -> Iterator[None]:
    """Turn whatever goes wrong with the Hub into a sentence, by the name of its error.

    Raises:
        HubError: it went wrong.
        StoreFullError: the disk is full, or cannot be written.
    """
    try:
        yield
    except HubError:
        raise
    except Exception as error:  # whatever a stranger's answer may break
        if isinstance(error, OSError) and error.errno is not None:  # of the disk
            raise StoreFullError(str(error)) from error
        names = [kind.__name__ for kind in type(error).__mro__]
        sentence = next((reasons[name] for name in names if name in reasons), BROKEN)
        log.warning("the Hub: %s", type(error).__name__, exc_info=sentence is BROKEN)
        raise HubError(sentence.format(repo=repo)) from error
