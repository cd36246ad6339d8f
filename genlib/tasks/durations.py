"""How long finished tasks took: what the estimates of others begin with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from genlib.config import Config
from genlib.runs.cost import estimated_seconds
from genlib.runs.run import Provenance
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store


@dataclass(frozen=True, slots=True)
class Durations:
    """The measured seconds of what is in a store."""

    store: Store

    def of_run(self, spec: RunSpec) -> float | None:
        """Return about how many seconds a run takes, estimated by its family's shipped run.

        None where that is not there.
        """
        shipped = RunSpec.of_preset(spec.family)
        document = self.store.read_file(shipped.fingerprint, "config.json")
        if document is None:
            return None
        provenance = Provenance.model_validate(json.loads(document)["provenance"])
        return estimated_seconds(spec, shipped, provenance.seconds)

    def of_missing(self, specs: Iterable[RunSpec]) -> float:
        """Return about how many seconds the runs take that are not finished."""
        missing = [spec for spec in specs if not self.store.has_run(spec.fingerprint)]
        return sum(self.of_run(spec) or 0.0 for spec in missing)

    def of_study(self, study: Config) -> float | None:
        """Return how many seconds a finished study took; None where it is not finished."""
        document = self.store.read_file(study.fingerprint, "made.json")
        return None if document is None else float(json.loads(document)["seconds"])
