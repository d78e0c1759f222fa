"""Where the parts of the service are: as told, else the running local stack's, else the usual place."""

import os
from pathlib import Path

from selfref.cli.options import DEFAULT_REDIS_URL, DEFAULT_URL
from selfref.stack.datadir import Running, default_data_dir

DEFAULT_ENGINE_URL = "http://127.0.0.1:8081"


def running_stack(data_dir: Path | None) -> Running | None:
    """The local stack that runs in this folder (None: the user's own), if one does."""
    return Running.find((data_dir or default_data_dir(os.environ)).expanduser())


def redis_url_of(told: str | None, data_dir: Path | None) -> str:
    """The service's Redis."""
    running = running_stack(data_dir)
    return told or (running.redis_url if running else DEFAULT_REDIS_URL)


def engine_urls_of(told: str | None, data_dir: Path | None) -> tuple[str, ...]:
    """The workers' engines."""
    if told:
        return (told,)
    running = running_stack(data_dir)
    return running.engine_urls if running else (DEFAULT_ENGINE_URL,)


def service_url_of(told: str | None, data_dir: Path | None) -> str:
    """The gateway."""
    running = running_stack(data_dir)
    return told or (running.service_url if running else DEFAULT_URL)
