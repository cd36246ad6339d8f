"""The generative learning trilemma: where each family of a comparison lies on its triangle."""

import math
from typing import NamedTuple

from genlib.studies.comparison import SHOWN, Figure, Standing


class Shares(NamedTuple):
    """A member's place on each axis of the triangle: 0 is the inner ring, 1 the rim."""

    quality: float  # in ln F: 0 the worst member, 1 real pictures
    diversity: float  # recall, or coverage in version 1, over that of real pictures
    speed: float  # in ln v: 0 the slowest member, 1 the fastest


def variety(results: list[Standing]) -> tuple[str, dict[str, Figure]]:
    """Return the measure of diversity and its figures by name: recall, or version 1's coverage."""
    recalls = {each.name: each.recall for each in results if each.recall is not None}
    if len(recalls) == len(results):
        return "recall", recalls
    return "coverage", {each.name: each.coverage for each in results}


def shares(results: list[Standing]) -> dict[str, Shares]:
    """Return the places of all members on the axes of the triangle."""
    real, *members = results
    _, diversity = variety(results)
    worst = max(each.fid.value for each in members)
    speeds = {each.name: SHOWN / each.sampling for each in members if each.sampling}
    slowest, fastest = min(speeds.values()), max(speeds.values())
    return {
        each.name: Shares(
            _between(each.fid.value, worst, real.fid.value),
            min(1.0, diversity[each.name].value / diversity[real.name].value),
            _between(speeds[each.name], slowest, fastest),
        )
        for each in members
    }


def _between(value: float, zero: float, one: float) -> float:
    """Return where a value lies between two others, by logarithms, clipped to [0, 1]."""
    whole = math.log(one / zero)
    return min(1.0, max(0.0, math.log(value / zero) / whole)) if whole else 1.0
