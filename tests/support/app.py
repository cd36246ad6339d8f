"""Pages as a visitor of a link sees them, without a browser."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

import ui
from ui.lesson import PARTS
from ui.navigation import PLAN

MAIN = Path(__file__).parents[2] / "ui" / "main.py"


def import_pages() -> None:
    """Import all that pages are drawn by, as a server does once each page was opened."""
    for module in pkgutil.walk_packages(ui.__path__, "ui."):
        if module.name != "ui.main":  # which draws when it is imported
            importlib.import_module(module.name)


def opened(name: str, query: dict[str, Any] | None = None) -> AppTest:
    """Return a page as a visitor of its link sees it."""
    app = AppTest.from_file(MAIN, default_timeout=240).switch_page(f"../pages/{name}.py")
    for key, value in (query or {}).items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def figures(name: str, query: dict[str, Any] | None = None) -> Iterator[AppTest]:
    """Open every figure of a page in turn, as a visitor of its link sees it."""
    for part, key in PARTS.items():
        here = {**(query or {}), f"{name}.part": part}
        first = opened(name, here)
        if part not in [tab.label for tab in first.tabs]:
            continue
        yield first
        choice = [pills for pills in first.pills if pills.key == f"{name}.{key}"]
        for title in choice[0].options[1:] if choice else ():
            yield opened(name, here | {f"{name}.{key}": title})


def shown_run(app: AppTest) -> str:
    """Return the start of the fingerprint that the page shows."""
    caption = re.search(r"Run ([0-9a-f]{12})", app.caption[-1].value)
    assert caption
    return caption[1]


def shared(app: AppTest) -> dict[str, list[str]]:
    """Return the knobs and views in the page's address, which is the link to share."""
    return {
        key: [values] if isinstance(values, str) else list(values)
        for key, values in app.query_params.items()
        if key.partition(".")[0] in PLAN
    }


NONSENSE = [
    *("", " ", "x", "-1", "1e999", "nan", "inf", "undefined", "null", "1.5.2", "[1, 2]", "{}"),
    *("9" * 2000, "x" * 2000, "ünïcödé 数字 🦊", "\u202e\u0000\ud7ff", "' OR 1=1; --"),
    *("<script>alert(1)</script>", "__import__('os').system('true')", "../../etc/passwd", "0x10"),
]
