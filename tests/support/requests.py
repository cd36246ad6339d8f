"""Requests to a middleware, without a server around it."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Inside:
    """The application behind a middleware: remembers what came through, and sets a cookie."""

    def __init__(self, cookie: bytes = b"") -> None:
        self.paths: list[str] = []
        self.messages: list[bytes] = []
        self.cookie = [(b"set-cookie", cookie)] if cookie else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        if scope["type"] == "http":
            headers = [(b"content-type", b"text/plain"), *self.cookie]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"served"})
            return
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                self.messages.append(message["bytes"])


def request(
    app: ASGIApp, path: str, method: str = "GET", headers: dict[bytes, bytes] | None = None
) -> tuple[int, dict[bytes, bytes]]:
    """Return the status and the headers of the answer."""
    answers = list[Message]()
    bare, _, query = path.partition("?")
    scope: dict[str, Any] = {"type": "http", "path": bare, "query_string": query.encode()}
    scope |= {"method": method, "headers": list((headers or {}).items())}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    asyncio.run(app(scope, receive, send))
    return answers[0]["status"], dict(answers[0]["headers"])
