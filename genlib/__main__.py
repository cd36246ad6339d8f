"""The command line: `python -m genlib train | measure | runs | …`, made from configs."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliPositionalArg,
    CliSubCommand,
    SettingsConfigDict,
    get_subcommand,
)

from genlib.config import TrainConfig
from genlib.data import DatasetName
from genlib.device import available
from genlib.errors import TaskError
from genlib.hub.commands import HubCommand, Space
from genlib.jobs.attempt import Attempt
from genlib.jobs.catalogue import read_task
from genlib.jobs.worker import exit_with_parent, serve
from genlib.models import FAMILIES
from genlib.runs.run import Run, open_store, perform
from genlib.runs.spec import RunSpec
from genlib.settings import Settings
from genlib.studies import STUDIES
from genlib.training.events import Diverged, Snapshot


class FamilyCommand(BaseModel):
    """Train a family; every option left out is as in the preset."""

    preset: str = Field("", description="Where the other options start; empty is the first one.")
    dataset: DatasetName | None = Field(None, description="Empty is the preset's own.")


def _family_command(name: str) -> type[FamilyCommand]:
    """Return the command of a family: an option for each field of its configs."""
    fields = FAMILIES[name].config_type.model_fields | TrainConfig.model_fields
    options: dict[str, Any] = {
        knob: (field.annotation | None, Field(None, description=field.description))  # type: ignore[operator]
        for knob, field in fields.items()
    }
    return create_model(f"Train_{name}", __base__=FamilyCommand, **options)


Train = create_model(
    "Train",
    __doc__="Train here, without the queue, and keep the run in the store.",
    **{name: (CliSubCommand[_family_command(name)], ...) for name in FAMILIES},  # type: ignore[call-overload, misc]
)


class Measure(BaseModel):
    """Measure a study of a preset's finished run, or of data, without the queue, and keep it."""

    study: CliPositionalArg[Literal[*STUDIES]]  # type: ignore[valid-type]
    family: str = Field("stacked", description="Whose run the study begins with.")
    preset: str = Field("", description="Which of its presets; empty is the first one.")
    dataset: DatasetName | None = Field(None, description="Of a study that begins with no run.")
    pictures: int | None = Field(None, description="Test pictures, where the study has that knob.")
    seed: int | None = Field(None, description="Of all trainings, where the study has that knob.")
    seconds: int | None = Field(None, description="Of each training, where it has that knob.")


class Runs(BaseModel):
    """List the finished runs, the newest first."""


class Worker(BaseModel):
    """Take jobs from the queue until stopped."""

    device: str = Field("", description="Such as cuda:0; empty is the best one here.")
    with_parent: bool = Field(False, description="End when standard input closes.")


class GenlibCommand(BaseSettings):
    """The playground for generative models, on the command line."""

    model_config = SettingsConfigDict(cli_kebab_case=False, env_prefix="GENLIB_COMMAND_")

    train: CliSubCommand[Train]
    measure: CliSubCommand[Measure]
    runs: CliSubCommand[Runs]
    worker: CliSubCommand[Worker]
    hub: CliSubCommand[HubCommand]
    space: CliSubCommand[Space]


def spec_of(family: str, command: FamilyCommand) -> RunSpec:
    """Return the run that a command asks for.

    Raises:
        KeyError: there is no such preset.
        ValidationError: a value is out of range.
    """
    preset = FAMILIES[family].presets[command.preset or next(iter(FAMILIES[family].presets))]
    changed = command.model_dump(exclude={"preset", "dataset"}, exclude_none=True)
    documents = {
        part: {
            key: changed.get(key, value)
            for key, value in getattr(preset, part).model_dump().items()
        }
        for part in ("model", "train")
    }
    dataset = command.dataset or preset.dataset
    return RunSpec.model_validate({"family": family, "dataset": dataset} | documents)


def _train(command: object) -> Iterator[dict[str, Any]]:
    """Yield what happens as documents; the last one says what the run is and how good."""
    family = next(name for name in FAMILIES if getattr(command, name) is not None)
    spec = spec_of(family, getattr(command, family))
    store = open_store(Settings())
    files = store.read_run(spec.fingerprint)
    run = Run.from_files(files) if files is not None else None
    if run is None:
        for event in perform(spec, available()[0]):
            if isinstance(event, Snapshot):
                yield {"step": event.step} | event.figures
            if isinstance(event, Diverged):
                raise FloatingPointError(event.sentence)
            if isinstance(event, Run):
                run = event
                store.write_run(spec.fingerprint, run.to_files())
    if run is not None:
        made = run.provenance
        yield {
            "fingerprint": spec.fingerprint,
            "seconds": round(made.seconds, 3),
            "metrics": made.metrics,
        }


def _measure(command: Measure) -> Iterator[dict[str, Any]]:
    """Yield the study's name once it is measured; its progress is written as it comes."""
    start = RunSpec.of_preset(command.family, command.preset or None)
    given = command.model_dump(include={"pictures", "seed", "seconds"})
    dataset = command.dataset or start.dataset
    known = given | {"dataset": dataset, "start": start.model_dump()}
    fields = STUDIES[command.study].load().model_fields
    wanted = {name: value for name, value in known.items() if name in fields and value is not None}
    task = read_task(json.dumps({"study": command.study} | wanted))
    work = Attempt(open_store(Settings()), available()[0], task, _say)
    sentence = work.run(threading.Event())
    if sentence is not None:
        raise FloatingPointError(sentence)
    yield {"fingerprint": task.fingerprint}


def _say(message: str) -> None:
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def _runs() -> Iterator[dict[str, Any]]:
    store = open_store(Settings())
    for name in store.fingerprints():
        files = store.read_run(name)
        if files is not None and "config.json" in files:  # else it is a study
            document = json.loads(files["config.json"])
            made, spec = document["provenance"], document["spec"]
            keys = {"family": spec["family"], "dataset": spec["dataset"], "fingerprint": name}
            yield keys | {"seconds": made["seconds"], "metrics": made["metrics"]}


def _documents(command: object) -> Iterator[dict[str, Any]]:
    if isinstance(command, Runs):
        return _runs()
    if isinstance(command, HubCommand | Space):
        return command.documents()
    return _measure(command) if isinstance(command, Measure) else _train(command)


def main(arguments: list[str]) -> int:
    """Run a command and return its exit status; what a person got wrong is one line."""
    try:
        command = CliApp.run(GenlibCommand, cli_args=arguments, cli_exit_on_error=True)
    except ValidationError as error:
        return _refused(error)
    chosen = get_subcommand(command)
    if isinstance(chosen, Worker):
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        if chosen.with_parent:
            exit_with_parent()
        serve(torch.device(chosen.device) if chosen.device else available()[0], Settings())
    try:
        for document in _documents(chosen):
            _say(json.dumps(document))
    except (TaskError, FloatingPointError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyError as error:
        sys.stderr.write(f"There is no family or preset {error}.\n")
        return 2
    except ValidationError as error:
        return _refused(error)
    return 0


def _refused(error: ValidationError) -> int:
    """Write what is wrong with each value on one line."""
    wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    sys.stderr.write("; ".join(wrong) + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
