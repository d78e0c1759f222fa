"""Jobs as Redis knows them: registered, started, fed, ended, retried and forgotten; each step one script.

The upload itself lies on disk. What is here is small whatever its size: numbers, and a place in the plan by which its
pairs are fed to the ready lists (every pair once, then the failed ones of each retry).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from selfref.messages import JobCounts, JobStatus, Lane, Usage, Work
from selfref.store.calls import new_call
from selfref.store.cursor import Position
from selfref.store.documents import pack
from selfref.store.keys import GROUP, Shards, failure_sequence, label_sequence, result_sequence
from selfref.store.pipeline import Pipeline
from selfref.store.sequences import Entry, Sequences
from selfref.store.usage import unpack_usage
from selfref.store.wire import Command

HEAD_START = 16  # pairs dealt before a worker asks for them, so that idle workers are woken
TOMBSTONE = 7 * 24 * 3600.0  # seconds that the id of a deleted job stays unused, longer than entries of it lie about
COUNTED = ("submitted", "decided", "tie", "inconsistent", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job's hash; times in milliseconds since 1970. `manifest` and `lines` are as they were given."""

    id: str
    tenant: str
    status: JobStatus
    manifest: bytes
    created: int
    started: int | None
    ended: int | None
    lines: bytes | None
    reason: str | None
    planned: int
    fed: int
    counts: JobCounts
    checks: int
    checks_ended: int
    usage: Usage
    retried_through: Position  # the last failure that a retry has taken up

    @property
    def finished(self) -> int:
        """Pairs that have ended."""
        return self.counts.submitted - self.counts.waiting


@dataclass(frozen=True, slots=True)
class Taken:
    """The id belongs to an earlier upload of this tenant and fingerprint, or (None) to a job that was deleted."""

    fingerprint: str | None
    tenant: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """The failures that one retry has taken up: those behind `after`, up to and including `through`."""

    after: Position
    through: Position
    pairs: int


class Jobs:
    """Every method raises StoreUnavailable."""

    def __init__(self, pipeline: Pipeline, sequences: Sequences, *, shards: Shards) -> None:
        self._pipeline = pipeline
        self._sequences = sequences
        self._shards = shards

    # The gateway's side

    async def register(
        self, job_id: str, *, tenant: str, manifest: bytes, fingerprint: str, created: int
    ) -> Taken | None:
        """Make a spooled upload known, once per id; None when it is this one that the id now stands for."""
        keys = self._shards.of(job_id)
        reply = await self._pipeline.run(
            "job_register",
            keys=[
                *(keys.job(job_id), keys.jobs(tenant), keys.open_jobs),
                *(keys.tombstone(job_id), keys.deleted_jobs),
            ],
            args=[job_id, new_call(), tenant, manifest, fingerprint, created],
        )
        match reply:
            case [b"registered"]:
                return None
            case [b"there", known, owner]:
                return Taken(fingerprint=known.decode(), tenant=owner.decode())
            case _:
                return Taken(fingerprint=None, tenant=None)

    async def get(self, job_id: str) -> StoredJob | None:
        """The job, or None when it was never registered, or is forgotten."""
        return (await self.get_all([job_id]))[0]

    async def get_all(self, job_ids: Sequence[str]) -> list[StoredJob | None]:
        """These jobs, in the order asked for, in one round trip."""
        rows = await self._pipeline.calls(("HGETALL", self._shards.of(each).job(each)) for each in job_ids)
        return [
            _stored(job_id, dict(zip(row[::2], row[1::2], strict=True))) if row else None
            for job_id, row in zip(job_ids, rows, strict=True)
        ]

    async def of_tenant(self, tenant: str, *, before: tuple[int, str] | None, limit: int) -> list[str]:
        """Up to `limit` ids of a tenant's jobs, the newest first, behind one of them (`created` and id)."""
        commands: list[Command] = []
        for keys in self._shards:
            newest = "+inf" if before is None else f"({before[0]}"
            commands.append(("ZREVRANGEBYSCORE", keys.jobs(tenant), newest, "-inf", "WITHSCORES", "LIMIT", 0, limit))
            if before is not None:  # all of the same moment, because Redis can go on from a moment but not from an id
                commands.append(("ZREVRANGEBYSCORE", keys.jobs(tenant), before[0], before[0], "WITHSCORES"))
        pages = await self._pipeline.calls(commands)
        found = [
            (int(float(score)), job_id.decode())
            for page in pages
            for job_id, score in zip(page[::2], page[1::2], strict=True)
        ]
        older = sorted((each for each in found if before is None or each < before), reverse=True)
        return [job_id for _, job_id in older[:limit]]

    async def cancel(self, job_id: str, *, tenant: str, at: int) -> None:
        """End a job that has not ended, with everything of it that waits."""
        keys = self._shards.of(job_id)
        await self._pipeline.run(
            "job_cancel",
            keys=[
                keys.job(job_id),
                keys.open_jobs,
                keys.ended_jobs,
                keys.ready(job_id),
                keys.turns,
                keys.turns_of(tenant),
                keys.credits,
            ],
            args=[job_id, at, tenant],
        )

    async def retry(self, job_id: str, *, tenant: str) -> int:
        """Let the failed pairs of a job wait again. Returns how many; none of a job that was canceled or refused."""
        keys = self._shards.of(job_id)
        _, pairs = await self._pipeline.run(
            "job_retry",
            keys=[
                keys.job(job_id),
                keys.open_jobs,
                keys.ended_jobs,
                keys.retries(job_id),
                keys.sequence(failure_sequence(job_id)),
                keys.unarchived,
            ],
            args=[job_id, new_call(), *_sequences_of(job_id, tenant=tenant)],
        )
        return int(pairs)

    async def delete(self, job_id: str, *, tenant: str) -> bool:
        """Forget a job and what is known of its pairs, but not its labels. False while it has not ended."""
        keys = self._shards.of(job_id)
        names = (result_sequence(job_id), failure_sequence(job_id))
        return bool(
            await self._pipeline.run(
                "job_delete",
                keys=[
                    *(keys.job(job_id), keys.jobs(tenant), keys.ended_jobs, keys.deleted_jobs),
                    *(keys.unarchived, keys.garbage, keys.tombstone(job_id)),
                    *map(keys.segments, names),
                    *map(keys.sequence, names),
                    *(keys.retries(job_id), keys.checks(job_id), keys.pace(job_id)),
                ],
                args=[job_id, round(TOMBSTONE * 1000), *names],
            )
        )

    async def results(self, job_id: str, *, after: Position, limit: int) -> list[Entry]:
        """The job's judgments as JSON, in the order of their completion."""
        return await self._sequences.read(self._shards.of(job_id), result_sequence(job_id), after=after, limit=limit)

    async def failures(self, job_id: str, *, after: Position, limit: int) -> list[Entry]:
        """The Failure messages of the job's pairs as JSON, those that a retry has taken up included."""
        return await self._sequences.read(self._shards.of(job_id), failure_sequence(job_id), after=after, limit=limit)

    async def retries(self, job_id: str) -> list[Retry]:
        """Every retry of the job, in order."""
        rows = await self._pipeline.call("LRANGE", self._shards.of(job_id).retries(job_id), 0, -1)
        found = []
        for row in rows:
            after, through, pairs = row.decode().split()
            found.append(Retry(Position.parse(after), Position.parse(through), int(pairs)))
        return found

    async def checks(self, job_id: str) -> dict[str, bytes]:
        """Readings of the job's hidden checks, by `kind:number`."""
        row = await self._pipeline.call("HGETALL", self._shards.of(job_id).checks(job_id))
        return {field.decode(): reading for field, reading in zip(row[::2], row[1::2], strict=True)}

    # The keeper's side

    async def open(self) -> list[StoredJob]:
        """Every job that has not ended, the oldest first."""
        ids = await self._members([("SMEMBERS", keys.open_jobs) for keys in self._shards])
        jobs = [job for job in await self.get_all(ids) if job is not None]
        return sorted(jobs, key=lambda job: (job.created, job.id))

    async def ended_before(self, at: int, *, limit: int) -> list[str]:
        """Up to `limit` jobs per shard that ended before a time (ms since 1970)."""
        return await self._members(
            [("ZRANGEBYSCORE", keys.ended_jobs, "-inf", f"({at}", "LIMIT", 0, limit) for keys in self._shards]
        )

    async def deleted(self) -> list[str]:
        """Jobs whose files are left to be removed."""
        return await self._members([("SMEMBERS", keys.deleted_jobs) for keys in self._shards])

    async def files_removed(self, job_id: str) -> None:
        """Nothing is left of the job."""
        await self._pipeline.call("SREM", self._shards.of(job_id).deleted_jobs, job_id)

    async def start(self, job: StoredJob, *, lines: bytes, pairs: int, checks: int, at: int) -> None:
        """The lines are read: the job runs. Nothing where it does already, or was canceled meanwhile."""
        await self._begin(job, JobStatus.RUNNING, lines=lines, pairs=pairs, checks=checks, at=at, reason="")

    async def refuse(self, job: StoredJob, *, lines: bytes, at: int, reason: str) -> None:
        """The lines are read, and too many of them are wrong: nothing of the job is judged."""
        await self._begin(job, JobStatus.FAILED, lines=lines, pairs=0, checks=0, at=at, reason=reason)

    async def ready(self, job_ids: Sequence[str]) -> list[int]:
        """How many pairs wait on each job's ready list."""
        return await self._pipeline.calls(("LLEN", self._shards.of(each).ready(each)) for each in job_ids)

    async def enqueue(self, job: StoredJob, pairs: Sequence[bytes], *, after: int, through: int) -> int | None:
        """Put the plan's pairs behind place `after`, up to `through`, on the job's ready list (`ready_item`).

        Returns the plan's place, which is not `through` where somebody else has fed the job; None once it has ended.
        """
        keys = self._shards.of(job.id)
        how, place = await self._pipeline.run(
            "enqueue",
            keys=[
                keys.job(job.id),
                keys.ready(job.id),
                keys.turns,
                keys.turns_of(job.tenant),
                keys.work(Lane.BATCH),
            ],
            args=[after, through, job.id, job.tenant, GROUP, HEAD_START, keys.prefix, *pairs],
        )
        return None if how == b"closed" else int(place)

    async def complete(self, job_id: str, *, at: int) -> bool:
        """End a job whose pairs and checks have all ended. True when it has."""
        keys = self._shards.of(job_id)
        return bool(
            await self._pipeline.run(
                "job_complete", keys=[keys.job(job_id), keys.open_jobs, keys.ended_jobs], args=[job_id, at]
            )
        )

    async def pace(self, job_id: str) -> bytes | None:
        """What the keeper last noted about the job's speed."""
        noted: bytes | None = await self._pipeline.call("GET", self._shards.of(job_id).pace(job_id))
        return noted

    async def note_pace(self, job_id: str, note: bytes, *, seconds: float) -> None:
        """Note something about the job's speed, for a while."""
        await self._pipeline.call("SET", self._shards.of(job_id).pace(job_id), note, "PX", round(seconds * 1000))

    async def _begin(
        self, job: StoredJob, status: JobStatus, *, lines: bytes, pairs: int, checks: int, at: int, reason: str
    ) -> None:
        keys = self._shards.of(job.id)
        await self._pipeline.run(
            "job_start",
            keys=[keys.job(job.id), keys.open_jobs, keys.ended_jobs, keys.unarchived],
            args=[job.id, status.value, lines, pairs, checks, at, reason, *_sequences_of(job.id, tenant=job.tenant)],
        )

    async def _members(self, commands: Sequence[Command]) -> list[str]:
        pages = await self._pipeline.calls(commands)
        return sorted(member.decode() for page in pages for member in page)


def ready_item(number: int, *, cost: int, work: Work) -> bytes:
    """A pair as it waits on a ready list; `cost` (1 or more) is its share of a tenant's turn."""
    return b"%d:%d:%b" % (cost, number, pack(work.model_dump_json(exclude_defaults=True)))


def _sequences_of(job_id: str, *, tenant: str) -> tuple[str, str, str]:
    return result_sequence(job_id), failure_sequence(job_id), label_sequence(tenant)


def _stored(job_id: str, fields: dict[bytes, bytes]) -> StoredJob:
    numbers = {name: int(fields.get(name.encode(), 0)) for name in COUNTED}
    ended = sum(number for name, number in numbers.items() if name != "submitted")
    return StoredJob(
        id=job_id,
        tenant=fields[b"tenant"].decode(),
        status=JobStatus(fields[b"state"].decode()),
        manifest=fields[b"manifest"],
        created=int(fields[b"created"]),
        started=_time(fields.get(b"started")),
        ended=_time(fields.get(b"ended")),
        lines=fields.get(b"lines"),
        reason=fields[b"reason"].decode() if fields.get(b"reason") else None,
        planned=int(fields.get(b"planned", 0)),
        fed=int(fields.get(b"fed", 0)),
        counts=JobCounts(**numbers, waiting=numbers["submitted"] - ended),
        checks=int(fields.get(b"checks", 0)),
        checks_ended=int(fields.get(b"checks_ended", 0)),
        usage=unpack_usage(fields.get(b"usage")),
        retried_through=Position.parse(fields.get(b"retried_through", b"0-0").decode()),
    )


def _time(text: bytes | None) -> int | None:
    return None if text is None else int(text)
