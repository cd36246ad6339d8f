"""The line to the Hub: bounded in time, in bytes and in hosts, whatever is at its other end.

huggingface_hub speaks through one HTTP client of its process. While a `Wire` is open, that
client is ours: every request and every chunk passes here, is counted, and is refused once the
time is over, somebody pressed Stop, or more comes than was announced.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import getproxies, proxy_bypass

import httpx2

from genlib.errors import TaskError

os.environ["HF_HUB_DISABLE_XET"] = "1"  # its own downloads would pass us by
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

PATIENCE = 90.0  # seconds of one attempt; what has come stays, so that the next goes on
TIMEOUTS = {"connect": 5.0, "read": 15.0, "write": 15.0, "pool": 5.0}  # seconds of one step
PIECE = 16 * 2**10  # bytes that are kept at once, so that a line that breaks loses little
TALK = 4 * 2**20  # bytes of answers, beside the files
ABROAD = ("huggingface.co", "hf.co", "amazonaws.com")  # where the Hub keeps files, or below there
ORIGIN = ("scheme", "host", "port")
UNREACHABLE = "The Hub cannot be reached from here; what was downloaded before still works."
TOO_SLOW = "The Hub is too slow just now; press again, and it goes on where it stopped."
TOO_MUCH = "The Hub sends more than this model should have, so the download was stopped."
BUSY = "The Hub has trouble or is asked too often; try again in a few minutes."


class HubError(TaskError):
    """The Hub cannot give or take it; the message is for the student."""


class Wire(httpx2.BaseTransport):
    """What carries the requests of huggingface_hub, within limits.

    Args:
        expected: bytes of all files together; little more may come in.
        endpoint: the Hub's address; files may come from there and from the Hub's own hosts.
        seconds: of all requests together.
    """

    def __init__(self, expected: int, endpoint: str, seconds: float = PATIENCE) -> None:
        self.expected, self.received, self.stopped = expected, 0, False
        self.home = httpx2.URL(endpoint)
        proxy = None if proxy_bypass(self.home.host) else getproxies().get(self.home.scheme)
        self.inner = httpx2.HTTPTransport(proxy=proxy)
        self.end = time.monotonic() + seconds

    @property
    def limit(self) -> int:
        """Bytes that may come in: the files, and what is said about them."""
        return self.expected + TALK

    def check(self) -> None:
        """Raise HubError where nothing more may come."""
        if self.stopped or time.monotonic() > self.end:
            raise HubError(TOO_SLOW)
        if self.received > self.limit:
            raise HubError(TOO_MUCH)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises:
            HubError: the limits are reached, the host is not the Hub's, or it is in trouble.
        """
        self.check()
        self._check_host(request.url)
        request.headers["Accept-Encoding"] = "identity"  # a small answer may not grow here
        request.extensions["timeout"] = TIMEOUTS
        try:
            response = self.inner.handle_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise HubError(UNREACHABLE) from error
        if response.status_code == 429 or response.status_code >= 500:
            response.close()
            raise HubError(BUSY)
        announced = response.headers.get("Content-Length", "0")
        coded = response.headers.get("Content-Encoding", "identity")
        if coded != "identity" or not announced.isdigit() or int(announced) > self.limit:
            response.close()
            raise HubError(TOO_MUCH)
        response.stream = _Counted(response.stream, self)
        return response

    def _check_host(self, url: httpx2.URL) -> None:
        home = all(getattr(url, part) == getattr(self.home, part) for part in ORIGIN)
        known = any(url.host == host or url.host.endswith(f".{host}") for host in ABROAD)
        if not home and not (known and url.scheme == "https" and url.port is None):
            raise HubError(f"The Hub sent us to {url.host[:60]}, so nothing was downloaded.")

    def close(self) -> None:
        """Close the connections."""
        self.inner.close()


class _Counted(httpx2.SyncByteStream):
    """A body that is counted while it comes."""

    def __init__(self, stream: object, wire: Wire) -> None:
        self.stream, self.wire = stream, wire

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.stream:  # type: ignore[attr-defined]
            self.wire.received += len(chunk)
            self.wire.check()
            yield chunk

    def close(self) -> None:
        self.stream.close()  # type: ignore[attr-defined]


@contextmanager
def opened(expected: int, seconds: float | None = None) -> Iterator[Wire]:
    """Let huggingface_hub speak through a wire for as long as the block lasts.

    From then on it speaks to nobody, not even in a thread that was left behind.

    Args:
        expected: bytes of all files together.
        seconds: of all requests together.

    Raises:
        HubError: the operator has set HF_HUB_OFFLINE.
    """
    from huggingface_hub import constants, set_client_factory

    if constants.is_offline_mode():
        raise HubError(UNREACHABLE)
    constants.HF_HUB_DISABLE_XET = True  # where the library was imported before this module
    constants.DOWNLOAD_CHUNK_SIZE = PIECE
    wire = Wire(expected, constants.ENDPOINT, PATIENCE if seconds is None else seconds)
    set_client_factory(lambda: httpx2.Client(transport=wire, follow_redirects=True))
    try:
        yield wire
    finally:
        wire.stopped = True
