"""What all studies begin with, and what they yield while they measure."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from genlib.family import Encodes
from genlib.models import FAMILIES
from genlib.runs import RunSpec

Files = dict[str, bytes]


def _has_codings(spec: RunSpec) -> RunSpec:
    if not issubclass(FAMILIES[spec.family], Encodes):
        raise ValueError(f"the family {spec.family} has no codings")
    return spec


Encoder = Annotated[RunSpec, AfterValidator(_has_codings)]  # a run that such a study begins with


@dataclass(frozen=True, slots=True)
class Measured:
    """A step of a study is done. The files hold all that is known so far.

    They may be shown and kept at any step, and the study goes on from them; those of the last
    step are the result.
    """

    step: int
    steps: int
    files: Files
