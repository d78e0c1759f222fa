"""What commands that speak with the service share: a client for one use, and its errors as exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selfref.cli.exit_codes import WRONG_USE

if TYPE_CHECKING:
    from selfref.client import Client, ProblemError

_ADVICE = {
    "unknown_job": "`selfref jobs list` shows your jobs.",
    "job_not_ended": "Wait for its end with `selfref jobs follow`, or stop it with `selfref jobs cancel`.",
    "nothing_to_retry": "Only pairs that could not be judged are retried; `selfref jobs errors` shows which.",
    "job_not_retryable": "Submit the pairs again.",
    "idempotency_key_reused": "Leave --idempotency-key out, or give another: this one stands for another upload.",
}


@contextmanager
def on_service(url: str | None, api_key: str | None, data_dir: Path | None) -> "Iterator[Client]":
    """A client of the service; ends the command with the exit code that fits where the service says no."""
    from selfref.cli.addresses import service_url_of
    from selfref.cli.judge import what_to_do
    from selfref.cli.terminal import stop
    from selfref.client import Client, ProblemError, SelfrefError

    address = service_url_of(url, data_dir)
    try:
        client = Client(address, api_key=api_key)
    except ValueError as error:
        stop(WRONG_USE, str(error))
    try:
        with client:
            yield client
    except SelfrefError as error:
        code, advice = what_to_do(error, url=address)
        stop(code, str(error), advice=_advice(error, advice) if isinstance(error, ProblemError) else advice)


def _advice(error: "ProblemError", otherwise: str) -> str:
    return _ADVICE.get(error.code, otherwise)
