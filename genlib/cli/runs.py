"""`genlib runs`: what the store holds."""

import json

from genlib.cli.output import Command, Documents
from genlib.runs.store import open_store
from genlib.settings import Settings


class Runs(Command):
    """List the finished runs, the newest first."""

    def documents(self, *, terminal: bool) -> Documents:
        """Yield what each run is and how good it is."""
        store = open_store(Settings())
        for fingerprint in store.fingerprints():
            content = store.read_file(fingerprint, "config.json")
            if content is not None:  # else it is a study
                document = json.loads(content)
                spec, provenance = document["spec"], document["provenance"]
                yield {
                    "family": spec["family"],
                    "dataset": spec["dataset"],
                    "fingerprint": fingerprint,
                    "seconds": provenance["seconds"],
                    "metrics": provenance["metrics"],
                }


COMMAND = Runs
