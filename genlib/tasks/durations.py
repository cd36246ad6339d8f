"""How long finished tasks took: what the estimates of others begin with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from genlib.config import Config
from genlib.models import FAMILIES
from genlib.runs.cost import estimated_seconds
from genlib.runs.run import Provenance
from genlib.runs.spec import RunSpec
from genlib.runs.store import Store
from genlib.tasks.result import Measurement


@dataclass(frozen=True, slots=True)
class Durations:
    """The measured seconds of what is in a store."""

    store: Store

    def of_run(self, spec: RunSpec) -> float | None:
        """Return about how many seconds a run takes, by the run of its family's first preset.

        Where that is not finished, another family's says at least how quick this machine is; None
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
