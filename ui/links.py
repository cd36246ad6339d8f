"""Links as people type, shorten and paste them: read as they were meant, or refused in words."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_plus

import streamlit as st
from streamlit.runtime.state import get_session_state

LONGEST = 200  # characters of a value that is read
CUT = 20  # characters of a value that is shown
AROUND = "()[]{}<>\"'`"  # what a text around a link leaves at its ends
BEHIND = ".,;:!?%"
OTHERS = re.compile(r"__|utm_|[a-z]*clid$")  # what the sites that a link passed through add
SYNONYMS = {"true": ("yes", "on", "1"), "false": ("no", "off", "0")}


class Numbers(NamedTuple):
    """The numbers from low to high; whole ones, and multiples of `step`, where low is whole."""

    low: float
    high: float
    step: int = 1

    def read(self, text: str) -> str | None:
        """Return a number as its widget writes it; None where it is none of these."""
        value = number(text)
        if value is None or not self.low <= value <= self.high:
            return None
        return written(value) if value in self._around(value) else None

    def nearest(self, text: str) -> str:
        """Return in words what comes nearest."""
        value = number(text)
        if value is None:
            return f"a number from {written(self.low)} to {written(self.high)}"
        inside = min(max(value, self.low), self.high)
        return f"nearest: {' and '.join(map(written, self._around(inside)))}"

    def _around(self, value: float) -> list[float]:
        """Return a number itself, or the two around it that are possible."""
        if not isinstance(self.low, int):
            return [value]
        both = [self.step * rounded(value / self.step) for rounded in (math.floor, math.ceil)]
        return sorted({each for each in both if self.low <= each <= self.high})


class Names(NamedTuple):
    """A choice: what a link may call each of its options, and how the widget writes it."""

    options: Mapping[str, str]

    @classmethod
    def of(cls, options: Iterable[object]) -> "Names":
        """Return the choice of options that are called as they are written."""
        return cls({str(option): str(option) for option in options})

    def read(self, text: str) -> str | None:
        """Return an option as its widget writes it; None where it is none, or could be two."""
        if text in self.options.values():
            return text
        if (value := number(text)) is not None:
            return self.options.get(written(value))
        meant = {option for name, option in self.options.items() if folded(name) == folded(text)}
        return meant.pop() if len(meant) == 1 else None

    def nearest(self, text: str) -> str:
        """Return in words what comes nearest."""
        names = {folded(name): option for name, option in self.options.items()}
        close = get_close_matches(folded(text[:LONGEST]), names, 2, 0.0)
        return f"nearest: {' and '.join(dict.fromkeys(names[name] for name in close))}"


YES_OR_NO = Names({name: value for value, others in SYNONYMS.items() for name in (value, *others)})


def number(text: str) -> float | None:
    """Return the finite number that a text means, also with a comma for the point, or None."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).replace("−", "-").strip()
    plain = plain.strip(AROUND).rstrip(BEHIND + AROUND)
    try:
        value = float(re.sub(r"^(-?\d+),(\d{1,2}|\d{4,})$", r"\1.\2", plain))
    except ValueError:
        return None
    return value if math.isfinite(value) and len(text) <= LONGEST else None


def written(value: float) -> str:
    """Return a number as widgets write it in a link: as short as it can be read again."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def folded(text: str) -> str:
    """Return what is left of a text for a reader in a hurry: its letters and digits."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("×", "x")
    return "".join(sign for sign in plain if sign.isalnum())


def settle(key: str, allowed: Numbers | Names, *, several: bool = False) -> str:
    """Write what a link says for a widget as the widget would, before the widget reads it.

    Returns why not, where it is not possible: then it leaves the link. Where the widget does not
    take `several` values, the last one counts.
    """
    texts = st.query_params.get_all(key)
    if several and texts == [""]:  # none is chosen
        return ""
    texts = texts if several else texts[-1:]
    read = [(text, _read(text, allowed)) for text in texts]
    _write({key: [value for _, value in read if value is not None]})
    name = key.rpartition(".")[2]
    refused = (text for text, value in read if value is None)
    return "".join(f"“{name}” = “{shown(t)}” ({allowed.nearest(t)})" for t in islice(refused, 1))


def _read(text: str, allowed: Numbers | Names) -> str | None:
    """Return what a text is read as; one that was encoded twice is decoded again."""
    return next(filter(None, map(allowed.read, (text, unquote_plus(text)))), None)


def settle_names(page: str, names: Mapping[str, str]) -> list[str]:
    """Give what a link names the name it has here; return what nothing here is called.

    Args:
        page: the first part of each name in a link.
        names: of all that the page has, each with its title or an empty text.
    """
    called = {folded(each): name for name, title in names.items() for each in (title, name)}
    refused, writing = [], dict[str, list[str]]()
    own = {f"{page}.{name}" for name in names}
    for key in [key for key in st.query_params if key not in own]:
        for name, texts in _taken_apart(key):
            first, _, last = name.rpartition(".")
            ours = folded(first) in ("", folded(page)) and folded(last)
            right = called.get(folded(last)) if ours else None
            if right is not None and f"{page}.{right}" not in st.query_params:
                writing[f"{page}.{right}"] = texts
            elif right is None and not OTHERS.match(name):
                close = get_close_matches(folded(last[:LONGEST]), called, 1)
                hint = f" (nearest: {called[close[0]]})" if close else ""
                refused.append(f"“{shown(name.removeprefix(f'{page}.'))}”{hint}")
        if not OTHERS.match(key):
            writing.setdefault(key, [])
    _write(writing)
    return refused


def _taken_apart(key: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the names in a parameter's name with their values: of all, if it was encoded twice."""
    texts = st.query_params.get_all(key)
    plain = unquote_plus(key).removeprefix("amp;")
    if "=" not in plain:
        yield plain, texts
        return
    whole = "=".join(part for part in (plain, *texts[-1:]) if part)
    for name, text in parse_qsl(whole, keep_blank_values=True):
        yield name.removeprefix("amp;"), [text]


def _write(changes: Mapping[str, list[str]]) -> None:
    """Set parameters of the link, without a value remove them; widgets read it only after that."""
    changed = {key: v for key, v in changes.items() if v != st.query_params.get_all(key)}
    if not changed:
        return
    with get_session_state().query_params() as link:
        for key, values in changed.items():
            if values:
                link.set_corrected_value(key, values, "string_array_value")
            else:
                link.remove_param(key)
        link.set_initial_query_params_from_current()


def shown(text: str) -> str:
    """Return the start of a text from a link, without what could be markup."""
    return re.sub(r"[^\w.,+\- ]", "?", text[:CUT]) + ("…" if len(text) > CUT else "")


def marks(key: str, options: Iterable[float], allowed: Numbers) -> list[float]:
    """Return the marks of a slider, with the value between them that a link or a run asks for."""
    kind = int if isinstance(allowed.low, int) else float
    asked = chain(st.query_params.get_all(key)[-1:], [str(st.session_state.get(key, ""))])
    values = (allowed.read(text) for text in asked)
    return sorted({*options, *(kind(float(value)) for value in values if value is not None)})


def warn(refused: Iterable[str]) -> None:
    """Draw a warning of what a link asks for in vain, where there is any."""
    if refused := list(filter(None, refused)):
        st.warning(
            f"The link asked for something that is not possible here: {', '.join(refused[:4])}. "
            "Those knobs stand at their defaults.",
            icon=":material/link_off:",
        )
