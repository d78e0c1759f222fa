"""What a gateway can be told by its environment; read once, in `__main__`."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """`SELFREF_REDIS_URL` and `SELFREF_SHARDS` are shared with the workers; the rest is `SELFREF_SERVICE_*`."""

    model_config = SettingsConfigDict(env_prefix="SELFREF_SERVICE_", frozen=True, extra="ignore", validate_by_name=True)

    redis_url: str = Field(default="redis://127.0.0.1:6379/0", validation_alias="SELFREF_REDIS_URL")
    shards: Annotated[int, Field(ge=1)] = Field(default=1, validation_alias="SELFREF_SHARDS")
    host: str = "127.0.0.1"
    port: Port = 8080  # 0: any free one, printed when ready
    api_keys_file: Path | None = None  # lines of `tenant sha256hex`
    api_keys: str = Field(default="", repr=False)  # `tenant:sha256hex`, separated by commas
    max_body_bytes: Annotated[int, Field(ge=1)] = 4_000_000
    queue_limit: Annotated[int, Field(ge=1)] = 10_000  # pairs waiting, above which new ones get 429
    max_wait: Seconds = 300.0  # the longest a request may be held open
    retention: Seconds = 7 * 86_400.0  # how long a finished judgment can be read

    @property
    def loopback_only(self) -> bool:
        """True where no other machine can reach the listening address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
