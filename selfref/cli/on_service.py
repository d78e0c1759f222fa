"""What commands that speak with the service share: a client for one use, and its errors as exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selfref.cli.exit_codes import WRONG_USE

if TYPE_CHECKING:
    from selfref.client import Client


@contextmanager
def on_service(url: str | None, api_key: str | None, data_dir: Path | None) -> "Iterator[Client]":
    """A client of the service; ends the command with the exit code that fits where the service says no."""
    from selfref.cli.addresses import service_url_of
    from selfref.cli.judge import what_to_do
    from selfref.cli.terminal import stop
    from selfref.client import Client, SelfrefError

    address = service_url_of(url, data_dir)
    try:
        with Client(address, api_key=api_key) as client:
            yield client
    except SelfrefError as error:
        code, advice = what_to_do(error, url=address)
        stop(code, str(error), advice=advice)
    except ValueError as error:
        stop(WRONG_USE, str(error))
