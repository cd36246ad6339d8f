"""`genlib space OWNER/NAME`: this app as a Hugging Face Space."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import CliPositionalArg

from genlib.cli.output import Command, Documents
from genlib.hub.curated import curated
from genlib.hub.errors import HubError

HOUSE = Path(__file__).resolve().parents[2]


class Space(Command):
    """Create or update a Space with this app."""

    repo: CliPositionalArg[str] = Field(description="Such as owner/name.")

    def documents(self, *, terminal: bool) -> Documents:
        """Yield what students cannot pull there, and then where it is.

        Raises:
            HubError: the app is not here, or the Hub refuses it.
        """
        from genlib.hub.publish import deploy, operator_token  # with torch

        if not (HOUSE / "app.py").exists():
            raise HubError("The app is not here: run this in a clone of the repository.")
        for entry in curated():
            if not entry.commit:
                yield {"not pinned": entry.name, "so": f"genlib hub pin {entry.name}"}
        yield deploy(self.repo, operator_token(), HOUSE)


COMMAND = Space
