"""What a gateway can be told by its environment; read once, in `__main__`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from selfref.loopback import is_loopback

PREFIX = "SELFREF_SERVICE_"
CENTURY = 36_525 * 86_400.0  # seconds; what is meant to last longer does not fit into Redis's clock
Port = Annotated[int, Field(ge=0, le=65535)]
SpoolDir = Annotated[Path, Field(validation_alias="SELFREF_SPOOL_DIR")]
ArchiveUrl = Annotated[str, Field(validation_alias="SELFREF_ARCHIVE_URL", min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=CENTURY, allow_inf_nan=False)]


class Settings(BaseSettings):
    """`SELFREF_REDIS_URL` and `SELFREF_SHARDS` are shared with the workers; the rest is `SELFREF_SERVICE_*`.

    Empty variables count as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", validate_by_name=True
    )

    redis_url: str = Field(default="redis://127.0.0.1:6379/0", validation_alias="SELFREF_REDIS_URL")
    shards: Annotated[int, Field(ge=1)] = Field(default=1, validation_alias="SELFREF_SHARDS")
    spool_dir: SpoolDir = Path("selfref-data/spool")  # shared with the keeper, as is the archive
    archive_url: ArchiveUrl = "selfref-data/archive"  # a folder, or what fsspec knows: s3://bucket/path
    host: str = "127.0.0.1"
    port: Port = 8080  # 0: any free one, printed when ready
    api_keys_file: Path | None = None  # lines of `tenant sha256hex`
    api_keys: str = Field(default="", repr=False)  # `tenant:sha256hex`, separated by commas
    max_body_bytes: Annotated[int, Field(ge=1)] = 4_000_000
    max_job_bytes: Annotated[int, Field(ge=1)] = 20_000_000_000  # of an upload, decompressed
    queue_limit: Annotated[int, Field(ge=1)] = 10_000  # pairs waiting, above which new ones get 429
    max_wait: Seconds = 300.0  # the longest a request may be held open
    retention: Seconds = 7 * 86_400.0  # how long a finished judgment can be read

    @property
    def loopback_only(self) -> bool:
        """True where no other machine can reach the listening address."""
        return is_loopback(self.host)
