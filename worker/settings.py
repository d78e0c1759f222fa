"""What can be set on a worker: environment variables, read once in `__main__` and passed down frozen."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from selfref.deciding import TIE_WIDTH

PREFIX = "SELFREF_WORKER_"

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Positive = Annotated[int, Field(ge=1)]


def _http(url: str) -> str:
    try:
        parts = urlsplit(url)
        reachable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not close
        reachable = False
    if not reachable:
        raise ValueError("is no address of a server; write http://HOST:PORT or https://HOST")
    return url


HttpUrl = Annotated[str, AfterValidator(_http)]


class Settings(BaseSettings):
    """One worker's settings; `SELFREF_WORKER_<NAME>` unless a field says otherwise. Empty variables count as unset."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", populate_by_name=True
    )

    redis_url: str = Field(default="redis://127.0.0.1:6379/0", validation_alias="SELFREF_REDIS_URL")
    shards: Positive = Field(default=1, validation_alias="SELFREF_SHARDS", description="equal in every process")
    retention: Seconds = Field(
        default=7 * 86_400.0,
        validation_alias="SELFREF_SERVICE_RETENTION",
        description="how long a finished judgment can be read; the gateway's own variable, since workers store them",
    )

    engine: Literal["tgi", "openai"] = "tgi"
    engine_url: HttpUrl = Field(default="http://127.0.0.1:8081", validation_alias="SELFREF_ENGINE_URL")
    engine_api_key: SecretStr | None = None
    engine_timeout: Seconds = Field(default=300.0, description="of one engine call, answer included")
    model: str | None = Field(default=None, description="model name, where the engine serves several (openai)")

    concurrency: Positive = Field(default=64, description="most judgments, and most engine calls, in flight")
    lease: Annotated[float, Field(ge=0.5, allow_inf_nan=False)] = Field(
        default=30.0, description="a worker silent for this long has lost its pairs to the others"
    )
    max_attempts: Positive = Field(default=4, description="judging attempts that may fail before the pair does")
    max_deliveries: Positive = Field(default=5, description="workers that may vanish with a pair before it fails")

    reference_tokens: Positive = 512
    critique_tokens: Positive = 512
    tie_width: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=TIE_WIDTH, description="|log-odds| below which two answers tie, nats"
    )
    calibration: Path | None = Field(
        default=None,
        description="file of `selfref calibrate`: scales of this judge by preset",
    )

    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = Field(default=0, description="0 serves no metrics")
