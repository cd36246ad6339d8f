"""Who a student is: a browser, known by a cookie of ours that says nothing about anybody."""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.server.space import in_frames

COOKIE = "genlib_student"
FORM = re.compile("[0-9a-f]{32}")
YEAR = 365 * 24 * 60 * 60  # seconds


def remember_students(app: ASGIApp) -> ASGIApp:
    """Middleware that gives the cookie to a browser that asks for a page and has none.

    A Lax cookie does not reach a page inside another site's, as in a Space;
    `ui.server.space.framed` keeps such a cookie apart for each site.
    """
    same_site = "None; Secure" if in_frames() else "Lax"

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{COOKIE}={secrets.token_hex(16)}; Path=/; Max-Age={YEAR}; HttpOnly"
                cookie += f"; SameSite={same_site}"
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        new = scope["type"] == "http" and _is_new(Request(scope))
        await app(scope, receive, send_with_cookie if new else send)

    return served


def _is_new(request: Request) -> bool:
    """Return whether a request is for a page, by a browser without a cookie of that form."""
    page = "text/html" in request.headers.get("Accept", "")
    return page and not FORM.fullmatch(request.cookies.get(COOKIE, ""))
