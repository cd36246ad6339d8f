"""A Space of Hugging Face: where it keeps runs, and how its pages live inside another site's."""

import logging
import os
import shutil
import tempfile
import uuid
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from genlib.runs.store import write_bundle
from genlib.settings import Settings

log = logging.getLogger(__name__)


def settle() -> None:
    """Adapt to the place where the server runs, before anything asks for a setting.

    On a Space, pages are shown inside another site's: their sockets come from the Space's own
    address, and the cookie that guards uploads is sent from there. Finished runs are kept at
    GENLIB_RUNS only where a bucket is mounted that can be written; else, and all that is not
    finished, on the container's own disk, in whichever folder its user may write.
    """
    if hosts := os.environ.get("SPACE_HOST"):  # with the Space's own domain after a comma
        origins = [f"https://{host.strip()}" for host in hosts.split(",")]
        config.set_option("server.corsAllowedOrigins", origins)
    if in_frames():
        config.set_option("server.xsrfCookieSameSite", "none")
    if runs := os.environ.get("GENLIB_RUNS"):
        if not keeps(Path(runs)):
            del os.environ["GENLIB_RUNS"]
        if "GENLIB_HOME" not in os.environ and not keeps(Settings().home):
            user = os.getuid() if hasattr(os, "getuid") else 0  # Windows: the folder is the user's
            os.environ["GENLIB_HOME"] = f"{tempfile.gettempdir()}/genlib-{user}"
        log.warning("runs are kept in %s", Settings().runs or Settings().home)


def in_frames() -> bool:
    """Return whether pages are shown inside those of another site."""
    return bool(os.environ.get("SPACE_HOST") or Settings().embed)


def keeps(folder: Path) -> bool:
    """Return whether runs can be kept in a folder, by keeping something there as they are."""
    probe = folder / f"probe-{uuid.uuid4().hex}"
    try:
        write_bundle(probe, {"probe": b"it holds"})
    except OSError:
        return False
    finally:
        shutil.rmtree(probe, ignore_errors=True)
    return True


def framed(app: ASGIApp) -> ASGIApp:
    """Middleware for a page inside another site's, as Hugging Face shows a Space.

    Its cookie is kept apart for each site around it: any other is refused by browsers that refuse
    cookies of third parties.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def kept_apart(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", [])
                message["headers"] = [(name, _kept_apart(value)) for name, value in headers]
            await send(message)

        await app(scope, receive, kept_apart)

    return served


def _kept_apart(value: bytes) -> bytes:
    """Return a header's value; a cookie for frames is kept apart for each site around them."""
    return value + b"; Partitioned" if value.endswith(b"; SameSite=None; Secure") else value
