"""What a keeper can be told by its environment; read once, in `__main__`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.settings import ArchiveUrl, Seconds, SpoolDir

PREFIX = "SELFREF_KEEPER_"


class Settings(BaseSettings):
    """The Redis, its shards, the spool and the archive are those of the gateways; the rest is `SELFREF_KEEPER_*`.

    Empty variables count as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", validate_by_name=True
    )

    redis_url: str = Field(default="redis://127.0.0.1:6379/0", validation_alias="SELFREF_REDIS_URL")
    shards: Annotated[int, Field(ge=1)] = Field(default=1, validation_alias="SELFREF_SHARDS")
    spool_dir: SpoolDir = Path("selfref-data/spool")
    archive_url: ArchiveUrl = "selfref-data/archive"
    lease: Annotated[float, Field(ge=1, le=600)] = (
        10.0  # seconds until a standby takes over from a keeper that vanished
    )
    window_pairs: Annotated[int, Field(ge=1)] = 10_000  # pairs of all jobs that Redis holds ready
    window_bytes: Annotated[int, Field(ge=1)] = 32_000_000  # and how large they may be together, about
    archive_after: Annotated[float, Field(ge=0)] = 60.0  # seconds until an outcome leaves Redis for the archive
    archive_pairs: Annotated[int, Field(ge=1)] = 2_000  # outcomes of one sequence that are archived without waiting
    line_bytes: Annotated[int, Field(ge=1)] = 1_000_000  # the longest line of an upload
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0  # 0 serves no metrics
    job_retention: Seconds = 30 * 86_400.0  # how long an ended job can be read; its labels stay
