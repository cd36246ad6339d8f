"""Downloads the files of a repository by huggingface_hub: the child process of a pull.

`genlib.hub.pull` runs this file as a program, watches how its folder grows, and kills it when it
takes too long. It imports nothing of genlib, so that it starts at once, without torch.
"""

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from errno import EACCES, EDQUOT, EFBIG, ENOSPC, EROFS
from pathlib import Path
from typing import Any

LISTING = "listing.json"  # what there is, before it is downloaded
SILENCE = 10  # seconds without a byte
DISK = 2  # exit status: the disk is full, or cannot be written
MEMORY = 2**30  # bytes; an answer that is larger once it is decoded is a MemoryError

UNREACHABLE = "The Hub cannot be reached from here; what was downloaded before still works."
OFFLINE = "This server is set to stay offline, so it asks nothing of the Hub."
TOO_SLOW = "The Hub is too slow just now; press again, and whole files are not sent twice."
TOO_MUCH = "The Hub has more bytes than this model should have, so the download was stopped."
BUSY = "The Hub has trouble or is asked too often; try again in a few minutes."
BROKEN = "The line to the Hub broke off; press again, and whole files are not sent twice."
SENTENCES = {  # by the name of an error of huggingface_hub, or of its HTTP library
    "GatedRepoError": "{repo} asks for consent on its page at the Hub, so it cannot be pulled.",
    "RepositoryNotFoundError": "There is no {repo} on the Hub, or it is private.",
    "RevisionNotFoundError": "{repo} has no such commit any more; pin it anew.",
    "RemoteEntryNotFoundError": "{repo} lacks a file that it should have; pin it anew.",
    "HfHubHTTPError": "The Hub refuses {repo}; it may want a permission that this server lacks.",
    "OfflineModeIsEnabled": OFFLINE,
    "ConnectError": UNREACHABLE,
    "ConnectTimeout": UNREACHABLE,
    "TimeoutException": TOO_SLOW,
    "MemoryError": TOO_MUCH,
}


def download(repo: str, revision: str, paths: list[str], folder: str, limit: int) -> None:
    """Download those of the paths that a repository has; whole files are not sent again.

    Before, LISTING is written into the folder: the commit, its licence, the files' sizes, and the
    SHA-256 of those that the Hub knows by it.

    Raises:
        MemoryError: they have more bytes than the limit.
        Exception: whatever huggingface_hub raises.
    """
    from huggingface_hub import HfApi, snapshot_download

    api = HfApi(token=False)  # asked first: a download would try again and again
    info = api.model_info(repo, revision=revision, timeout=SILENCE, files_metadata=True)
    if not re.fullmatch("[0-9a-f]{40}", str(info.sha)):
        raise ValueError("the Hub names no commit")  # which would be the name of a file
    options: dict[str, Any] = {"revision": info.sha, "allow_patterns": paths, "token": False}
    options |= {"local_dir": folder, "max_workers": 1}
    files = snapshot_download(repo, dry_run=True, **options)
    sizes = {file.filename: file.file_size for file in files}
    licence = str(info.card_data.license or "") if info.card_data is not None else ""
    unfinished = Path(folder, f"{LISTING}.incomplete")
    sums = {file.rfilename: file.lfs.sha256 for file in info.siblings or [] if file.lfs}
    document = {"commit": info.sha, "licence": licence, "sizes": sizes, "sums": sums}
    unfinished.write_text(json.dumps(document))
    unfinished.replace(Path(folder, LISTING))
    if sum(sizes.values()) > limit:
        raise MemoryError
    snapshot_download(repo, **options)


def sentence(error: BaseException, repo: str, sentences: Mapping[str, str] = SENTENCES) -> str:
    """Return what went wrong, for the student: by the error, or else by what it came from."""
    cause: BaseException | None = error
    while cause is not None:
        status = getattr(getattr(cause, "response", None), "status_code", 0)
        if status == 429 or status >= 500:
            return BUSY
        if getattr(cause, "errno", None) == EFBIG:
            return TOO_MUCH
        for kind in type(cause).__mro__:
            if kind.__name__ in sentences:
                return sentences[kind.__name__].format(repo=repo)
        cause = cause.__cause__
    return BROKEN


def limit(largest: int) -> None:
    """Take memory and large files from this process, as far as the system can do so.

    Windows has no such limits and macOS refuses the one on memory; there `genlib.hub.pull`
    watches the folder and the clock, as it does everywhere.
    """
    with suppress(ImportError):
        import resource

        for name, most in (("RLIMIT_AS", MEMORY), ("RLIMIT_FSIZE", largest)):
            with suppress(AttributeError, OSError, ValueError):
                resource.setrlimit(getattr(resource, name), (most, most))


def main() -> None:
    """Download what the first argument says, JSON; write to standard output why it failed."""
    request = json.loads(sys.argv[1])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit(request["limit"])
    try:
        download(**request)
    except Exception as error:
        sys.stdout.write(sentence(error, request["repo"]))
        sys.stderr.write(f"the Hub: {type(error).__name__}\n")
        disk = getattr(error, "errno", None) in (ENOSPC, EDQUOT, EROFS, EACCES)
        sys.exit(DISK if disk else 1)


def _end_with_parent() -> None:
    """End this process once its standard input closes: nobody watches it any more."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
