"""What is wrong with a generator, or that nothing is: one verdict, from the samples of one study.

Three questions, each with a figure of real pictures beside it: do the samples look real, do they
vary as real ones do, and are all classes there? Thresholds are shares of what real pictures reach
at the same number of samples, since all of these metrics depend on that number. How real samples
look is told by their density: precision counts a sample as real that lies near one outlier.
"""

from typing import Literal, NamedTuple

from genlib.metrics import ModeCount
from genlib.studies.findings import COMPARED
from genlib.studies.health import Report

REALISTIC = 0.8  # of real pictures' density: a slight blur already falls to a half
UNREAL = 0.12  # of it: noise and pictures blurred beyond recognition stay below
VARIED = 0.5  # of real pictures' recall and coverage: five of ten classes whole reach it
MISSING, RARE = 0.1, 0.3  # of the class's share of real pictures
ONE_CLASS = 0.8  # of all samples, from which a class is said to be all there is
TWINNED = 1.0  # samples alike, for each sample: from there on most have a twin
COPIED = 0.5  # of a test picture's distance to the training pictures; blurred ones keep .9 of it

NEAR_A_MODE = 0.5  # of the points, from which they are said to lie at modes
NOWHERE = 0.05  # of them, below which they lie anywhere else
FEW_MODES = 0.5  # of all modes, below which some are not just missing

Realism = Literal["realistic", "less realistic", "unreal"]
Variety = Literal["varied", "narrow", "few pictures"]
Classes = Literal["all there", "rare", "missing", "one class"]
State = Literal["healthy", "flawed", "partial", "collapsed", "diverged", "copied"]
TITLES: dict[State, str] = {
    "healthy": "Healthy",
    "flawed": "Not healthy",
    "partial": "Partial mode collapse",
    "collapsed": "Mode collapse",
    "diverged": "Diverged, or hardly trained",
    "copied": "Copies of training pictures",
}


class Verdict(NamedTuple):
    """The health of a generator of pictures, in words.

    Attributes:
        state: all in one word.
        realism: whether samples lie among real pictures.
        variety: whether they are spread as real pictures are.
        classes: whether each class is there.
        sentence: the state, and the figures that say so.
    """

    state: State
    realism: Realism
    variety: Variety
    classes: Classes
    sentence: str


def verdict(report: Report, names: tuple[str, ...]) -> Verdict:
    """Return what the samples of an examination say.

    Args:
        report: the figures of samples and of real pictures.
        names: of the classes.
    """
    realism, looks = _realism(report)
    variety, spread = _variety(report)
    classes, kinds = _classes(report, names)
    state = _state(report, realism, variety, classes)
    clauses = [looks, spread, kinds, _beside_real(report, "classifier FID")]
    if state == "collapsed":
        clauses = [spread, kinds, looks, clauses[-1]]
    if state == "copied":
        clauses.insert(0, "samples lie much nearer to training pictures than test pictures do")
    sentence = f"{TITLES[state]}: {'; '.join(clauses)}."
    return Verdict(state, realism, variety, classes, sentence)


def _state(report: Report, realism: Realism, variety: Variety, classes: Classes) -> State:
    if variety == "few pictures":
        return "collapsed"
    if realism == "unreal":  # before classes: a classifier puts noise in any one of them
        return "diverged"
    if classes == "one class":
        return "collapsed"
    if report.to_training < COPIED * report.real_to_training:
        return "copied"
    if classes == "missing":
        return "partial"
    sound = (realism, variety, classes) == ("realistic", "varied", "all there")
    return "healthy" if sound else "flawed"


def _realism(report: Report) -> tuple[Realism, str]:
    density = _of_real(report, "density")
    figures = _beside_real(report, "density")
    if density < UNREAL:
        return "unreal", f"the samples do not look real ({figures})"
    if density < REALISTIC:
        return "less realistic", f"less realistic than real pictures ({figures})"
    return "realistic", f"realistic ({figures})"


def _variety(report: Report) -> tuple[Variety, str]:
    if 2 * report.twins >= TWINNED * min(COMPARED, report.pictures):
        count = float(f"{max(1, report.support):.2g}")
        return "few pictures", f"about {count:,.0f} different pictures in all"
    figures = f"{_beside_real(report, 'recall')}, {_beside_real(report, 'coverage')}"
    if min(_of_real(report, "recall"), _of_real(report, "coverage")) < VARIED:
        return "narrow", f"less varied than real pictures ({figures})"
    return "varied", f"varied ({figures})"


def _classes(report: Report, names: tuple[str, ...]) -> tuple[Classes, str]:
    shares, real = report.shares, report.real_shares
    most = max(shares)
    if most > ONE_CLASS:
        return "one class", f"{most:.0%} of the samples are of one class, {_most(report, names)}"
    missing, rare = (
        [
            name
            for name, share, usual in zip(names, shares, real, strict=True)
            if share < limit * usual
        ]
        for limit in (MISSING, RARE)
    )
    if missing:
        listed = ", ".join(missing)
        return "missing", f"{len(missing)} of {len(names)} classes missing ({listed})"
    if rare:
        return "rare", f"all classes are there, but rare: {', '.join(rare)}"
    return "all there", "all classes are there, none is rare"


def _most(report: Report, names: tuple[str, ...]) -> str:
    return names[report.shares.index(max(report.shares))]


def _of_real(report: Report, name: str) -> float:
    """Return a figure of samples over that of real pictures."""
    finding = report.finding(name)
    return finding.value / max(finding.real, 1e-6)


def _beside_real(report: Report, name: str) -> str:
    finding = report.finding(name)
    return f"{name} {finding.value:.2f}, real {finding.real:.2f}"


PlaneState = Literal["all modes", "imprecise", "partial", "collapsed", "diverged"]
PLANE_TITLES: dict[PlaneState, str] = {
    "all modes": "All modes",
    "imprecise": "Imprecise",
    "partial": "Modes missing",
    "collapsed": "Mode collapse",
    "diverged": "Diverged",
}


class PlaneVerdict(NamedTuple):
    """How a game in the plane ended.

    Attributes:
        state: in one word.
        sentence: the state, and the figures that say so.
    """

    state: PlaneState
    sentence: str


def plane_verdict(count: ModeCount, modes: int) -> PlaneVerdict:
    """Return how a game ended, by the modes that its points meet.

    Mode collapse and divergence both capture few modes. In a collapse the points are good, but
    all lie at a few modes; after a divergence they lie at none.
    """
    state = _plane_state(count, modes)
    figures = (
        f"{count.captured} of {modes} modes captured, {count.high_quality:.0%} of the points "
        "lie near a mode"
    )
    return PlaneVerdict(state, f"{PLANE_TITLES[state]}: {figures}.")


def _plane_state(count: ModeCount, modes: int) -> PlaneState:
    if count.high_quality < NOWHERE:
        return "diverged"
    if count.high_quality < NEAR_A_MODE:
        return "imprecise"
    if count.captured < FEW_MODES * modes:
        return "collapsed"
    return "all modes" if count.captured == modes else "partial"
