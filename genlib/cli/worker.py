"""`genlib worker`: the process that trains what the pages ask for."""

import logging

from pydantic import Field

from genlib.cli.output import Command, Documents
from genlib.settings import Settings


class Worker(Command):
    """Take jobs from the queue until stopped."""

    device: str = Field("", description="Such as cuda:0; empty is the best one here.")
    with_parent: bool = Field(
        False, description="End when standard input closes; give way to the pages."
    )

    def documents(self, *, terminal: bool) -> Documents:
        """Work until the process ends, and yield nothing."""
        from genlib.device import available, named  # with torch
        from genlib.jobs.worker import exit_with_parent, give_way, serve

        device = named(self.device) if self.device else available()[0]
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        if self.with_parent:
            exit_with_parent()
            give_way()
        serve(device, Settings())
        yield {}


COMMAND = Worker
