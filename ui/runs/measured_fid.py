"""The classifier FID of a run's samples, where a study of it has measured that."""

from genlib.data import DATASETS
from genlib.diffusion.diffusion import STEPS
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.studies.health import Health, report
from genlib.studies.sampler_bench import SamplerBench, quality
from ui import cache

SAMPLER = "DPM-Solver++"  # of the samples, unless someone chooses another


def measured_fid(spec: RunSpec) -> str:
    """Return one sentence with the FID of a diffusion model; empty where nobody measured it."""
    diffuses = "diffuses" in FAMILIES[spec.family].abilities
    if not diffuses or DATASETS[spec.dataset].kind != "pictures":
        return ""
    return _by_the_samplers(spec) or _by_its_health(spec)


def _by_the_samplers(spec: RunSpec) -> str:
    files = cache.measured(cache.measured_or_shipped(SamplerBench(start=spec)))
    result = quality(files) if files is not None else None
    if result is None:
        return ""
    points = [point for point in result.points if point.sampler == SAMPLER]
    usual = [point for point in points if point.steps <= STEPS]
    if not usual:
        return ""
    recipe = f"{usual[-1].steps} steps of {SAMPLER}"
    return _sentence(usual[-1].fid, result.floor, f"{recipe}; ")


def _by_its_health(spec: RunSpec) -> str:
    files = cache.measured(Health(start=spec))
    if files is None:
        return ""
    fid = next(each for each in report(files).findings if each.name == "classifier FID")
    return _sentence(fid.value, fid.real)


def _sentence(fid: float, floor: float, recipe: str = "") -> str:
    return f"Classifier FID of samples **{fid:.2f}** ({recipe}real pictures: {floor:.2f})."
