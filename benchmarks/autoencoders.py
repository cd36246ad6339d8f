"""Each family's quick preset against the textbook's recipe as people write it, in one run.

The textbook's side is `benchmarks.textbook`; its seconds are those of its epochs. Our side is
`genlib.train`, with all that it does; its seconds run from building the family to the first of
its snapshots at which the averaged weights reach the textbook's test MSE. Both sides have their
pictures in memory before the clock starts, and are judged on the same 10,000 test pictures, for
the denoising ones with the same pixels dropped; both clocks stand still meanwhile. A variational
autoencoder must reach both the textbook's error, of draws from the clouds, and its rate in nats.
"""

import argparse
import json
import math
import platform
import tempfile
import time
from pathlib import Path
from statistics import fmean, geometric_mean

import torch
from torch import Tensor, nn

from benchmarks.textbook import RECIPES, Variational, pictures, say, trained
from genlib.data.dataset import load
from genlib.device import available, name
from genlib.family import Denoises, to_float
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.training.events import Snapshot
from genlib.training.loop import train

PRESETS = {
    "sparse L1": ("sparse", "L1"),
    "sparse KL": ("sparse", "fast"),
    "vae": ("vae", "sharper"),
}


def classified(model: nn.Module, spec: RunSpec, device: torch.device) -> dict[str, float]:
    """Return the textbook's figures of merit on the test pictures, named as our family's."""
    family, x = spec.build(), to_float(load("fashion_mnist").test)
    shown = x
    if isinstance(family, Denoises):
        shown = family.corrupt(x, generator(0), family.level)
    model.eval()
    with torch.no_grad():
        parts, nats = [], []
        for part in shown.split(1000):
            parts.append(model(part.to(device)).cpu())
            nats.append(float(model.nats()) if isinstance(model, Variational) else 0.0)
    reconstructions: Tensor = torch.cat(parts)
    if isinstance(family, Denoises):
        reconstructions = reconstructions.clamp(0, 1)
    mse = float((reconstructions - x).square().mean())
    if isinstance(model, Variational):
        return {"distortion": mse * x[0].numel(), "kl": fmean(nats)}
    return {"mse": mse}


def raced(spec: RunSpec, targets: dict[str, float], device: torch.device) -> dict[str, float]:
    """Return when the preset is at all targets or below, its end, and its figures of merit."""
    data = load("fashion_mnist").to(device)
    seconds, reached, before = 0.0, math.nan, time.perf_counter()
    family = spec.build().to(device)
    figures: dict[str, float] = {}
    for event in train(family, data.train, data.test, data.test[data.showcase()], spec.train):
        if isinstance(event, Snapshot):  # the time since the event before it went to judging
            figures = event.figures
            there = all(figures[name] <= target for name, target in targets.items())
            if there and math.isnan(reached):
                reached = seconds
        else:
            seconds += time.perf_counter() - before
        before = time.perf_counter()
    say(f"ours: {reached:.2f} s to {targets}; {seconds:.2f} s to {figures}")
    return {"reached": reached, "seconds": seconds} | figures


def measured(row: str, epochs: int | None, folder: Path, device: torch.device) -> dict[str, float]:
    """Return both sides' figures for one row of the table, and their ratio."""
    recipe, (family, preset) = RECIPES[row], PRESETS.get(row, (row, "fast"))
    spec = RunSpec.of_preset(family, preset, "fashion_mnist")
    seconds, model = trained(recipe, pictures(folder), epochs or recipe.epochs, device)
    targets = classified(model, spec, device)
    ours = raced(spec, targets, device)
    sides = {"textbook_seconds": seconds}
    sides |= {f"textbook_{name}": figure for name, figure in targets.items()}
    return sides | ours | {"ratio": seconds / ours["reached"]}


def main(argv: list[str]) -> None:
    """Measure both sides of each row and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks autoencoders", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(RECIPES)}; all by default")
    parser.add_argument("--epochs", type=int, help="of the textbook's recipe, instead of its own")
    options = parser.parse_args(argv)
    rows = [row for row in RECIPES if not options.rows or row.split()[0] in options.rows]
    device = available()[0]
    with tempfile.TemporaryDirectory() as folder:
        table = {row: measured(row, options.epochs, Path(folder), device) for row in rows}
    document = {
        "benchmark": "autoencoders",
        "hardware": f"{name(device)}, {platform.processor() or platform.machine()}",
        "rows": table,
        "geometric_mean_ratio": geometric_mean(row["ratio"] for row in table.values()),
    }
    print(json.dumps(document))
