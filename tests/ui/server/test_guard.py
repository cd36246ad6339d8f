"""What strangers may send: every route, upload and message that no page needs is refused."""

import asyncio
import time

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest, BackMsg

from tests.support.requests import Inside, request
from ui.server import guard
from ui.server.guard import MAX_MESSAGE, MAX_RATE, MAX_UPLOAD, Budget, Guard

RERUN = BackMsg(rerun_script={"query_string": "stacked.codings=3"})


def guarded(
    path: str, method: str = "GET", headers: dict[bytes, bytes] | None = None
) -> tuple[int, dict[bytes, bytes], bool]:
    """Return the status, the headers, and whether the request came through."""
    inside = Inside()
    status, answered = request(Guard(inside), path, method, headers)
    return status, answered, inside.paths == [path]


def through(messages: list[Message]) -> list[bytes]:
    """Return the websocket messages that come through a guard."""
    inside = Inside()
    waiting = iter([{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect"}])

    async def receive() -> Message:
        return next(waiting)

    async def send(_message: Message) -> None:
        raise AssertionError("the guard closed a socket that it should serve")

    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": []}
    asyncio.run(Guard(inside)(scope, receive, send))
    return inside.messages


def sent(content: bytes) -> Message:
    return {"type": "websocket.receive", "bytes": content}


@pytest.mark.parametrize(
    "needed",
    [
        RERUN,
        BackMsg(stop_script=True),
        BackMsg(app_heartbeat=True),
        BackMsg(
            backend_operation_request=BackendOperationRequest(deferred_file={"file_id": "weights"})
        ),
    ],
    ids=lambda message: message.WhichOneof("type"),
)
def test_what_a_page_needs_comes_through(needed: BackMsg):
    content = needed.SerializeToString()
    assert through([sent(content)]) == [content]


@pytest.mark.parametrize(
    "unwanted",
    [
        BackMsg(clear_cache=True),
        BackMsg(set_run_on_save=True),
        BackMsg(load_git_info=True),
        BackMsg(debug_disconnect_websocket=True),
        BackMsg(debug_shutdown_runtime=True),
        BackMsg(backend_operation_request=BackendOperationRequest(install_skills={})),
        BackMsg(backend_operation_request=BackendOperationRequest(dismiss_skills_nudge={})),
        BackMsg(backend_operation_request=BackendOperationRequest()),
    ],
    ids=lambda message: str(message).replace("\n", "")[:40],
)
def test_what_no_page_needs_is_dropped_and_the_next_message_served(unwanted: BackMsg):
    content = RERUN.SerializeToString()
    assert through([sent(unwanted.SerializeToString()), sent(content)]) == [content]


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 40, b"hello", bytes(1000), b"\x0a\xff\xff"])
def test_garbage_is_dropped(garbage: bytes):
    content = RERUN.SerializeToString()
    assert through([sent(garbage), sent(content)]) == [content]


def test_text_instead_of_bytes_is_dropped():
    content = RERUN.SerializeToString()
    text = {"type": "websocket.receive", "text": "hello", "bytes": None}
    assert through([text, sent(content)]) == [content]


def test_the_size_of_a_message_is_limited():
    def of_size(size: int) -> bytes:
        fill = size - len(BackMsg(rerun_script={"query_string": "x" * size}).SerializeToString())
        return BackMsg(rerun_script={"query_string": "x" * (size + fill)}).SerializeToString()

    largest, larger = of_size(MAX_MESSAGE), of_size(MAX_MESSAGE + 1)
    assert (len(largest), len(larger)) == (MAX_MESSAGE, MAX_MESSAGE + 1)
    assert through([sent(larger), sent(largest)]) == [largest]


def test_a_flood_is_cut_to_the_budget():
    content, count = RERUN.SerializeToString(), int(MAX_RATE * 10)
    began = time.monotonic()
    served = len(through([sent(content)] * (3 * count)))
    earned = (time.monotonic() - began) * MAX_RATE
    assert count <= served <= count + earned + 1


def test_dropped_messages_cost_budget_too():
    content, count = RERUN.SerializeToString(), int(MAX_RATE * 10)
    unwanted = [sent(BackMsg(clear_cache=True).SerializeToString())] * (2 * count)
    assert len(through([*unwanted, *[sent(content)] * count])) < count


def test_a_budget_fills_up_again(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(guard.time, "monotonic", lambda: now)
    budget = Budget()
    assert sum(budget.spend() for _ in range(1000)) == MAX_RATE * 10
    now += 2.0
    assert sum(budget.spend() for _ in range(1000)) == MAX_RATE * 2
    now += 3600.0
    assert sum(budget.spend() for _ in range(1000)) == MAX_RATE * 10


@pytest.mark.parametrize("prefix", ["", "/stacked", "/a/b"])
@pytest.mark.parametrize(
    "route",
    ["metrics", "agent/interact", "agent/openapi.json", "agent/mcp", "script-health-check"],
)
def test_routes_for_the_operator_are_hidden(prefix: str, route: str):
    status, headers, served = guarded(f"{prefix}/_stcore/{route}")
    assert (status, served) == (404, False)
    assert guard.HEADERS.items() <= headers.items()


@pytest.mark.parametrize(
    "path",
    ["/", "/stacked", "/stacked/", "/_stcore/health", "/static/js/x.js", "/media/picture.png"],
)
def test_pages_are_served_with_the_headers(path: str):
    status, headers, served = guarded(path)
    assert (status, served) == (200, True)
    assert guard.HEADERS.items() <= headers.items()
    assert headers[b"content-type"] == b"text/plain"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"frame-ancestors" in headers[b"content-security-policy"]


@pytest.mark.parametrize("path", ["/stacked/x", "/etc/passwd", "/a/b/c/", "//a//b"])
def test_an_address_below_a_page_is_no_page(path: str):
    status, headers, served = guarded(path)
    assert (status, served) == (404, False)
    assert guard.HEADERS.items() <= headers.items()


UPLOAD = "/_stcore/upload_file/session/file"
LARGE = str(MAX_UPLOAD + 1).encode()


@pytest.mark.parametrize("prefix", ["", "/stacked"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("length", [None, LARGE, b"-1", b"many", b"", b"1e3", b"9" * 20])
def test_an_upload_says_its_size_and_is_small(prefix: str, method: str, length: bytes | None):
    headers = {} if length is None else {b"content-length": length}
    status, _, served = guarded(prefix + UPLOAD, method, headers)
    assert (status, served) == (413, False)


@pytest.mark.parametrize("length", [b"0", b"1000", str(MAX_UPLOAD).encode()])
def test_a_small_upload_is_served(length: bytes):
    assert guarded(UPLOAD, "PUT", {b"content-length": length})[0] == 200


def test_the_number_of_sockets_is_capped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "MAX_SOCKETS", 2)
    inside = Inside()
    middleware = Guard(inside)
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": []}
    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    async def visit() -> None:
        leave = [asyncio.Event() for _ in range(4)]
        tabs = [asyncio.create_task(middleware(scope, tab(event), send)) for event in leave[:2]]
        await asyncio.sleep(0)
        await middleware(scope, tab(leave[2]), send)
        assert [answer["type"] for answer in answers] == ["websocket.close"]
        assert answers[0]["code"] == 1013
        assert len(inside.paths) == 2
        leave[0].set()
        await tabs[0]
        leave[3].set()
        await middleware(scope, tab(leave[3]), send)
        assert len(answers) == 1, "a closed tab makes room for the next one"
        assert len(inside.paths) == 3
        leave[1].set()
        await tabs[1]

    def tab(leave: asyncio.Event) -> Receive:
        connected: list[bool] = []

        async def receive() -> Message:
            if not connected:
                connected.append(True)
                return {"type": "websocket.connect"}
            await leave.wait()
            return {"type": "websocket.disconnect"}

        return receive

    asyncio.run(visit())
    assert middleware.sockets == 0


def test_a_socket_that_fails_gives_its_place_back():
    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("the application failed")

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is to be sent")

    middleware = Guard(failing)
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": []}
    with pytest.raises(RuntimeError, match="the application failed"):
        asyncio.run(middleware(scope, receive, send))
    assert middleware.sockets == 0
