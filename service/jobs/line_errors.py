"""The errors of a job, line by line: first the lines that were refused, then those whose pair could not be judged."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Self

from selfref.messages import Failure, LineError
from selfref.store import Entry, Position, StoredJob
from service.errors import Invalid
from service.gateway import Gateway
from service.jobs.by_line import Place, Told, by_line
from service.jobs.index import index_of
from service.spool.refused import read_refused

_PLACE = re.compile(r"r(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """Where a reader is: at a byte of the refused lines, or, once they are all read, at a place among the failures."""

    refused: int | None = 0
    failures: Place = field(default_factory=Place)

    def encode(self) -> str:
        """As callers carry it."""
        return self.failures.encode() if self.refused is None else f"r{self.refused}"

    @classmethod
    def decode(cls, text: str) -> Self:
        """From what a caller carries. Raises Invalid."""
        found = _PLACE.fullmatch(text)
        return cls(int(found[1])) if found else cls(None, Place.decode(text))


async def read_errors(
    gateway: Gateway, job: StoredJob, *, after: ErrorPlace, limit: int
) -> tuple[list[LineError], ErrorPlace]:
    """Up to `limit` errors behind a place; none where there are no more now.

    Those that a retry has taken up are no errors any more.
    """
    if job.lines is None:
        return [], after
    errors: list[LineError] = []
    if after.refused is not None:
        try:
            folder = gateway.spool.job(job.id)
            refused = await asyncio.to_thread(read_refused, folder, after=after.refused, limit=limit)
        except FileNotFoundError:  # a damaged upload, whose lines could not be read
            return [], after
        except ValueError as error:
            raise Invalid("invalid_cursor", "`after` is no cursor of this list.", param="after") from error
        errors = [LineError.model_validate_json(line) for line in refused.text.splitlines()]
        after = ErrorPlace(refused.next) if errors else ErrorPlace(None)
    if after.refused is None and (job.counts.failed or after.failures.lines):
        failed, place = await _failed(gateway, job, after=after.failures, limit=limit)
        return failed, ErrorPlace(None, place)
    return errors, after


async def _failed(gateway: Gateway, job: StoredJob, *, after: Place, limit: int) -> tuple[list[LineError], Place]:
    async def read(position: Position, most: int) -> list[Entry]:
        return await gateway.store.jobs.failures(job.id, after=max(position, job.retried_through), limit=most)

    with index_of(gateway, job) as index:
        told, place = await by_line(read, index, after=after, limit=limit)
    return [_line_error(each) for each in told], place


def _line_error(told: Told) -> LineError:
    error = Failure.model_validate_json(told.outcome).error
    return LineError(
        line=told.line,
        custom_id=told.custom_id,
        code=error.code.value,
        message=error.message,
        retryable=error.retryable,
    )
