"""The public front: train a model, or load a finished one, in a line.

`import genlib` offers this without importing torch; the first call does.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from pydantic import ValidationError
from tqdm.auto import tqdm

from genlib.config import TrainConfig, sentence_of
from genlib.data import DATASETS
from genlib.device import available
from genlib.errors import KnobError, check_name
from genlib.jobs.attempt import Attempt
from genlib.models import FAMILIES
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.runs.store import open_store
from genlib.settings import Settings
from genlib.tasks.progress import Progress
from genlib.tasks.task import Task

SHORTEST = 8  # digits of a fingerprint's prefix that may name a run


def train(
    family: str,
    *,
    preset: str = "",
    dataset: str = "",
    seed: int | None = None,
    progress: bool = True,
    again: bool = False,
    **knobs: object,
) -> Run:
    """Return a trained model as a Run: trained here and now, or from the store where it is there.

    The run is kept in the store (the folder GENLIB_HOME), so the same call is answered at once
    the next time, and `genlib.load(run.fingerprint)` finds it too.

    Args:
        family: a name of `genlib.FAMILIES`, such as "vae".
        preset: the settings to start from; empty is the family's first.
        dataset: what it learns, such as "digits"; empty is the preset's own.
        seed: the start of all randomness; None is the preset's own.
        progress: whether a progress bar is drawn, on standard error.
        again: whether it is trained even where the store has it.
        knobs: fields of the family's config or of TrainConfig that differ from the preset's,
            such as `codings=2, epochs=1`.

    Raises:
        KnobError: there is no such family, preset, data set or knob, or a value is out of its
            range; the message is one sentence. (It is a ValueError.)
        TaskError: it diverged, or the data set is not here and cannot be downloaded.
        StoreFullError: the disk has no room for the run.
    """
    given = knobs if seed is None else knobs | {"seed": seed}
    spec = spec_of(family, preset, dataset, given)
    if progress:
        progress_bar(perform(spec, again=again), family)
    else:
        deque(perform(spec, again=again), maxlen=0)
    return load(spec.fingerprint)


def load(fingerprint: str) -> Run:
    """Return a finished run of the store, or one that is shipped with genlib.

    Args:
        fingerprint: its 64 hexadecimal digits, or the first ones (8 at least) where no other run
            begins with them.

    Raises:
        LookupError: there is no such run, or there are several.
    """
    store = open_store(Settings())
    names = [name for name in store.fingerprints() if name.startswith(fingerprint)]
    if len(fingerprint) < SHORTEST or not names:
        raise LookupError(
            f"There is no finished run {fingerprint!r}: give its fingerprint, or at least the "
            f"first {SHORTEST} digits. `genlib runs` lists all of them."
        )
    if len(names) > 1:
        raise LookupError(f"{len(names)} runs begin with {fingerprint}: give more digits.")
    files = store.read_run(names[0])
    if files is None or "config.json" not in files:
        raise LookupError(f"{names[0]} is not a finished run, but a study or a broken folder.")
    return Run.from_files(files)


def spec_of(family: str, preset: str, dataset: str, knobs: dict[str, object]) -> RunSpec:
    """Return the specification that differs from a preset's in the given knobs.

    Raises:
        KnobError: a name is unknown, or a value is out of range.
    """
    check_name("family", family, FAMILIES)
    presets = FAMILIES[family].presets
    preset = preset or next(iter(presets))
    check_name(f"preset of {family}", preset, presets)
    if dataset and dataset not in DATASETS:
        check_name("data set", dataset, DATASETS)
    try:
        start = RunSpec.of_preset(family, preset, dataset or None).model_dump()
        for name, value in knobs.items():
            check_name(f"knob of {family}", name, [*start["model"], *start["train"]])
            start["train" if name in TrainConfig.model_fields else "model"][name] = value
        return RunSpec.model_validate(start)
    except ValidationError as error:
        raise KnobError(sentence_of(error)) from None


def perform(task: Task, *, again: bool = False) -> Iterator[Progress]:
    """Yield how far a task is that is performed here, without the queue; then it is in the store.

    What an earlier attempt kept is gone on from. One that is in the store yields nothing, unless
    it is performed `again`.

    Raises:
        TaskError: it cannot go on, such as a training that diverged.
        StoreFullError: the disk has no room for its result.
    """
    store = open_store(Settings())
    if not again and store.read_run(task.fingerprint) is not None:
        return
    attempt = Attempt(store, available()[0], task, again=again)
    try:
        yield from attempt.progress()
    except BaseException:  # whatever it was, this process was not ended by it
        attempt.reset_attempts()
        raise


def progress_bar(progress: Iterable[Progress], title: str) -> None:
    """Draw how far a task is, on standard error, until it is done."""
    with tqdm(desc=title, unit=" steps", delay=0.1) as bar:
        for each in progress:
            bar.total = each.steps
            bar.update(each.step - bar.n)
