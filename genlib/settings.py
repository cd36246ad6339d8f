"""What the operator sets by environment variables (GENLIB_HOME, GENLIB_DATABASE_URL, …)."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SITE = r"https?://(\*\.)?[A-Za-z0-9.-]+(:\d+)?"


class Settings(BaseSettings):
    """What the operator sets by environment variables (GENLIB_HOME, GENLIB_DATABASE_URL, …)."""

    model_config = SettingsConfigDict(env_prefix="GENLIB_", frozen=True)

    home: Path = Field(
        Path.home() / ".cache" / "genlib", description="Folder of runs, checkpoints and data sets."
    )
    runs: Path | None = Field(
        None, description="Folder of finished runs, such as on a bucket; empty is in the home."
    )
    database_url: str = Field("", description="The queue; empty is SQLite in the home folder.")
    worker_name: str = Field(
        "local", description="Unique per machine where several share one PostgreSQL queue."
    )
    device: str = Field(
        "", description="Where the server trains, such as cpu; empty is every GPU, or the CPU."
    )
    quota_gb: float = Field(5.0, gt=0, description="Finished runs kept, the oldest evicted first.")
    embed: str = Field(
        "",
        pattern=rf"^({SITE}( {SITE})*)?$",
        description="Sites whose pages may show ours inside, such as https://moodle.example.edu; "
        "several are separated by spaces.",
    )
    hub_list: Path | None = Field(
        None, description="The curated list of pretrained models; empty is the package's own."
    )
    hub_any: bool = Field(
        False, description="Whether students may name any repository of the Hub, unpinned."
    )
    hub_token: SecretStr = Field(
        SecretStr(""), description="Lets every visitor publish runs to its owner's account."
    )

    @property
    def queue_url(self) -> str:
        """SQLAlchemy URL of the queue's database."""
        return self.database_url or f"sqlite:///{self.home / 'queue.sqlite'}"
