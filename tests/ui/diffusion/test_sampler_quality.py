"""What the page of samplers says is what was measured: who is best, and who gets worse."""

import numpy as np
import pytest

from genlib.studies.sampler_bench import Point, Quality, SamplerBench
from genlib.studies.sampler_bench import quality as quality_of
from ui import cache
from ui.diffusion.interpolation import alike
from ui.diffusion.sampler_quality import verdict
from ui.diffusion.samplers import MODELS, RunSpec
from ui.widgets.film import Film


def course(sampler: str, **fids: float) -> list[Point]:
    """Return the points of a sampler; `n5=2.0` is an FID of 2 with 5 evaluations."""
    counts = {int(name[1:]): fid for name, fid in fids.items()}
    return [
        Point(sampler=sampler, steps=nfe, nfe=nfe, seconds=nfe / 100, fid=fid)
        for nfe, fid in counts.items()
    ]


def test_a_curve_that_rises_is_said_to_rise_and_one_that_falls_to_fall():
    points = course("DDIM", n5=2.0, n20=1.0, n50=1.3) + course("DDPM", n5=3.0, n50=1.1)
    sentences = verdict(Quality(points=points, floor=0.1))
    assert "**DDIM** is best with 20 evaluations, FID 1.00; with 50 it is worse, 1.30" in sentences
    assert "**DDPM** is best with 50 evaluations, FID 1.10, the most that were" in sentences
    assert "rises again" in sentences
    assert "with at most 5, DDIM (5, FID 2.00); with at most 10, DDIM (5" in sentences


def test_where_nothing_rises_nothing_is_said_of_a_rise():
    sentences = verdict(Quality(points=course("Heun", n5=2.0, n9=1.0, n19=1.01), floor=0.1))
    assert "with 19 it hardly changes, 1.01" in sentences
    assert "rises" not in sentences


@pytest.mark.parametrize("family", MODELS.values())
def test_the_shipped_measurement_of_version_1_costs_the_same_at_equal_evaluations(family: str):
    study = cache.measured_or_shipped(SamplerBench(start=RunSpec.of_preset(family)))
    result = quality_of(cache.measured(study))
    costs: dict[int, set[float]] = {}
    for point, seconds in zip(result.points, result.seconds, strict=True):
        costs.setdefault(point.nfe, set()).add(seconds)
        assert seconds <= point.seconds * (1 + 1e-9)
    assert all(len(seconds) == 1 for seconds in costs.values())
    assert sorted(costs) == sorted(costs, key=lambda nfe: min(costs[nfe]))


def test_samplers_that_end_at_the_same_pixels_are_named():
    one, other = np.zeros((2, 4, 4), np.uint8), np.ones((2, 4, 4), np.uint8)
    film = Film({"DPM-Solver++": one, "DDIM": one, "DDPM": other}, ["", ""])
    assert alike(film).startswith("Here DPM-Solver++ and DDIM end at the same pixels.")
    assert alike(Film({"DDIM": one, "DDPM": other}, ["", ""])).startswith("Euler's")
