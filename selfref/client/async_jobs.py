"""Jobs for asyncio code: `client.jobs`, as in `selfref.client.jobs`."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Unpack

from selfref.client import job_conversations as conversations
from selfref.client import job_streams as streams
from selfref.client.carriers import AsyncCarrier
from selfref.client.job_conversations import JobHow, JobPage, LineFormat, Page
from selfref.client.jobs import PAGE
from selfref.client.reading import AsyncReading
from selfref.client.steps import Policy
from selfref.client.uploads import Source, upload_of
from selfref.messages import Job, JobOptions, JobResult, LineError


class AsyncJobs:
    """Files of pairs; every method raises the errors of `selfref.client.errors`."""

    def __init__(self, carrier: AsyncCarrier, *, policy: Policy) -> None:
        self._carrier = carrier
        self._policy = policy

    async def submit(self, source: Source, *, idempotency_key: str | None = None, **how: Unpack[JobHow]) -> Job:
        """Upload JSON lines, plain or gzip: a file's, or pieces of bytes. They are safe once this returns.

        Raises OSError where the file cannot be read, and ValueError for an option that cannot be.
        """
        options = JobOptions.model_validate(how)
        key = idempotency_key or str(uuid.uuid4())
        with ExitStack() as held:
            upload = await asyncio.to_thread(held.enter_context, upload_of(source))
            return await self._carrier.carry_out(conversations.submit(upload, options, key=key, policy=self._policy))

    async def get(self, job_id: str) -> Job:
        """How far a job is, and what went wrong in it."""
        return await self._carrier.carry_out(conversations.get(job_id, policy=self._policy))

    async def page(self, after: str | None = None, *, limit: int = 20) -> JobPage:
        """Your jobs, the newest first."""
        return await self._carrier.carry_out(conversations.job_page(after, limit=limit, policy=self._policy))

    def follow(self, job_id: str) -> AsyncIterator[Job]:
        """The job whenever it has changed, until it has ended; goes on by itself after a lost connection."""
        return self._carrier.stream(streams.follow(job_id, policy=self._policy))

    async def result_page(self, job_id: str, after: str | None = None, *, limit: int = PAGE) -> Page[JobResult]:
        """The next judgments of a job after a cursor, in the order in which they were made."""
        return await self._carrier.carry_out(conversations.result_page(job_id, after, limit=limit, policy=self._policy))

    def results(self, job_id: str, after: str | None = None, *, limit: int = PAGE) -> AsyncReading[JobResult]:
        """Every judgment of a job so far, read `limit` at a time."""

        async def page(cursor: str | None) -> tuple[Sequence[JobResult], str]:
            found = await self.result_page(job_id, cursor, limit=limit)
            return found.items, found.cursor

        return AsyncReading(page, after)

    async def error_page(self, job_id: str, after: str | None = None, *, limit: int = PAGE) -> Page[LineError]:
        """The next errors of a job after a cursor: lines that were refused, then those that could not be judged."""
        return await self._carrier.carry_out(conversations.error_page(job_id, after, limit=limit, policy=self._policy))

    def errors(self, job_id: str, after: str | None = None, *, limit: int = PAGE) -> AsyncReading[LineError]:
        """Every error of a job so far, read `limit` at a time."""

        async def page(cursor: str | None) -> tuple[Sequence[LineError], str]:
            found = await self.error_page(job_id, cursor, limit=limit)
            return found.items, found.cursor

        return AsyncReading(page, after)

    async def line_page(
        self, job_id: str, after: str | None = None, *, limit: int = PAGE, format_: LineFormat = "judgments"
    ) -> Page[bytes]:
        """The next lines of a job's results in a format, as they were sent; without ties a page can be empty."""
        conversation = conversations.line_page(job_id, after, limit=limit, format_=format_, policy=self._policy)
        return await self._carrier.carry_out(conversation)

    async def line_pages(
        self, job_id: str, after: str | None = None, *, limit: int = PAGE, format_: LineFormat = "judgments"
    ) -> AsyncIterator[Page[bytes]]:
        """Every line of a job's results so far, page by page; the last page is empty."""
        while True:
            page = await self.line_page(job_id, after, limit=limit, format_=format_)
            yield page
            if not page.items and page.cursor == after:
                return
            after = page.cursor

    def parquet(self, job_id: str) -> AsyncIterator[bytes]:
        """The labels of a job so far as the bytes of one Parquet file, which are whole only at the end."""
        return self._carrier.stream(streams.parquet(job_id, policy=self._policy))

    async def cancel(self, job_id: str) -> Job:
        """Stop a job; the job as it is then."""
        return await self._carrier.carry_out(conversations.cancel(job_id, policy=self._policy))

    async def retry(self, job_id: str) -> Job:
        """Let the failed pairs of a job wait again."""
        return await self._carrier.carry_out(conversations.retry(job_id, policy=self._policy))

    async def delete(self, job_id: str) -> None:
        """Forget a job that has ended; its labels stay in the feed."""
        await self._carrier.carry_out(conversations.delete(job_id, policy=self._policy))
