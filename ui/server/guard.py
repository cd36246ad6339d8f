"""What strangers may send: the middleware between the internet and Streamlit.

Streamlit trusts its clients; this server cannot. Any client could clear everybody's caches,
read the metrics or open sockets without end, so only what a page needs comes through.
"""

import logging
import time

from google.protobuf.message import DecodeError
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from genlib.settings import Settings
from ui.server.addresses import base

log = logging.getLogger(__name__)

MAX_SOCKETS = 200  # browser tabs served at once
MAX_UPLOAD = 16 * 2**20  # bytes
MAX_MESSAGE = 256 * 2**10  # bytes of one websocket message
MAX_RATE = 40.0  # websocket messages a second, over ten seconds
NEEDED = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "deferred_file"}
HIDDEN = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
FOLDERS = {"_stcore", "media", "static", "component", "app"}  # of Streamlit; a page lies in none
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"strict-origin-when-cross-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
FRAMES = "frame-ancestors 'self' https://huggingface.co https://*.hf.space"


class Guard:
    """Starlette middleware: hides routes, caps sockets and uploads, filters messages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.sockets = 0
        sites = " ".join([FRAMES, *Settings().embed.split()])
        self.headers = HEADERS | {b"content-security-policy": sites.encode()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one socket."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers.items()]
            await send(message)

        refused = refusal(scope)
        if refused is not None:
            await PlainTextResponse(refused[1], refused[0])(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.sockets >= MAX_SOCKETS:
            await receive()
            await send({"type": "websocket.close", "code": 1013, "reason": "the server is full"})
            return
        budget = Budget()

        async def filtered() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or (
                    budget.spend() and allowed(message.get("bytes") or b"")
                ):
                    return message

        self.sockets += 1
        try:
            await self.app(scope, filtered, send)
        finally:
            self.sockets -= 1


class Budget:
    """A token bucket: MAX_RATE messages a second, saved up for ten seconds."""

    def __init__(self) -> None:
        self.left, self.then = MAX_RATE * 10, time.monotonic()

    def spend(self) -> bool:
        """Return whether one more message is within the rate."""
        now = time.monotonic()
        self.left = min(MAX_RATE * 10, self.left + (now - self.then) * MAX_RATE)
        self.then = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def refusal(scope: Scope) -> tuple[int, str] | None:
    """Return the status and text with which to refuse a request, or None to serve it."""
    path: str = scope["path"]
    if any(hidden in path for hidden in HIDDEN):
        return 404, "Not found"
    if "/_stcore/upload_file" in path and scope["method"] in ("PUT", "POST"):
        length = dict(scope["headers"]).get(b"content-length", b"")
        if not length.isdigit() or int(length) > MAX_UPLOAD:
            return 413, "An upload may have 16 MiB at most"
    first, _, rest = path.removeprefix(base()).strip("/").partition("/")
    if rest and first not in FOLDERS:  # Streamlit would send its page, which stays blank there
        return 404, f"There is no such page. The way to all of them begins at {base()}/"
    return None


def allowed(content: bytes) -> bool:
    """Return whether a page needs such a message."""
    if len(content) > MAX_MESSAGE:
        return False
    message = BackMsg()
    try:
        message.ParseFromString(content)
    except DecodeError:
        return False
    kind: str | None = message.WhichOneof("type")
    if kind == "backend_operation_request":  # a download that is made once it is clicked, or else
        kind = message.backend_operation_request.WhichOneof("payload")
    if kind not in NEEDED:
        log.warning("dropped a message of type %s", kind)
    return kind in NEEDED
