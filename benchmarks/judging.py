"""What benchmarks of generators share: the clock, the classifier, and the quality of samples."""

import time

import torch

from benchmarks.fid_v1 import fid_v1
from genlib.classifier import Classifier, ClassifierSpec
from genlib.data.dataset import load
from genlib.family import Pictures
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.studies.reference import SAMPLES, Reference

COUNT = SAMPLES


def judge_here(device: torch.device) -> Classifier:
    """Return the shipped classifier."""
    spec = ClassifierSpec(dataset="fashion_mnist")
    return spec.read(open_store(Settings()).read_run(spec.fingerprint) or {}, device)


def clock(device: torch.device) -> float:
    """Return the time in seconds, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def quality(classifier: Classifier, samples: Pictures) -> dict[str, float]:
    """Return the FIDs of samples, their floors, and the share of the rarest class."""
    reference = Reference(classifier, load("fashion_mnist"), len(samples))
    seen = reference.seen(samples)
    return {
        "fid": reference.fid(seen),
        "floor": reference.fid_floor,
        "pixel_fid": reference.pixel_fid(seen),
        "pixel_floor": reference.pixel_fid_floor,
        "fid_v1": fid_v1(samples),
        "rarest": float(reference.class_shares(seen).min()),
    }


def floor(classifier: Classifier) -> float:
    """Return the classifier FID of real pictures at the same number."""
    return Reference(classifier, load("fashion_mnist"), COUNT).fid_floor
