"""The quick GAN of pictures against the book's DCGAN, given the same time, in one run.

Both are trained by `genlib.train`'s loop, the book's with its own networks and recipe. Ours runs
to the end of its schedule; the book's is stopped when it has had as many seconds. The clock
stands still while samples are judged: 5,000 of each, by our own classifier, against all test
pictures. Then the seeds: many games in the plane at once against a single one.
"""

import argparse
import json
import math
import platform

import torch

from benchmarks.judging import COUNT, clock, judge_here, quality
from benchmarks.textbook import say
from genlib.classifier import Classifier
from genlib.data.dataset import load
from genlib.device import available, name
from genlib.family import generating, to_float
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.studies.many_seeds import ManySeeds
from genlib.training.loop import Training

PRESENT = 0.03  # the least share of a class that counts as there
LOOKS = 12  # at which it is asked whether all classes are there
SEEDS, STEPS = 16, 200


def figures(training: Training, classifier: Classifier) -> dict[str, float]:
    """Return the classifier FID of samples, and the share of the rarest class."""
    with torch.no_grad(), training.ema_model() as average:
        x = generating(average).sample(COUNT, generator(0, training.device))
    return quality(classifier, x)


def trained(
    spec: RunSpec, limit: float, classifier: Classifier, device: torch.device
) -> dict[str, float]:
    """Return a run's figures at its end or at a limit in seconds, and when all classes came."""
    run = Training(spec.build().to(device), load("fashion_mnist").train.to(device), spec.train)
    seconds, complete, began = 0.0, None, clock(device)
    looks = {run.steps * look // LOOKS for look in range(1, LOOKS)}
    while run.step < run.steps and seconds + clock(device) - began < limit:
        run.advance()
        if run.step in looks and math.isinf(limit):
            seconds += clock(device) - began
            if complete is None and figures(run, classifier)["rarest"] >= PRESENT:
                complete = seconds
            began = clock(device)
    seconds += clock(device) - began
    scores = figures(run, classifier) | {
        "seconds": seconds,
        "complete": complete,
        "steps": run.step,
    }
    say(f"{spec.family}: {scores}")
    return scores


def seeds_ratio(device: torch.device) -> float:
    """Return the time of a step of many games at once over that of one."""
    spec = RunSpec.of_preset("gan2d")
    images = to_float(load(spec.dataset).train).to(device)
    batch = spec.train.batch_size

    def timed(run: Training) -> float:
        for _ in range(20):
            run.advance()
        began = clock(device)
        for _ in range(STEPS):
            run.advance()
        return clock(device) - began

    one = timed(Training(spec.build().to(device), images, spec.train))
    recipe = spec.train.model_copy(update={"batch_size": batch * SEEDS})
    many = ManySeeds(spec, SEEDS).to(device)
    return timed(Training(many, images.repeat(SEEDS, 1, 1, 1), recipe)) / one


def main(argv: list[str]) -> None:
    """Measure both sides and print one line of JSON."""
    argparse.ArgumentParser(prog="python -m benchmarks gan", description=__doc__).parse_args(argv)
    device = available()[0]
    classifier = judge_here(device)
    ours = trained(RunSpec.of_preset("gan", "fast"), math.inf, classifier, device)
    book = trained(RunSpec.of_preset("dcgan", "textbook"), ours["seconds"], classifier, device)
    document = {
        "benchmark": "gan",
        "hardware": f"{name(device)}, {platform.processor() or platform.machine()}",
        "ours": ours,
        "textbook": book,
        "fid_ratio": book["fid"] / ours["fid"],
        f"{SEEDS}_seeds_over_one": seeds_ratio(device),
    }
    print(json.dumps(document))
