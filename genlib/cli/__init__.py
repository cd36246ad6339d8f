"""The command line: one module a command, made from configs, imported when it is asked for."""

import sys
from importlib import import_module
from typing import Any

from pydantic import Field, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliSubCommand,
    SettingsConfigDict,
    get_subcommand,
)

from genlib.cli.output import Command, write
from genlib.config import sentence_of

COMMANDS = {  # a module of this package each, with what it does
    "train": "Train a model here, and keep the run.",
    "measure": "Measure a study of a finished run, or of a data set, and keep its result.",
    "runs": "List the finished runs, the newest first.",
    "worker": "Train what the pages ask for, until stopped.",
    "hub": "The Hugging Face Hub: what students may pull, and where runs are published.",
    "space": "Create or update a Hugging Face Space with this app.",
}


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
        SystemExit: there is no such command or option, or help was asked for and is printed.
    """
    line = CliApp.run(command_line(arguments), cli_args=arguments, cli_exit_on_error=True)
    command = get_subcommand(line)
    while not isinstance(command, Command):  # a group of commands
        command = get_subcommand(command)  # type: ignore[arg-type]
    return command


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; what a person got wrong is one line.

    Args:
        arguments: those of the command line; None takes the process's own.
    """
    try:
        command = parsed(sys.argv[1:] if arguments is None else arguments)
    except ValidationError as error:
        return _failed(sentence_of(error), 2)
    return _run(command)


def _run(command: Command) -> int:
    from genlib.errors import TaskError
    from genlib.front import KnobError

    try:
        write(command)
    except ValidationError as error:
        return _failed(sentence_of(error), 2)
    except KnobError as error:
        return _failed(str(error), 2)
    except (TaskError, OSError) as error:
        return _failed(str(error), 1)
    return 0


def _failed(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status
