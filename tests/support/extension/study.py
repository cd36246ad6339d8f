"""How bright is a run's mean reconstruction? The least that can be measured of one."""

import json
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from genlib.data.dataset import load as load_dataset
from genlib.family import encoding, to_float
from genlib.studies.starts import Encoder, StudyOfRun
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace


class ToyStudy(StudyOfRun):
    """The mean grey level of the reconstructions of some test pictures."""

    study: Literal["toy_study"] = "toy_study"
    start: Encoder = Field(description="The run that is measured.")
    pictures: int = Field(100, ge=1, le=1000, description="Test pictures, from the first on.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the one number."""
        family = encoding(workspace.run(self.start).family)
        x = to_float(load_dataset(self.start.dataset).test[: self.pictures].to(workspace.device))
        grey = float(family.reconstruct(x).mean())
        yield Progress(1, 1, {"grey.json": json.dumps({"grey": grey}).encode()})
