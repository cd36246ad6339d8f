"""Can the one measure be trusted? Every shipped generator by several measures, side by side.

The measure of the pages (`genlib/studies/reference.py`) against three others: a **second
classifier**, built and trained differently (no residuals, no normalization, clean pictures), the
pixel FID, and FID v1. All get the same 5,000 samples and all 10,000 test pictures; FID v1 gets
2,048 of each. What is asked for is the same ranking: Spearman's rank correlation.

Every second generator, by name, belongs to the half on which a classifier may be chosen. The
correlation that counts is that on the other half: `rank_correlation` in the last line.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.fid_v1 import fid_v1, floor_v1
from benchmarks.judging import judge_here
from benchmarks.textbook import say
from genlib.classifier import Classifier, ClassifierSpec
from genlib.data.dataset import Dataset, load
from genlib.diffusion.diffusion import Diffusion
from genlib.family import Encodes, Generates, Pictures, to_float, to_uint8
from genlib.metrics import frechet_distance
from genlib.rng import build, generator
from genlib.runs.run import Run
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies.comparison import sampler_of
from genlib.studies.reference import SAMPLES, Reference
from genlib.studies.sampler_bench import sampled
from genlib.tasks.workspace import Workspace

DATA = "fashion_mnist"
CPU = torch.device("cpu")
WAYS = {"DPM-Solver++": (3, 5, 10, 50), "DDIM": (10,)}  # beside the usual way
EPOCHS, BATCH, SEED = 4, 128, 7  # of the second classifier
TITLES = "FID", "second", "pixels", "FID v1", "recall", "coverage", "rarest"


class Row(NamedTuple):
    """A generator by all measures, under TITLES."""

    fid: float
    second: float
    pixel_fid: float
    fid_v1: float
    recall: float
    coverage: float
    rarest: float


def second_classifier(data: Dataset) -> nn.Sequential:
    """Return plain convolutions and two dense layers, trained on clean pictures."""

    def make() -> nn.Sequential:
        return nn.Sequential(
            *(nn.Conv2d(1, 24, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(24, 48, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(48 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10)),
        )

    classifier, rng = build(make, SEED), generator(SEED)
    steps = EPOCHS * len(data.train) // BATCH
    optimizer = torch.optim.Adam(classifier.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)
    for _ in range(steps):
        index = torch.randint(len(data.train), (BATCH,), generator=rng)
        logits = classifier(to_float(data.train[index]))
        optimizer.zero_grad()
        F.cross_entropy(logits, data.train_labels[index]).backward()
        optimizer.step()
        schedule.step()
    return classifier.eval()


def candidate(settings: str) -> Classifier:
    """Return a classifier of these settings, trained in the store of this machine."""
    spec = ClassifierSpec.model_validate({"dataset": DATA} | json.loads(settings))
    store = open_store(Settings())
    if not store.has_run(spec.fingerprint):
        *_, last = spec.perform(Workspace(store, CPU), {})
        store.write_run(spec.fingerprint, last.files)
    return spec.read(store.read_run(spec.fingerprint) or {}, CPU)


@torch.no_grad()
def features_of(classifier: nn.Sequential, x: Pictures) -> Float[Tensor, "pictures features"]:
    """Return what the last layer of the second classifier gets."""
    return torch.cat([classifier[:-1](part) for part in x.split(500)])


def generators() -> Iterator[tuple[str, Callable[[], Pictures]]]:
    """Yield the name of each shipped generator, and a function that samples it."""
    data, store = load(DATA), open_store(Settings())
    for fingerprint in store.fingerprints():
        files = store.read_run(fingerprint) or {}
        if not store.is_shipped(fingerprint) or "config.json" not in files:
            continue
        run = Run.from_files(files)
        if run.spec.dataset != DATA or not isinstance(run.family, Generates | Encodes):
            continue
        name = f"{run.spec.family} {fingerprint[:6]}"
        yield name, lambda run=run: sampler_of(run, data, CPU)(SAMPLES)
        if isinstance(run.family, Diffusion):
            for sampler, steps in ((each, n) for each, all_n in WAYS.items() for n in all_n):
                way = f"{name} {sampler} {steps}"
                yield (
                    way,
                    lambda model=run.family, to=(sampler, steps): sampled(
                        model, *to, SAMPLES, CPU
                    ),
                )


@torch.no_grad()
def samples_of(name: str, draw: Callable[[], Pictures], folder: Path | None) -> Pictures:
    """Return samples of 256 grey levels, kept in a folder if one is given."""
    path = None if folder is None else folder / f"{name}.safetensors"
    if path is not None and path.exists():
        return to_float(load_file(path)["samples"])
    x = to_uint8(draw())
    if path is not None:
        save_file({"samples": x.contiguous()}, path)
    return to_float(x)


def correlations(rows: Mapping[str, Row]) -> dict[str, float]:
    """Return the rank correlations, on either half and on all."""
    from scipy.stats import spearmanr  # here, as it takes a while to import

    def ranked(one: str, other: str, chosen: slice) -> float:
        picked = [rows[name] for name in sorted(rows)[chosen]]
        pair = [[getattr(row, each) for row in picked] for each in (one, other)]
        return float(spearmanr(*pair).statistic)

    return {
        "rank_correlation": ranked("fid", "second", slice(1, None, 2)),
        "on the other half": ranked("fid", "second", slice(0, None, 2)),
        "on all": ranked("fid", "second", slice(None)),
        "with pixels": ranked("fid", "pixel_fid", slice(None)),
        "FID v1 on all": ranked("fid_v1", "second", slice(None)),
        "FID v1 with pixels": ranked("fid_v1", "pixel_fid", slice(None)),
    }


def main(argv: list[str]) -> None:
    """Measure every generator and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks classifiers", description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder that keeps the samples")
    parser.add_argument("--candidate", help="another classifier, its settings as JSON")
    options = parser.parse_args(argv)
    data = load(DATA)
    classifier = candidate(options.candidate) if options.candidate else judge_here(CPU)
    reference, second = Reference(classifier, data), second_classifier(data)
    real = features_of(second, to_float(data.test))
    accuracies = [
        float((classes == data.test_labels).float().mean())
        for classes in (reference.real.classes, second[-1](real).argmax(1))
    ]

    def row(x: Pictures) -> Row:
        seen = reference.seen(x)
        variety = {each.name: each.value for each in reference.manifold(seen)}
        return Row(
            reference.fid(seen),
            frechet_distance(real, features_of(second, x)),
            reference.pixel_fid(seen),
            fid_v1(x),
            variety["recall"],
            variety["coverage"],
            float(reference.class_shares(seen).min()),
        )

    say(f"| generator | {' | '.join(TITLES)} |")
    floor = row(to_float(reference.train))._replace(fid_v1=floor_v1())
    say(_line("real pictures", floor))
    rows = dict[str, Row]()
    for name, draw in generators():
        rows[name] = row(samples_of(name, draw, options.keep))
        say(_line(name, rows[name]))
    accuracy = dict(zip(("accuracy", "accuracy of the second"), accuracies, strict=True))
    print(json.dumps({"benchmark": "classifiers"} | accuracy | correlations(rows)))


def _line(name: str, row: Row) -> str:
    return f"| {name} | {' | '.join(f'{value:.3g}' for value in row)} |"
