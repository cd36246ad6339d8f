"""Addresses: below a path of one's own, typed by hand, and inside another site's page.

Where `server.baseUrlPath` is set, every address lies below that path. A proxy may also take a
prefix away before it asks: nobody here knows it then, so a redirection is relative.
"""

import posixpath
import re
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from ui.navigation import PLAN

SLIPS = re.compile(r"^[^a-z0-9]+|[^a-z0-9]+$")  # what a text around an address leaves at its ends


def base() -> str:
    """Return the path that all addresses lie below, such as "/genlib", or "" for none."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return path and f"/{path}"


def forgiving(app: ASGIApp) -> ASGIApp:
    """Middleware that leads from an address that means a page to the page's own.

    `/VAE`, `/vae/` and `/vae).` mean `/vae`. A page inside another site's, as Hugging Face shows a
    Space, begins at / whichever lesson its link means, and gets only the query: so from
    `/?page=vae&vae.beta=4` it is sent on to `/vae?vae.beta=4`.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        target = _meant(scope) if scope["type"] == "http" else None
        await (app if target is None else RedirectResponse(target))(scope, receive, send)

    return served


def _meant(scope: Scope) -> str | None:
    """Return the page's own address, relative to the one that was asked for, if that is another.

    A path with "//" in it is left alone: at its begin it would be the address of another machine.
    """
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    if not f"{path}/".startswith(f"{base()}/") or "//" in path:
        return None
    name = SLIPS.sub("", path.removeprefix(base()).lower()) or "home"
    asked = parse_qsl(query, keep_blank_values=True)
    lesson = dict(asked).get("page", "home") if name == "home" else "home"
    if lesson in PLAN and lesson != "home":
        name, query = lesson, urlencode([(key, value) for key, value in asked if key != "page"])
    own = f"{base()}/" + ("" if name == "home" else name)
    if name not in PLAN or own == path:
        return None
    folder, file = posixpath.split(own)
    relative = f"{posixpath.relpath(folder, posixpath.dirname(path))}/{file}"
    return relative + (f"?{query}" if query else "")
