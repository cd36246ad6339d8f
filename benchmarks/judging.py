"""What benchmarks of generators share: the clock, the judge, and the time that training takes."""

import time

import torch

from genlib.classifier import Classifier, ClassifierSpec, classified
from genlib.data.dataset import load
from genlib.family import Pictures, to_float
from genlib.metrics import class_shares, frechet_distance
from genlib.runs.store import open_store
from genlib.settings import Settings

COUNT = 2048  # samples


def judge_here(device: torch.device) -> Classifier:
    """Return the shipped judge."""
    spec = ClassifierSpec(dataset="fashion_mnist")
    return spec.read(open_store(Settings()).read_run(spec.fingerprint) or {}, device)


def clock(device: torch.device) -> float:
    """Return the time in seconds, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def quality(classifier: Classifier, made: Pictures) -> dict[str, float]:
    """Return the classifier FID of samples against as many test pictures, and the rarest class."""
    seen = classified(classifier, made)
    real = classified(
        classifier, to_float(load("fashion_mnist").test[: len(made)]).to(made.device)
    )
    rarest = float(class_shares(seen.classes, 10).min())
    return {"fid": frechet_distance(real.features, seen.features), "rarest": rarest}


def floor(classifier: Classifier) -> float:
    """Return the classifier FID of real pictures against other real ones, at the same number."""
    test = to_float(load("fashion_mnist").test)
    one, other = (classified(classifier, part).features for part in (test[:COUNT], test[-COUNT:]))
    return frechet_distance(one, other)
