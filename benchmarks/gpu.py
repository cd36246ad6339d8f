"""What one card does, in at most eight minutes: `python -m benchmarks gpu`.

Each section stands by itself: what fails is written down, and the next one begins. Figures go to
`gpu.json` in the folder $OUT (or here) as they come; the table at the end is for RESULTS.md. It
needs no shipped runs: the classifier is trained first. `--only contract,speed` takes some of the
sections, and `--dry` runs all of them small on the CPU, to find mistakes in this script.
"""

import argparse
import gc
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.card import Card, Figures
from benchmarks.gpu_jobs import kill, out_of_memory, workers
from benchmarks.judging import clock
from genlib.classifier import Classifier, ClassifierSpec, classified
from genlib.data.dataset import load
from genlib.device import memory, name
from genlib.family import Generates, to_float
from genlib.metrics import frechet_distance
from genlib.models import FAMILIES
from genlib.rng import generator
from genlib.runs.run import perform
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.tasks.workspace import Workspace
from genlib.training.events import Snapshot
from genlib.training.loop import train

BUDGET = 450.0  # seconds, all sections together
STEPS = 40
FEW = ("linear", "gan2d", "stacked")  # families of a dry run
TEXTBOOK = {  # test errors of the textbook's recipes (RESULTS.md)
    "stacked/fast": 0.01267,
    "convolutional/fast": 0.01268,
    "recurrent/fast": 0.01064,
    "sparse/L1": 0.01108,
}
LARGE = {"batch_size": 1024, "ema": 0.999, "epochs": 1000}
RACES = {  # preset, what differs in model and recipe, seconds
    "ddpm/fast": ({}, {}, 20.0),
    "ddpm, width 64, batches of 1,024": ({"width": 64, "depth": 2}, LARGE, 60.0),
    "flow, width 64, batches of 1,024": ({"width": 64, "depth": 2}, LARGE, 60.0),
}


def environment(card: Card) -> Figures:
    """Return what the figures are of, and how long the first tensor takes."""
    began = clock(card.device) if card.dry else time.perf_counter()
    torch.zeros(1, device=card.device)
    first = clock(card.device) - began
    free, total = memory(card.device) or (0, 0)
    return {
        "device": name(card.device),
        "torch": f"{torch.__version__}, CUDA {torch.version.cuda}",
        "python": platform.python_version(),
        "memory, GiB": round(total / 2**30, 1),
        "context, MiB": round((total - free) / 2**20),
        "first tensor, s": round(first, 2),
    }


def contract(card: Card) -> Figures:
    """Return how far a captured and a resumed training are from an eager one, for each family.

    That is the largest relative difference of a loss after STEPS steps.
    """
    figures = {}
    for family in FEW if card.dry else FAMILIES:
        spec = card.spec(family, epochs=1000, precision="float32", batch_size=64)
        eager, *others = (
            _losses(card, spec, eager=eager, resumed=resumed)
            for eager, resumed in ((True, False), (False, False), (False, True))
        )
        figures[family] = [
            max(abs(end[key] - value) / max(1e-6, abs(value)) for key, value in eager.items())
            for end in others
        ]
    return figures


def _losses(card: Card, spec: RunSpec, *, eager: bool, resumed: bool) -> dict[str, float]:
    """Return the losses of the last of STEPS steps."""
    run = card.training(spec)
    for step in range(STEPS):
        if resumed and step == STEPS // 2:
            state, run = run.state(), card.training(spec)
            run.restore(state)
        run.graph_step.eager |= eager
        run.advance()
    return run.curve.losses_of(run.step)


def speed(card: Card) -> Figures:
    """Return the milliseconds of a step of the last stage, eager and captured, and their ratio."""
    figures = {}
    for preset in FEW if card.dry else (*FAMILIES, "ddpm/best", "progressive/paper"):
        times = []
        for eager in (True, False):
            run = card.training(card.spec(preset, epochs=1000))
            while run.stage < len(run.ends) - 1:
                run._enter(run.stage + 1)
            run.step = run.ends[-2] if len(run.ends) > 1 else 0
            run.graph_step.eager |= eager
            times.append(card.milliseconds(run, 3 if card.dry else STEPS))
        slow, quick = times
        ratio = round(slow / quick, 1)
        figures[preset] = {"eager, ms": slow, "captured, ms": quick, "ratio": ratio}
    return figures


def textbook(card: Card) -> Figures:
    """Return the seconds to the textbook's test error, the judging left out."""
    figures = {}
    for preset, target in TEXTBOOK.items():
        spec = card.spec(preset, **({"epochs": 1} if card.dry else {}))
        data = load(spec.dataset).to(card.device)
        shown, family = data.test[data.showcase()], spec.build().to(card.device)
        seconds, began, reached = 0.0, clock(card.device), None
        for event in train(family, data.train, data.test, shown, spec.train):
            if isinstance(event, Snapshot):
                seconds += clock(card.device) - began
                if reached is None and event.figures["mse"] <= target:
                    reached = round(seconds, 3)
                began = clock(card.device)
        figures[preset] = {"to the error, s": reached, "all, s": round(seconds, 3)}
    return figures


def fid(card: Card) -> Figures:
    """Return the classifier FID of samples against the seconds of training."""
    judge, count = classifier(card), 64 if card.dry else 2000
    data = load(card.dataset)
    real, other = (features(judge, to_float(part), card) for part in _halves(data.train, count))
    figures: Figures = {"floor": round(frechet_distance(real, other), 4)}
    for title, (model, recipe, limit) in RACES.items():
        spec = card.spec(f"{title.split('/')[0].split(',')[0]}/fast", **recipe)
        changed = spec.model.model_copy(update=model)
        run = card.training(spec.model_copy(update={"model": changed}))
        began, marks, spent, rows = clock(card.device), [0.2, 0.5, 1.0], 0.0, {}
        while marks and run.step < run.steps:
            run.advance()
            spent = clock(card.device) - began if run.step % 20 == 0 else spent
            if spent >= marks[0] * (1.0 if card.dry else limit) or run.step == run.steps:
                marks.pop(0)
                with run.ema_model() as average, torch.no_grad():
                    samples = average.sample(count, generator(0, card.device))
                distance = frechet_distance(real, features(judge, samples, card))
                rows[f"{spent:.1f} s, {run.step} steps"] = round(distance, 4)
                began = clock(card.device) - spent
        figures[title] = rows
    return figures


def _halves(pictures: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    return pictures[-count:], pictures[-2 * count : -count]


def classifier(card: Card) -> Classifier:
    """Return a classifier trained here."""
    spec = ClassifierSpec(dataset=card.dataset, steps=10 if card.dry else 2500)
    with tempfile.TemporaryDirectory() as folder:
        *_, last = spec.perform(Workspace(Store(Path(folder)), card.device), {})
    return spec.read(last.files, card.device)


@torch.no_grad()
def features(judge: Classifier, x: torch.Tensor, card: Card) -> torch.Tensor:
    """Return the features of pictures."""
    return classified(judge, x.to(card.device)).features


def sampling(card: Card) -> Figures:
    """Return the milliseconds of samples in 20 steps."""
    figures = {}
    for preset in ("ddpm/fast", "flow/fast"):
        model = card.spec(preset).build().to(card.device).eval().requires_grad_(False)
        if not isinstance(model, Generates):
            continue
        for count in (16,) if card.dry else (16, 256, 1024):
            model.sample(count, generator(0, card.device))
            began = clock(card.device)
            model.sample(count, generator(0, card.device))
            figures[f"{preset}, {count}"] = round(1000 * (clock(card.device) - began), 1)
    return figures


def leftovers(card: Card) -> Figures:
    """Return the MiB that are allocated after each of five runs."""
    rows = []
    for seed in range(2 if card.dry else 5):
        preset = "stacked" if card.dry else "ddpm/fast"
        spec = card.spec(preset, epochs=1, pictures=768, seed=seed)
        for event in perform(spec, card.device):
            del event
        rows.append(0 if card.dry else round(torch.cuda.memory_allocated() / 2**20))
    return {"MiB after each run": rows}


SECTIONS: dict[str, Callable[[Card], Figures]] = {
    section.__name__: section
    for section in (
        *(environment, contract, speed, textbook, fid, sampling, leftovers),
        *(workers, kill, out_of_memory),  # the last one leaves the process short of memory
    )
}


def main(options: list[str]) -> None:
    """Run the sections, write what each finds, and print all as a table and as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu")
    parser.add_argument("--only", default=",".join(SECTIONS))
    parser.add_argument("--dry", action="store_true")
    chosen = parser.parse_args(options)
    card, began, results = Card(dry=chosen.dry), time.perf_counter(), dict[str, Figures]()
    target = Path(os.environ.get("OUT", ".")) / "gpu.json"
    for section in chosen.only.split(","):
        if time.perf_counter() - began > BUDGET:
            results[section] = {"not run": "the time is over"}
            continue
        start = time.perf_counter()
        try:
            results[section] = SECTIONS[section](card)
        except (RuntimeError, OSError, subprocess.SubprocessError, LookupError) as error:
            results[section] = {"failed": f"{type(error).__name__}: {error}"[:300]}
        results[section]["seconds of the section"] = round(time.perf_counter() - start, 1)
        target.write_text(json.dumps(results, indent=1))
        gc.collect()
    for section, figures in results.items():
        print(f"\n| {section} | |\n|---|--:|")
        for key, value in figures.items():
            print(f"| {key} | {value} |")
    print(json.dumps(results))
