"""Holds the uploads on disk against the jobs that Redis knows, and takes up those that it has lost.

Redis may lose its last second when its machine dies, and everything when its disk does. An upload was on disk before it
was accepted, so the job begins again; what of it had been judged and is lost with Redis is judged once more.
"""

import asyncio
from datetime import timedelta

import structlog

from selfref.messages import now
from selfref.store import Store, StoredJob
from service.clock import milliseconds
from service.registration import register
from service.spool.folder import JobFolder, Spool

EVERY = 60.0  # seconds between two comparisons, if Redis is not started again meanwhile
UNCLAIMED = 3600.0  # seconds; a gateway that kept an upload tells Redis at once, or has died and accepted nothing

log = structlog.get_logger()


class Recovery:
    """`compare_when_due` is called again and again."""

    def __init__(self, store: Store, spool: Spool) -> None:
        self._store = store
        self._spool = spool
        self._compared_with = ""  # the run of Redis
        self._due = 0.0

    async def compare_when_due(self) -> None:
        """Compare at first, soon after every start of Redis, and now and then.

        Raises StoreUnavailable, SpoolFull and OSError.
        """
        run = await self._store.run_id()
        clock = asyncio.get_running_loop().time
        if run != self._compared_with:
            await self._store.rewrite_log()
        if run != self._compared_with or clock() >= self._due:
            await self._compare()
            self._compared_with, self._due = run, clock() + EVERY

    async def _compare(self) -> None:
        """Take up what is lost, and note on disk what Redis knows."""
        folders = await asyncio.to_thread(lambda: list(self._spool.jobs()))
        known = await self._store.jobs.get_all([folder.path.name for folder in folders])
        going = set(await self._store.jobs.deleted())
        for folder, job in zip(folders, known, strict=True):
            if job is not None and folder.canceled and not job.status.ended:
                await self._store.jobs.cancel(job.id, tenant=job.tenant, at=milliseconds(now()))
                log.warning("canceled_again", job=job.id, why="its cancel was answered and Redis had lost it")
            elif job is not None:
                await asyncio.to_thread(_note, folder, job)
            elif folder.path.name not in going:
                await self._take_up(folder)

    async def _take_up(self, folder: JobFolder) -> None:
        if folder.ended:
            return
        try:
            manifest = await asyncio.to_thread(folder.manifest)
        except FileNotFoundError:  # deleted since the folders were listed
            return
        if folder.accepted:
            if await register(self._store, manifest) is None:
                log.warning("taken_up", job=manifest.job_id, why="its upload is here and Redis had lost it")
        elif now() - manifest.created_at > timedelta(seconds=UNCLAIMED):
            await asyncio.to_thread(self._spool.delete, manifest.job_id)


def _note(folder: JobFolder, job: StoredJob) -> None:
    if not folder.accepted:
        folder.mark_accepted()
    if job.status.ended and not folder.ended:
        folder.mark_ended()
    elif not job.status.ended and folder.ended:
        folder.mark_open()
