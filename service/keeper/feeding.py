"""Tops up the ready lists of running jobs: Redis holds a bounded window of work, and workers never wait for it."""

from collections.abc import Sequence

import structlog

from selfref.messages import JobStatus
from selfref.store import Store, StoredJob
from service.keeper import metrics
from service.keeper.plan import Plan
from service.spool.folder import Spool

AT_ONCE = 250  # pairs enqueued by one call, so that Redis is never held up for long
AT_ONCE_BYTES = 4_000_000  # and their size, about

log = structlog.get_logger()


class Feeding:
    """Feeds every running job its share of the window; `feed` is called again and again."""

    def __init__(self, store: Store, spool: Spool, *, window_pairs: int, window_bytes: int) -> None:
        self._store = store
        self._spool = spool
        self._window_pairs = window_pairs
        self._window_bytes = window_bytes
        self._plans: dict[str, Plan] = {}

    async def feed(self, jobs: Sequence[StoredJob]) -> bool:
        """Top up once. True when there is more to do at once. Raises StoreUnavailable."""
        hungry = [job for job in jobs if job.status is JobStatus.RUNNING and job.fed < job.planned]
        self._forget_all_but(hungry)
        lengths = await self._store.jobs.ready([job.id for job in hungry])
        metrics.READY_PAIRS.set(sum(lengths))
        more = False
        for job, length in zip(hungry, lengths, strict=True):
            plan = self._plan(job)
            if plan is not None:
                more |= await self._top_up(job, plan, room=self._share(plan, jobs=len(hungry)) - length)
        return more

    def close(self) -> None:
        """Let go of all files."""
        self._forget_all_but(())

    def _share(self, plan: Plan, *, jobs: int) -> int:
        """Pairs that a job may hold ready: its part of the window in number and in size, and always one."""
        return max(1, min(self._window_pairs // jobs, self._window_bytes // jobs // plan.bytes_per_pair))

    async def _top_up(self, job: StoredJob, plan: Plan, *, room: int) -> bool:
        at_once = max(1, min(AT_ONCE, AT_ONCE_BYTES // plan.bytes_per_pair))
        if room < 1:
            return False
        items = await plan.items(self._store, job, count=min(room, at_once))
        await self._store.jobs.enqueue(job, items, after=job.fed, through=job.fed + len(items))
        metrics.FED.inc(len(items))
        return room > at_once

    def _plan(self, job: StoredJob) -> Plan | None:
        """The job's plan, opened once; None where its files are gone, which only a person can mend."""
        if job.id not in self._plans:
            try:
                self._plans[job.id] = Plan(self._spool.job(job.id))
            except FileNotFoundError:
                log.error("upload_missing", job=job.id, why="its folder is not in this keeper's SELFREF_SPOOL_DIR")
                return None
        return self._plans[job.id]

    def _forget_all_but(self, jobs: Sequence[StoredJob]) -> None:
        for job_id in self._plans.keys() - {job.id for job in jobs}:
            self._plans.pop(job_id).close()
