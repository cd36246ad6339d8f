"""What benchmarks of generators share: the clock, the judge, and the time that training takes."""

import time

import torch

from genlib.config import Settings
from genlib.data import load
from genlib.family import Pictures, to_float
from genlib.judge import Judge, JudgeSpec, judged
from genlib.metrics import class_shares, frechet_distance
from genlib.runs import open_store

COUNT = 2048  # samples


def judge_here(device: torch.device) -> Judge:
    """Return the shipped judge."""
    spec = JudgeSpec(dataset="fashion_mnist")
    return spec.read(open_store(Settings()).read_run(spec.fingerprint) or {}, device)


def clock(device: torch.device) -> float:
    """Return the time in seconds, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def quality(judge: Judge, made: Pictures) -> dict[str, float]:
    """Return the classifier FID of samples against as many test pictures, and the rarest class."""
    seen = judged(judge, made)
    real = judged(judge, to_float(load("fashion_mnist").test[: len(made)]).to(made.device))
    rarest = float(class_shares(seen.classes, 10).min())
    return {"fid": frechet_distance(real.features, seen.features), "rarest": rarest}


def floor(judge: Judge) -> float:
    """Return the classifier FID of real pictures against other real ones, at the same number."""
    test = to_float(load("fashion_mnist").test)
    one, other = (judged(judge, part).features for part in (test[:COUNT], test[-COUNT:]))
    return frechet_distance(one, other)
