"""How long finished tasks took: what the estimates of others begin with."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from genlib.config import Config
from genlib.models import FAMILIES
from genlib.runs.cost import estimated_seconds, training_cost
from genlib.runs.run import Provenance
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store, verified, write_bundle
from genlib.tasks.result import Measurement, Result

LEAST = 2.0  # seconds of training that tell how fast a machine is


class Pace(Result):
    """How long a device takes for a unit of the cost of a family: see `genlib.runs.cost`."""

    device: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Durations:
    """The measured seconds of what is in a store."""

    store: Store

    def of_run(self, spec: RunSpec) -> float | None:
        """Return about how many seconds a run takes, by the run of its family's first preset.

        Where that is not finished, another family's says at least how quick its machine is; None
        where there is no run at all.
        """
        for family in (spec.family, *FAMILIES):
            usual = RunSpec.of_preset(family)
            document = self.store.read_file(usual.fingerprint, "config.json")
            if document is not None:
                provenance = Provenance.model_validate(json.loads(document)["provenance"])
                return estimated_seconds(spec, usual, provenance.seconds)
        return None

    def of_missing(self, specs: Iterable[RunSpec]) -> float:
        """Return about how many seconds the runs take that are not finished."""
        missing = [spec for spec in specs if not self.store.has_run(spec.fingerprint)]
        return sum((self.of_run(spec) or 0.0 for spec in missing), 0.0)

    def of_study(self, study: Config) -> float | None:
        """Return how many seconds a finished study took; None where it is not finished."""
        document = self.store.read_file(study.fingerprint, "made.json")
        return None if document is None else Measurement.from_json(document).seconds

    def here(self, task: Any, device: str) -> float | None:
        """Return about how many seconds a task takes on a device of this machine.

        None where nobody knows: a GPU that has trained nothing alike yet is so much faster than
        the processors of most shipped runs that their seconds say nothing of it.

        Args:
            task: a run or another task (`genlib.tasks.task.Task`).
            device: its name, as `genlib.device.name` returns it.
        """
        seconds: float | None = task.estimated_seconds(self)
        if seconds is None:
            return None
        families = (task.family,) if isinstance(task, RunSpec) else FAMILIES
        if ratios := list(self._ratios(device, families)):
            return seconds * median(ratios)
        return seconds if device.startswith("CPU") else None

    def note(self, spec: RunSpec, seconds: float, device: str, share: float = 1.0) -> None:
        """Remember how long a run took here, or a share of it, for the estimates to come.

        Raises:
            StoreFullError: it could not be kept.
        """
        if seconds >= LEAST:
            pace = Pace(device=device, seconds=seconds / (share * training_cost(spec)))
            files = {"pace.json": pace.to_json()}
            write_bundle(self._folder / spec.family, files, replace=True)

    @property
    def _folder(self) -> Path:
        return self.store.home / "pace"

    def _ratios(self, device: str, families: Iterable[str]) -> Iterator[float]:
        """Yield how much longer the device takes than `of_run` says, for each measured family."""
        for family in families:
            files = verified(self._folder / family)
            pace = None if files is None else Pace.from_json(files["pace.json"])
            if pace is None or pace.device != device:
                continue
            usual = RunSpec.of_preset(family)
            expected = self.of_run(usual)
            if expected:
                yield pace.seconds * training_cost(usual) / expected
