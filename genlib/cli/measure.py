"""`genlib measure STUDY`: an experiment on a finished run, or on a data set."""

import json
from typing import Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg

from genlib.cli.output import Documents
from genlib.cli.performed import Performing
from genlib.studies import STUDIES


class Measure(Performing):
    """Measure a study of a preset's finished run, or of data, without the queue, and keep it."""

    study: CliPositionalArg[Literal[*STUDIES]]  # type: ignore[valid-type]
    family: str = Field("stacked", description="Whose run the study begins with.")
    preset: str = Field("", description="Which of its presets; empty is the first one.")
    dataset: str = Field("", description="Of a study that begins with no run.")
    pictures: int | None = Field(None, description="Test pictures, where the study has that knob.")
    seed: int | None = Field(None, description="Of all trainings, where the study has that knob.")
    seconds: int | None = Field(None, description="Of each training, where it has that knob.")

    def documents(self, *, terminal: bool) -> Documents:
        """Yield how far it is, and last the fingerprint of the study's result."""
        from genlib.front import spec_of  # with torch
        from genlib.jobs.catalogue import read_task

        start = spec_of(self.family, self.preset, "", {})
        given = self.model_dump(include={"pictures", "seed", "seconds"})
        values = given | {"dataset": self.dataset or start.dataset, "start": start.model_dump()}
        fields = STUDIES[self.study].load().model_fields
        chosen = {name: values[name] for name in fields if values.get(name) is not None}
        task = read_task(json.dumps({"study": self.study} | chosen))
        note = self.already_there(task)
        yield from self.performed(task, self.study, terminal=terminal)
        yield {"fingerprint": task.fingerprint} | note


COMMAND = Measure
