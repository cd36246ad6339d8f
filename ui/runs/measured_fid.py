"""The FIDs of a run's samples, where a study has measured them, and whether they agree."""

from collections.abc import Mapping

from genlib.data import DATASETS
from genlib.diffusion.diffusion import STEPS
from genlib.models import FAMILIES
from genlib.runs.spec import RunSpec
from genlib.studies.findings import CLASSIFIER_FID, PIXEL_FID
from genlib.studies.health import Health, report
from genlib.studies.sampler_bench import SamplerBench, quality
from ui import cache

SAMPLER = "DPM-Solver++"  # of the samples, unless someone chooses another
EARLIER = (
    "Measured earlier, in another way: compare these figures with each other, not with those of "
    "other pages."
)


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
    last = usual[-1]
    pixels = None if last.pixel_fid is None else (last.pixel_fid, result.pixel_floor or 0.0)
    return _sentence((last.fid, result.floor), pixels, f"{recipe}; ")


def _by_its_health(spec: RunSpec) -> str:
    files = cache.measured(cache.measured_or_shipped(Health(start=spec)))
    if files is None:
        return ""
    by_name = {each.name: (each.value, each.real) for each in report(files).findings}
    return _sentence(by_name[CLASSIFIER_FID], by_name.get(PIXEL_FID))


def _sentence(
    fid: tuple[float, float], pixel_fid: tuple[float, float] | None, recipe: str = ""
) -> str:
    """Return both FIDs, each with its floor; version 1 did not measure the second."""
    text = f"Classifier FID of samples **{fid[0]:.2f}** ({recipe}real pictures: {fid[1]:.2f})"
    if pixel_fid is None:
        return f"{text}."
    return f"{text}, pixel FID {pixel_fid[0]:.2f} (real pictures: {pixel_fid[1]:.2f})."


def disagreement(fids: Mapping[str, float], pixel_fids: Mapping[str, float]) -> str:
    """Return a sentence where the two FIDs rank models differently; empty where they agree."""
    order, other = (sorted(each, key=each.__getitem__) for each in (fids, pixel_fids))
    if order == other:
        return ""
    return (
        f"The pixel FID ranks them differently: {', '.join(other)}, from best to worst. Where the "
        "two orders differ, neither is certain."
    )
