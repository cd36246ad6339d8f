"""To the Hub: a run with its model card, and the whole app as a Space.

A token is handed on to the Hub and to nobody else: it is in no file, no log and no message.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

from genlib.export.take_home import take_home
from genlib.hub.download import BUSY, sentence
from genlib.hub.errors import HubError
from genlib.runs.run import Run
from genlib.settings import Settings

REFUSED = "The Hub does not let this token write there; make one with the right to write."
UNREACHED = "The Hub cannot be reached from here, so nothing was published."
SENTENCES = {
    "RepositoryNotFoundError": REFUSED,
    "HFValidationError": "A name has letters, digits, dots and hyphens, such as my-first-gan.",
    "LocalTokenNotFoundError": REFUSED,
    "HfHubHTTPError": REFUSED,
    "ConnectError": UNREACHED,
    "TimeoutException": UNREACHED,
    "OfflineModeIsEnabled": UNREACHED,
    "HTTPError": f"Nothing was published. {BUSY}",
}
DEPLOYED = [  # what runs on a Space, and what its README shows; tests and benchmarks stay behind
    *("app.py", "requirements.txt", "Dockerfile", ".dockerignore", "README.md", "LICENSE"),
    *("pages/*", "ui/*", "genlib/*", "docs/*", ".streamlit/config.toml"),
]


def default_name(run: Run) -> str:
    """Return what a run's repository is called where nobody says otherwise."""
    return f"genlib-{run.spec.family}-{run.spec.fingerprint[:12]}"


def publish(run: Run, name: str, token: str) -> dict[str, str]:
    """Publish a run with all that repeats it; return its repository, commit and address.

    Args:
        run: a finished one.
        name: of the repository; without an owner it is the token's.
        token: with the right to write.

    Raises:
        HubError: the Hub cannot be reached, or refuses.
    """
    files, operation = take_home(run), _library().CommitOperationAdd
    with _client(name, token) as api:
        repo = api.create_repo(name, exist_ok=True).repo_id
        done = api.create_commit(
            repo,
            [operation(path, content) for path, content in files.items()],
            commit_message=f"Publish {run.spec.family}, run {run.spec.fingerprint[:12]}",
        )
    return {"repo": repo, "commit": done.oid, "url": f"{api.endpoint}/{repo}"}


def deploy(repo: str, token: str, house: Path) -> dict[str, str]:
    """Create or update the Space of that name from the folder of the app; return its address.

    Raises:
        HubError: the Hub cannot be reached, or refuses.
    """
    with _client(repo, token) as api:
        space = api.create_repo(repo, repo_type="space", space_sdk="docker", exist_ok=True)
        done = api.upload_folder(
            repo_id=space.repo_id,
            repo_type="space",
            folder_path=house,
            allow_patterns=DEPLOYED,
            ignore_patterns=["*__pycache__*"],
            delete_patterns="*",
            commit_message="Update genlib",
        )
    return {"repo": space.repo_id, "commit": done.oid, "url": str(space)}


def operator_token() -> str:
    """Return the operator's token.

    Raises:
        HubError: there is none.
    """
    token = Settings().hub_token.get_secret_value() or _library().get_token()
    if not token:
        raise HubError("There is no token: set GENLIB_HUB_TOKEN, or run `hf auth login`.")
    return token


@contextmanager
def _client(repo: str, token: str) -> Iterator["HfApi"]:
    """Open huggingface_hub's client of HF_ENDPOINT, or of the Hub, without progress bars.

    Raises:
        HubError: whatever goes wrong while it is open, as one of the SENTENCES.
    """
    try:
        yield _library().HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    except Exception as error:
        raise HubError(sentence(error, repo, SENTENCES)) from error


def _library() -> ModuleType:
    """Return huggingface_hub, which reads once, where it is imported first, what it may do."""
    for name in ("PROGRESS_BARS", "TELEMETRY", "XET"):  # Xet waits for its server without an end
        os.environ[f"HF_HUB_DISABLE_{name}"] = "1"
    return import_module("huggingface_hub")
