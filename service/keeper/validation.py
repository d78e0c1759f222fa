"""Reads the lines of new uploads, a slice at a time and each job in turn, and starts the jobs or refuses them."""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from selfref.messages import JobStatus, LineCounts, now
from selfref.store import Store, StoredJob
from service.clock import milliseconds
from service.spool.folder import Spool, UploadDamaged, Validated
from service.spool.validating import Validator

SLICE = 2000  # lines read before another job has its turn
NO_LINES = LineCounts(total=0, pairs=0, duplicates=0, gold=0, refused=0)

log = structlog.get_logger()


class Validation:
    """The uploads that are being read; `advance` is called again and again."""

    def __init__(self, store: Store, spool: Spool, *, line_bytes: int) -> None:
        self._store = store
        self._spool = spool
        self._line_bytes = line_bytes
        self._validators: dict[str, Validator] = {}

    async def advance(self, jobs: Sequence[StoredJob]) -> bool:
        """Read one slice of each job that is not read yet. True when there is more. Raises StoreUnavailable."""
        unread = [job for job in jobs if job.status is JobStatus.VALIDATING]
        self._forget_all_but(unread)
        for job in unread:
            try:
                validated = await asyncio.to_thread(self._step, job)
            except UploadDamaged as error:
                log.error("upload_damaged", job=job.id, error=str(error))
                await self._refuse(job, NO_LINES, reason="The stored upload has been damaged; upload the file again.")
                continue
            if validated is not None:
                await self._begin(job, validated)
        return bool(unread)

    def close(self) -> None:
        """Let go of all files."""
        self._forget_all_but(())

    def _step(self, job: StoredJob) -> Validated | None:
        folder = self._spool.job(job.id)
        try:
            if (validated := folder.validated()) is not None:
                return validated
            if job.id not in self._validators:
                self._validators[job.id] = Validator(folder, most_line_bytes=self._line_bytes)
            return self._validators[job.id].step(SLICE)
        except FileNotFoundError:
            log.error("upload_missing", job=job.id, why="its folder is not in this keeper's SELFREF_SPOOL_DIR")
        except OSError as error:  # the disk is full, as a rule: the next turn begins from the first line
            log.error("upload_not_read", job=job.id, error=str(error))
            self._forget([job.id])
        return None

    async def _begin(self, job: StoredJob, validated: Validated) -> None:
        lines = validated.lines
        most = (await asyncio.to_thread(self._spool.job(job.id).manifest)).options.max_refused
        log.info("validated", job=job.id, pairs=lines.pairs, refused=lines.refused)
        if lines.refused > most * lines.total:
            reason = (
                f"{lines.refused} of {lines.total} lines were refused, more than the share of {most:g} that this job "
                "allows; nothing was judged. Mend the lines that the errors list names, or allow more by `max_refused`."
            )
            await self._refuse(job, lines, reason=reason)
            return
        text = lines.model_dump_json().encode()
        await self._store.jobs.start(
            job, lines=text, pairs=lines.pairs, checks=validated.checks, at=milliseconds(now())
        )

    async def _refuse(self, job: StoredJob, lines: LineCounts, *, reason: str) -> None:
        text = lines.model_dump_json().encode()
        await self._store.jobs.refuse(job, lines=text, at=milliseconds(now()), reason=reason)

    def _forget_all_but(self, jobs: Sequence[StoredJob]) -> None:
        self._forget(self._validators.keys() - {job.id for job in jobs})

    def _forget(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            if job_id in self._validators:
                self._validators.pop(job_id).close()
