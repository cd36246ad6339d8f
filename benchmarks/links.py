"""Random links and what people do to them: how many fail the page, how many ask for a job.

A link is a page with some of its knobs and views, each with a value that it can have, that lies
at its edge or beyond, or that is nonsense; then it is mutated as by hand, by a chat or by a
second encoding. The server is the one that `streamlit run app.py` starts, on a fresh GENLIB_HOME;
several links are opened at the same time.
"""

import argparse
import asyncio
import importlib
import json
import pkgutil
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, get_args
from urllib.parse import quote, quote_plus, urlencode

import ui
from benchmarks.raw_client import Session
from benchmarks.server import Server
from genlib.config import TrainConfig
from genlib.data import DATASETS
from genlib.jobs import Jobs
from genlib.models import FAMILIES
from ui.controls import VIEWS
from ui.navigation import PLAN

PATIENCE = 120.0  # seconds for a page
NONSENSE = (
    *("", " ", "x", "-1", "inf", "-inf", "nan", "1e400", "0x10", "None", "null", "[1, 2]", "{}"),
    *("9" * 400, "ünïcödé 数字 🦊", "\u202e\u0000", "' OR 1=1; --", "<script>alert(1)</script>"),
    *("4,5", "1e-3", "4.0", "5)", "16 x 16", "true", "1", "0", "2.5", "1e18", "-0", "½", "１２"),
)
Pairs = list[tuple[str, str]]


def values(page: str) -> dict[str, list[Any]]:
    """Return what each knob of a page may be, and what lies at the edge and beyond."""
    possible: dict[str, list[Any]] = {name: [] for name in VIEWS}
    possible["dataset"] = [*DATASETS, *(source.title for source in DATASETS.values())]
    configs = [FAMILIES[page].config_type, TrainConfig] if page in FAMILIES else []
    for config in configs:
        for name, field in config.model_fields.items():
            limits = [edge for item in field.metadata for edge in _limits(item)]
            possible[name] = [*get_args(field.annotation), *limits]
            if field.annotation is bool:
                possible[name] = ["true", "false"]
    return possible


def _limits(item: Any) -> list[float]:
    """Return an edge of a field's range, with a value inside and one beyond it."""
    edge = getattr(item, "ge", getattr(item, "le", None))
    return [] if edge is None else [edge, edge - 1, edge + 1, edge + 0.5]


def encoded_twice(pairs: Pairs, chance: random.Random) -> str:
    """Return a query whose whole was encoded again, or every value of it."""
    again = [(name, quote(text)) for name, text in pairs]
    return quote_plus(urlencode(pairs)) if chance.random() < 0.5 else urlencode(again)


def mistyped(pairs: Pairs, chance: random.Random) -> str:
    """Return a query in which names lost their prefix or a letter, or changed their case."""
    ways: tuple[Callable[[str], str], ...] = (
        lambda name: name.rpartition(".")[2],
        str.upper,
        str.title,
        lambda name: name.replace("_", "-"),
        lambda name: name[:-1],
        lambda name: f"amp;{name}",
    )
    return urlencode([(chance.choice(ways)(name), text) for name, text in pairs])


def cut(pairs: Pairs, chance: random.Random) -> str:
    """Return a query that was cut off somewhere, or that a bracket or a full stop follows."""
    query = urlencode(pairs)
    return query[: chance.randrange(len(query) + 1)] + chance.choice(["", ")", "]", ".", "%", ">"])


def doubled(pairs: Pairs, chance: random.Random) -> str:
    """Return a query in which a name stands twice, and a site that it passed has added some."""
    return urlencode([*pairs, chance.choice(pairs), ("utm_source", "chat"), ("fbclid", "x")])


def spoiled(pairs: Pairs, chance: random.Random) -> str:
    """Return a query in which a letter of it is another."""
    query = urlencode(pairs)
    place = chance.randrange(len(query))
    return query[:place] + chance.choice("&=%;+.?#/\\\"'x9") + query[place + 1 :]


MUTATIONS: tuple[Callable[[Pairs, random.Random], str], ...] = (
    lambda pairs, _: urlencode(pairs),
    *(encoded_twice, mistyped, cut, doubled, spoiled),
)


def links(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield links, each as a page and its query; the same seed gives the same ones."""
    chance, pages = random.Random(seed), [name for name in PLAN if name != "home"]
    choices = {page: values(page) for page in pages}
    for _ in range(count):
        page = chance.choice(pages)
        names = chance.sample(sorted(choices[page]), chance.randint(1, 6))
        pairs = [(f"{page}.{name}", _value(choices[page][name], chance)) for name in names]
        yield page, chance.choice(MUTATIONS)(pairs, chance)


def _value(possible: list[Any], chance: random.Random) -> str:
    """Return a value, mostly one that is possible where any is known."""
    if possible and chance.random() < 0.6:
        return str(chance.choice(possible))
    return chance.choice(NONSENSE) if chance.random() < 0.7 else str(chance.randint(-3, 5000))


def record_all_views() -> None:
    """Import all that pages are drawn by, which records the names of their views."""
    for module in pkgutil.walk_packages(ui.__path__, "ui."):
        if module.name != "ui.main":  # which draws when it is imported
            importlib.import_module(module.name)


async def failing(address: str, asked: list[tuple[str, str]], together: int) -> list[str]:
    """Return the links whose page fails, of those that are opened so many at a time."""
    failed, turns = list[str](), asyncio.Semaphore(together)

    async def open_one(page: str, query: str) -> None:
        async with turns:
            try:
                async with asyncio.timeout(PATIENCE), Session(address, page, query) as session:
                    if session.failures:
                        failed.append(f"/{page}?{query}: {session.failures[0]}")
            except TimeoutError:
                failed.append(f"/{page}?{query}: no answer in {PATIENCE:.0f} s")

    await asyncio.gather(*(open_one(*link) for link in asked))
    return failed


def main(argv: list[str]) -> None:
    """Open the links and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks links", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--together", type=int, default=4)
    plan = parser.parse_args(argv)
    record_all_views()
    asked = list(links(plan.seed, plan.count))
    with Server() as server:
        failed = asyncio.run(failing(server.address, asked, plan.together))
        jobs = len(Jobs(server.settings).client.list_workflows(load_input=False))
    pages = Counter(page for page, _ in asked)
    figures = {"links": len(asked), "failed": len(failed), "jobs": jobs, "pages": len(pages)}
    print(json.dumps({"benchmark": "links", "figures": figures, "failures": failed[:20]}))
