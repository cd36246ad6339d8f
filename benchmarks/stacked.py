"""The `fast` preset against the textbook's recipe as people write it, in one run.

The textbook's side is plain PyTorch: torchvision's FashionMNIST with ToTensor, a DataLoader with
shuffling, NAdam, batches of 32, 20 epochs; its seconds are those of the epochs. Our side is
`genlib.train`, with all that it does; its seconds run from building the family to the first of its
snapshots at which the averaged weights reach the textbook's test MSE. Both sides have their
pictures in memory before the clock starts.
"""

import argparse
import gzip
import json
import math
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from genlib.data import load
from genlib.data.pictures import DEBIAN
from genlib.device import available, name
from genlib.events import Snapshot
from genlib.family import to_float
from genlib.runs import RunSpec
from genlib.train import train


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)


def textbook(epochs: int, device: torch.device, folder: Path) -> tuple[float, float]:
    """Return (seconds, test MSE) of the textbook's recipe."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in DEBIAN.glob("*.gz"):
        with gzip.open(path) as packed, (raw / path.stem).open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    pictures = FashionMNIST(folder, train=True, transform=ToTensor())
    pictures = torch.utils.data.Subset(pictures, range(55_000))
    loader = DataLoader(pictures, batch_size=32, shuffle=True)
    model = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 30), nn.ReLU()),
        *(nn.Linear(30, 100), nn.ReLU(), nn.Linear(100, 784)),
    ).to(device)
    optimiser = torch.optim.NAdam(model.parameters(), lr=1e-3)
    started = time.perf_counter()
    for epoch in range(epochs):
        for x, _ in loader:
            flat = x.to(device).flatten(1)
            loss = nn.functional.mse_loss(model(flat), flat)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        say(f"textbook: epoch {epoch + 1}, {time.perf_counter() - started:.1f} s")
    seconds = time.perf_counter() - started
    test = to_float(load("fashion_mnist").test).to(device).flatten(1)
    with torch.no_grad():
        return seconds, float(nn.functional.mse_loss(model(test), test))


def ours(target: float, device: torch.device) -> dict[str, float]:
    """Return when the `fast` preset reaches the target, and its end."""
    spec = RunSpec.of_preset("stacked", "fast", "fashion_mnist")
    data = load(spec.dataset).to(device)
    started, reached = time.perf_counter(), float("nan")
    family = spec.build().to(device)
    for event in train(family, data.train, data.test, data.test[data.showcase()], spec.train):
        if isinstance(event, Snapshot):
            seconds, error = time.perf_counter() - started, event.figures["mse"]
            if error <= target and math.isnan(reached):
                reached = seconds
    say(f"ours: {reached:.2f} s to {target:.5f}; {seconds:.2f} s to {error:.5f}")
    return {
        "fast_seconds_to_textbook_mse": reached,
        "fast_seconds": seconds,
        "fast_mse": error,
    }


def main(argv: list[str]) -> None:
    """Measure both sides and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stacked", description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="of the textbook's recipe")
    epochs = parser.parse_args(argv).epochs
    device = available()[0]
    with tempfile.TemporaryDirectory() as folder:
        seconds, error = textbook(epochs, device, Path(folder))
    figures = {
        "benchmark": "stacked",
        "hardware": f"{name(device)}, {platform.processor() or platform.machine()}",
        "textbook_seconds": seconds,
        "textbook_mse": error,
    } | ours(error, device)
    figures["ratio"] = seconds / float(figures["fast_seconds_to_textbook_mse"])
    print(json.dumps(figures))
