"""`genlib hub`: what the operator does with the Hugging Face Hub."""

import tempfile
from pathlib import Path

from pydantic import BaseModel, Field
from pydantic_settings import CliPositionalArg, CliSubCommand

from genlib.cli.output import Command, Documents
from genlib.errors import check_name
from genlib.hub.curated import (
    Kind,
    PinnedFile,
    Pretrained,
    curated,
    with_entry,
    write_curated,
)
from genlib.hub.errors import HubError
from genlib.runs.store import open_store
from genlib.settings import Settings

LONG = 1800.0  # seconds that the operator waits for a download


class List(Command):
    """Show the curated list."""

    def documents(self, *, terminal: bool) -> Documents:
        """Yield each entry, and whether it is pinned and here."""
        from genlib.hub.pull import Pull  # with torch, which --help does without

        store = open_store(Settings())
        for entry in curated():
            here = store.has_run(Pull.of(entry).fingerprint)
            yield {"name": entry.name, "repo": entry.repo, "commit": entry.commit, "here": here}


class Pin(Command):
    """Download models of the curated list as they are now, check them, and write their pins."""

    names: CliPositionalArg[list[str]] = Field([], description="Which; none means all.")

    def documents(self, *, terminal: bool) -> Documents:
        """Yield each entry once it is pinned; what was written before stays if one fails.

        Raises:
            KnobError: the list has no entry of such a name; nothing was pinned.
        """
        entries = {entry.name: entry for entry in curated()}
        for name in self.names:
            check_name("model on the curated list", name, entries)
        for name in self.names or entries:
            new = pinned(entries[name])
            write_curated(with_entry(new))
            yield {"pinned": new.name, "commit": new.commit, "licence": new.licence}


class PullRepository(Command):
    """Pull any repository, unpinned, into the store."""

    repo: CliPositionalArg[str] = Field(description="Such as owner/name.")
    kind: Kind = Field("run", description="What it holds.")
    revision: str = Field("main", description="A commit, or main.")

    def documents(self, *, terminal: bool) -> Documents:
        """Yield what came."""
        from genlib.device import available  # with torch
        from genlib.hub.pull import Pull
        from genlib.tasks.workspace import Workspace

        store = open_store(Settings())
        pull = Pull(kind=self.kind, repo=self.repo, commit=self.revision, files=())
        *_, last = pull.pulled(Workspace(store, available()[0]))
        store.write_run(pull.fingerprint, last.files)
        yield {"fingerprint": pull.fingerprint, "bytes": sum(map(len, last.files.values()))}


class Publish(Command):
    """Publish a finished run; the token is GENLIB_HUB_TOKEN, or that of `hf auth login`."""

    fingerprint: CliPositionalArg[str]
    name: str = Field("", description="Of the repository; empty is made from the run.")

    def documents(self, *, terminal: bool) -> Documents:
        """Yield where it is."""
        from genlib.hub.publish import default_name, operator_token, publish  # with torch
        from genlib.runs.run import Run

        files = open_store(Settings()).read_run(self.fingerprint)
        if files is None or "config.json" not in files:
            raise HubError("There is no such finished run here.")
        run = Run.from_files(files)
        yield publish(run, self.name or default_name(run), operator_token())


class HubCommand(BaseModel):
    """The Hugging Face Hub: what students may pull, and where runs are published."""

    list: CliSubCommand[List]
    pin: CliSubCommand[Pin]
    pull: CliSubCommand[PullRepository]
    publish: CliSubCommand[Publish]


def pinned(entry: Pretrained) -> Pretrained:
    """Return an entry pinned to what the Hub has now, which was downloaded, hashed and opened.

    Raises:
        HubError: it cannot be had, or cannot be opened.
    """
    from genlib.hub.pretrained import READERS  # with torch
    from genlib.hub.pull import Pull, download, listing, verified

    pull = Pull(kind=entry.kind, repo=entry.repo, commit="main", files=())
    with tempfile.TemporaryDirectory() as name:
        for _ in download(pull, Path(name), LONG):
            pass
        latest, files = listing(Path(name)), verified(pull, Path(name))
    READERS[entry.kind]({part: content for part, _, content in files})
    pins = tuple(PinnedFile.of(part, path, content) for part, path, content in files)
    licence = latest["licence"] or entry.licence
    changed = {"commit": latest["commit"], "files": pins, "licence": licence}
    return entry.model_copy(update=changed)


COMMAND = HubCommand
