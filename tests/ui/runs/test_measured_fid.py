"""The headline of a diffusion model says the FID of its samples, where a study measured it."""

import pytest

from genlib.runs.spec import RunSpec
from genlib.studies.sampler_bench import SamplerBench, quality
from ui import cache
from ui.runs.measured_fid import measured_fid


@pytest.mark.parametrize("family", ["ddpm", "flow"])
def test_the_fid_is_that_of_the_shipped_study_of_samplers(family: str):
    spec = RunSpec.of_preset(family)
    result = quality(cache.measured(cache.measured_or_shipped(SamplerBench(start=spec))))
    (point,) = (
        each for each in result.points if (each.sampler, each.steps) == ("DPM-Solver++", 20)
    )
    sentence = measured_fid(spec)
    assert f"**{point.fid:.2f}** (20 steps of DPM-Solver++;" in sentence
    assert f"real pictures: {result.floor:.2f})" in sentence


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec.of_preset("ddpm", "in the plane"),
        RunSpec.of_preset("ddpm", dataset="digits"),
        RunSpec.of_preset("vae"),
    ],
    ids=["plane", "not measured", "no diffusion"],
)
def test_where_nobody_measured_it_nothing_is_said(spec: RunSpec):
    assert measured_fid(spec) == ""
