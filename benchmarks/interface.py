"""How fast the app feels: cold starts, a slider's way to new pixels, CPU a rerun, a class on it.

The server is the one that `streamlit run app.py` starts, each time on a fresh GENLIB_HOME. The
browser is Chromium; a class of students is played by raw websocket sessions, beside whom one
more watches the job train.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks.raw_client import Session
from benchmarks.server import Server
from genlib.data import default_dataset
from genlib.jobs import Jobs
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STUDENTS = 10
PAUSE = 4.0  # seconds between two moves of a student, on average
LIMITS = {  # the figure's name: the most it may be, or the least where it is a share
    "health_s": 2.0,
    "home_drawn_s": 2.5,
    "lesson_interactive_s": 6.0,
    "slider_to_pixels_p50_ms": 300.0,
    "cpu_inside_slider_ms": 60.0,
    "cpu_new_knob_ms": 60.0,
    "cpu_shipped_knob_ms": 60.0,
    "rerun_training_p95_ms": 600.0,
    "job_speed_share": 0.85,
}
WATCH = """() => {
  const slider = document.querySelector(".st-key-stacked-change input");
  const room = slider.closest("[data-testid=stHorizontalBlock]");
  const picture = () => room.querySelector("[data-testid=stImage] img");
  const before = picture().src;
  let began;
  slider.addEventListener("keydown", () => { began = performance.now(); },
                          { once: true, capture: true });
  window.moved = new Promise((done) => {
    const observer = new MutationObserver(async () => {
      if (!picture() || picture().src === before) return;
      observer.disconnect();
      await picture().decode();
      done(performance.now() - began);
    });
    observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ["src"] });
  });
}"""


@dataclass(frozen=True)
class Plan:
    """How often and how long to measure."""

    starts: int = 5  # cold starts of each kind
    moves: int = 30  # of a slider, of each kind
    idle: float = 40.0  # seconds of a class without a job
    epochs: int = 50  # of the job: on two cores about half a minute
    pairs: int = 3  # jobs alone, and as many beside a class


def cold_starts(browser: Browser, starts: int) -> dict[str, float]:
    """Return the medians of a cold server's first seconds; the disk's cache stays warm."""
    health, home, lesson = [], [], []
    for _ in range(starts):
        with Server() as server:
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(f"http://{server.address}/", wait_until="commit")
            page.locator("h1").first.wait_for()
            home.append(time.perf_counter() - began)
            page.close()
        with Server() as server:
            page = browser.new_page()
            page.goto(f"http://{server.address}/stacked", wait_until="commit")
            page.locator(".stMarkdownBadge", has_text="shipped").first.wait_for()
            page.locator("[data-testid=stImage] img").first.wait_for()
            page.wait_for_function("document.querySelector('[data-testid=stImage] img').complete")
            lesson.append(server.age())
            page.close()
            health.append(server.healthy)
        say(f"cold start: health {health[-1]:.2f} s, home {home[-1]:.2f}, lesson {lesson[-1]:.2f}")
    names = "health_s", "home_drawn_s", "lesson_interactive_s"
    return dict(zip(names, map(statistics.median, (health, home, lesson)), strict=True))


def slider_to_pixels(browser: Browser, moves: int) -> dict[str, float]:
    """Return the milliseconds from a key on a slider until the changed picture is decoded."""
    times = []
    with Server() as server:
        page = browser.new_page()
        page.goto(f"http://{server.address}/stacked")
        slider = page.locator(".st-key-stacked-change input")
        slider.focus()
        slider.press("Home")
        page.wait_for_timeout(2000)
        for _ in range(moves + 2):  # the first two warm up
            page.evaluate(WATCH)
            slider.press("ArrowRight")
            times.append(page.evaluate("window.moved"))
            page.wait_for_timeout(400)
        page.close()
    return spread("slider_to_pixels", times[2:])


async def cpu_of_reruns(server: Server, moves: int) -> dict[str, float]:
    """Return the web process's CPU and the time of a rerun, by what is moved."""
    figures: dict[str, float] = {}
    kinds = {
        "inside_slider": [("stacked.change", step / 10) for step in range(moves)],
        "new_knob": [("stacked.codings", 31 + step) for step in range(moves)],
        "shipped_knob": [("stacked.codings", 30)] * moves,
    }
    async with Session(server.address, "stacked") as session:
        for kind, steps in kinds.items():
            await session.move(*steps[0])
            before, times = server.cpu(), []
            for key, value in steps[1:]:
                times.append(1000 * await session.move(key, value))
                await asyncio.sleep(0.02)
            figures[f"cpu_{kind}_ms"] = (server.cpu() - before) / len(times)
            figures |= spread(f"rerun_{kind}", times)
            say(f"{kind}: {figures[f'cpu_{kind}_ms']:.0f} ms CPU")
    return figures


async def student(number: int, address: str, reruns: list[tuple[float, float]]) -> None:
    """Move sliders for ever, noting when and how many milliseconds; every second one a knob."""
    dice = random.Random(number)
    await asyncio.sleep(dice.uniform(0, PAUSE))
    async with Session(address, "stacked") as session:
        while True:
            await asyncio.sleep(dice.uniform(0.5, 1.5) * PAUSE)
            began = time.perf_counter()
            if number % 2:
                seconds = await session.move("stacked.change", dice.randint(-40, 40) / 10)
            else:
                seconds = await session.move("stacked.codings", dice.randint(1, 128))
            reruns.append((began, 1000 * seconds))


async def watch(server: Server, spec: RunSpec) -> list[float]:
    """Watch a job as its student's browser does, until it has ended; return milliseconds."""
    query = f"stacked.epochs={spec.train.epochs}&stacked.seed={spec.train.seed}"
    times = []
    async with Session(server.address, "stacked", query) as session:
        if not session.clocks:
            raise RuntimeError("the page does not show the job")
        while session.clocks:
            await asyncio.sleep(min(session.clocks.values()))
            times.append(1000 * await session.tick())
    return times


async def train(server: Server, spec: RunSpec) -> tuple[float, float, float]:
    """Train in the queue; return pictures a second, and when it began and ended."""
    jobs = Jobs(server.settings)
    await asyncio.to_thread(jobs.submit, spec)
    began = time.perf_counter()
    while (job := await asyncio.to_thread(jobs.job, spec.fingerprint)) is None or (
        job.state != "trained"
    ):
        if job is not None and job.state in ("failed", "stopped"):
            raise RuntimeError(job.sentence or job.state)
        await asyncio.sleep(0.5)
    files = open_store(server.settings).read_run(spec.fingerprint) or {}
    seconds = json.loads(files["config.json"])["provenance"]["seconds"]
    return spec.train.epochs / seconds, began, time.perf_counter()


async def load(server: Server, plan: Plan) -> dict[str, float]:
    """Return the reruns of a class without and with a job, and what it costs the job."""
    figures: dict[str, float] = {}
    preset = RunSpec.of_preset("stacked", "fast", default_dataset())
    alone, beside, reruns, busy, polls = [], [], [], [], []
    for pair in range(plan.pairs):
        solo, shared = (
            preset.model_copy(update={"train": preset.train.model_copy(update=change)})
            for change in ({"epochs": plan.epochs, "seed": 100 + 2 * pair + i} for i in range(2))
        )
        alone.append((await train(server, solo))[0])
        students = [
            asyncio.create_task(student(number, server.address, reruns))
            for number in range(STUDENTS)
        ]
        await asyncio.sleep(2 * PAUSE)
        if not pair:
            reruns.clear()
            await asyncio.sleep(plan.idle)
            figures |= spread("rerun_idle", [one for _, one in reruns])
        job = asyncio.create_task(train(server, shared))
        await asyncio.sleep(0.3)
        polls += await watch(server, shared)
        pace, began, ended = await job
        beside.append(pace)
        busy += [one for start, one in reruns if began <= start <= ended]
        for task in students:
            task.cancel()
        for outcome in await asyncio.gather(*students, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise RuntimeError("a student's session broke off") from outcome
        say(f"job: {alone[-1]:.2f} epochs a second alone, {pace:.2f} beside a class")
    figures |= spread("rerun_training", busy) | spread("poll", polls)
    shares = [with_class / solo for with_class, solo in zip(beside, alone, strict=True)]
    return figures | {
        "job_epochs_per_s_alone": statistics.median(alone),
        "job_speed_share": statistics.median(shares),
    }


def spread(name: str, times: list[float]) -> dict[str, float]:
    """Return the median, the 95th percentile and the number of some milliseconds."""
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return {f"{name}_p50_ms": cuts[9], f"{name}_p95_ms": cuts[18], f"{name}_n": len(times)}


def hardware() -> dict[str, Any]:
    """Return what the figures were measured on."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(line.partition(":")[2].strip() for line in cpus if line.startswith("model name"))
    load = [round(value, 2) for value in os.getloadavg()]
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()} | {
        "load_before": load
    }


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str]) -> None:
    """Measure everything and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks interface", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once each, for a first impression")
    quick = parser.parse_args(argv).quick
    plan = Plan(starts=1, moves=8, idle=10, epochs=12, pairs=1) if quick else Plan()
    machine, figures = hardware(), {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        figures |= cold_starts(browser, plan.starts)
        figures |= slider_to_pixels(browser, plan.moves)
        browser.close()
    with Server() as server:
        figures |= asyncio.run(cpu_of_reruns(server, plan.moves))
        figures |= asyncio.run(load(server, plan))
    missed = [
        name
        for name, limit in LIMITS.items()
        if (figures[name] < limit if name.endswith("share") else figures[name] > limit)
    ]
    rounded = {name: round(value, 3) for name, value in figures.items()}
    result = {"benchmark": "interface", "figures": rounded, "limits": LIMITS, "missed": missed}
    print(json.dumps(result | {"plan": asdict(plan), "hardware": machine}))
