"""What a study yields while it measures."""

from dataclasses import dataclass

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Measured:
    """A step of a study is done. The files hold all that is known so far.

    They may be shown and kept at any step, and the study goes on from them; those of the last
    step are the result.
    """

    step: int
    steps: int
    files: Files
