"""The command line: one module a command, made from configs, imported when it is asked for."""

import errno
import os
import re
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from pydantic import Field, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliSubCommand,
    SettingsConfigDict,
    SettingsError,
    get_subcommand,
)

from genlib.cli.output import Command, write
from genlib.config import sentence_of
from genlib.errors import KnobError, TaskError

COMMANDS = {  # a module of this package each, with what it does
    "train": "Train a model here, and keep the run.",
    "measure": "Measure a study of a finished run, or of a data set, and keep its result.",
    "runs": "List the finished runs, the newest first.",
    "worker": "Train what the pages ask for, until stopped.",
    "hub": "The Hugging Face Hub: what students may pull, and where runs are published.",
    "space": "Create or update a Hugging Face Space with this app.",
}
FULL = "The disk is full: make room, then give the same command again."


class GenlibCommand(BaseSettings):
    """The playground for generative models, on the command line."""

    model_config = SettingsConfigDict(
        cli_kebab_case=False, cli_prog_name="genlib", env_prefix="GENLIB_COMMAND_"
    )


def command_line(arguments: list[str]) -> type[GenlibCommand]:
    """Return the command line; only the command that is asked for has its options.

    To build those of all commands would import torch.
    """
    asked = next((part for part in arguments if not part.startswith("-")), "")
    fields: dict[str, Any] = {}
    for name, purpose in COMMANDS.items():
        module = import_module(f"genlib.cli.{name}") if name == asked else None
        kind = module.COMMAND if module else create_model(name)
        fields[name] = (CliSubCommand[kind], Field(description=purpose))  # type: ignore[misc, valid-type]
    return create_model("GenlibCommand", __base__=GenlibCommand, **fields)


def parsed(arguments: list[str]) -> Command:
    """Return the command that the arguments ask for, with its options.

    Raises:
        pydantic.ValidationError: an option has a value that it cannot have.
        pydantic_settings.SettingsError: there is no such command or option, or none was said.
        SystemExit: help was asked for and is printed.
    """
    line = CliApp.run(command_line(arguments), cli_args=arguments, cli_exit_on_error=False)
    command = get_subcommand(line, cli_exit_on_error=False)
    while not isinstance(command, Command):  # a group of commands
        command = get_subcommand(command, cli_exit_on_error=False)  # type: ignore[arg-type]
    return command


def misunderstood(error: SettingsError) -> str:
    """Return in one sentence what the command line does not know, and what comes nearest."""
    text = str(error).removeprefix("error parsing CLI: ")
    if wrong := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", text):
        names = re.findall(r"'([^']*)'", wrong[2]) or wrong[2].split(", ")
        near = get_close_matches(wrong[1], names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
        return f"There is no {wrong[1]!r} here: {hint}"
    if nothing := re.search(r"subcommand is required {(.*)}", text):
        return f"Say which one: {nothing[1]}."
    return f"{text[:1].upper()}{text[1:]}. --help tells what there is."


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what a person got wrong is one line.

    Args:
        arguments: those of the command line; None takes the process's own.
    """
    try:
        command = parsed(sys.argv[1:] if arguments is None else arguments)
        return _run(command)
    except ValidationError as error:
        return _failed(sentence_of(error), 2)
    except SettingsError as error:
        return _failed(misunderstood(error), 2)
    except KeyboardInterrupt:
        return _failed("Stopped. Where a result was begun, the same command goes on with it.", 130)


def _run(command: Command) -> int:
    try:
        write(command)
    except KnobError as error:
        return _failed(str(error), 2)
    except BrokenPipeError:  # whoever read has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (TaskError, OSError) as error:
        full = errno.ENOSPC in (getattr(each, "errno", 0) for each in (error, error.__cause__))
        return _failed(FULL if full else str(error), 1)
    return 0


def _failed(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status
