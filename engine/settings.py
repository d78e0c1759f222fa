"""What one engine process is told at start, by flag or by `SELFREF_ENGINE_*`; built once in `__main__`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Count = Annotated[int, Field(ge=1)]
Amount = Annotated[int, Field(ge=0)]


class Settings(BaseSettings):
    """Limits are TGI's own names and defaults; memory is in MiB, and 0 means: find out from the device."""

    model_config = SettingsConfigDict(env_prefix="SELFREF_ENGINE_", env_ignore_empty=True, frozen=True, extra="forbid")

    model: Path = Field(description="folder of a Hugging Face causal language model with its tokenizer")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8081
    model_id: str | None = Field(default=None, description="the name shown in /info; default: the folder")
    revision: str | None = Field(default=None, description="shown as model_sha in /info")
    api_key: SecretStr | None = None
    device: str = Field(default="auto", description="auto, cpu, cuda or cuda:N")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    threads: Count = Field(default=1, description="torch threads on CPU")

    max_concurrent_requests: Count = 128
    max_best_of: Count = 2
    max_stop_sequences: Amount = 4
    max_top_n_tokens: Amount = 5
    max_client_batch_size: Count = 4
    max_input_tokens: Count | None = Field(default=None, description="default: max_total_tokens - 1")
    max_total_tokens: Count | None = Field(default=None, description="default: the positions that the model knows")
    payload_limit: Count = Field(default=2_000_000, description="bytes of a request body")
    enable_prefill_logprobs: bool = False

    max_batch_size: Count = Field(default=64, description="most rows in one decoding step")
    max_batch_prefill_tokens: Count = Field(default=4096, description="most prompt tokens between two decoding steps")
    waiting_served_ratio: Annotated[float, Field(ge=0)] = Field(
        default=0.25, description="waiting prompts, over running texts, that interrupt these at once"
    )
    max_waiting_tokens: Amount = Field(
        default=4, description="decoding steps between two interruptions for fewer prompts than that"
    )
    kv_cache_mib: Amount = Field(default=0, description="K/V of running requests")
    prefix_cache_mib: int = Field(
        default=0, ge=-1, description="K/V of earlier prompts kept for reuse; -1 turns it off"
    )
    validation_workers: Count = Field(default=2, description="threads that tokenize and compile grammars")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
