"""Ends jobs that are done, and removes those whose time is over."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import orjson
import structlog

from selfref.messages import JobStatus, now
from selfref.store import Store, StoredJob
from service.clock import milliseconds
from service.spool.folder import Spool

EXPIRED_AT_ONCE = 50  # jobs removed by one call, per shard
HALF_RECEIVED = 3600.0  # seconds after which an upload that nobody writes to any more is removed
PACE_EVERY = 15.0  # seconds between two notes of how far a job is
PACE_LASTS = 120.0  # seconds

log = structlog.get_logger()


class Tidying:
    """Duties that come round now and then."""

    def __init__(self, store: Store, spool: Spool, *, retention: float) -> None:
        self._store = store
        self._spool = spool
        self._retention = retention

    async def complete(self, jobs: Sequence[StoredJob]) -> None:
        """End the running jobs of which nothing is left to judge. Raises StoreUnavailable."""
        for job in jobs:
            done = job.counts.waiting == 0 and job.checks_ended >= job.checks
            if job.status is JobStatus.RUNNING and done and await self._store.jobs.complete(job.id, at=_now()):
                log.info("completed", job=job.id, pairs=job.counts.submitted)

    async def note_pace(self, jobs: Sequence[StoredJob]) -> None:
        """Note how far each running job is, beside the note before. Raises StoreUnavailable."""
        for job in jobs:
            if job.status is not JobStatus.RUNNING:
                continue
            noted = await self._store.jobs.pace(job.id)
            before = orjson.loads(noted) if noted else []
            if not before or _now() - before[-1][0] >= PACE_EVERY * 1000:
                note = orjson.dumps([*before[-3:], [_now(), job.finished]])
                await self._store.jobs.note_pace(job.id, note, seconds=PACE_LASTS)

    async def expire(self) -> None:
        """Forget jobs that ended long ago, and remove the files of all that are forgotten. Raises StoreUnavailable."""
        long_ago = milliseconds(now() - timedelta(seconds=self._retention))
        for job_id in await self._store.jobs.ended_before(long_ago, limit=EXPIRED_AT_ONCE):
            job = await self._store.jobs.get(job_id)
            if job is not None:
                await self._store.jobs.delete(job_id, tenant=job.tenant)
                log.info("expired", job=job_id)
        for job_id in await self._store.jobs.deleted():
            await asyncio.to_thread(self._spool.delete, job_id)
            await self._store.jobs.files_removed(job_id)
        await asyncio.to_thread(self._spool.sweep, idle=HALF_RECEIVED)


def _now() -> int:
    return milliseconds(now())
