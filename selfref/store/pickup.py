"""From entries of a work stream to claims: what has ended is dropped, what cannot be read is failed with its reason.

An entry of a job's pair carries the work itself, and the job says whether it is still wanted. Any other entry carries
the pair's id, and the rest is in the pair's hash.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from selfref.bias import FAILED
from selfref.messages import STATE, Failure, FailureCode, FailureReason, Lane, State, Work, now
from selfref.store.claims import Claim
from selfref.store.documents import unpack
from selfref.store.errors import DocumentUnreadable
from selfref.store.finishing import end_failed, end_failed_of_job
from selfref.store.judgments import RETENTION
from selfref.store.keys import GROUP, Shards, job_of
from selfref.store.pipeline import Pipeline
from selfref.store.tallies import Tally
from selfref.store.wire import Command

_UNREADABLE = (ValidationError, DocumentUnreadable)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a work stream that a consumer has taken.

    `deliveries` counts the workers that took the pair and did not give it back, this one included; `attempts` and
    `work` are what the entry itself carries.
    """

    judgment_id: str
    lane: Lane
    shard: int
    entry_id: str
    deliveries: int
    attempts: int = 0
    work: bytes | None = None


async def pick_up(pipeline: Pipeline, entries: Sequence[Entry], *, shards: Shards, consumer: str) -> list[Claim]:
    """The claims that these entries make, in order. Raises StoreUnavailable; the entries then stay leased."""
    carrying = [entry for entry in entries if entry.work is not None]
    known = await _running_jobs(pipeline, carrying, shards=shards)
    rows = await pipeline.calls(_lookup(entry, shards=shards) for entry in entries if entry.work is None)
    unread = iter(rows)
    claims = []
    for entry in entries:
        if entry.work is None:
            claim = await _of_pair(pipeline, entry, next(unread), shards=shards, consumer=consumer)
        else:
            wanted = job_of(entry.judgment_id) in known
            claim = await _of_job(pipeline, entry, wanted=wanted, shards=shards, consumer=consumer)
        if claim is not None:
            claims.append(claim)
    return claims


async def _running_jobs(pipeline: Pipeline, entries: Iterable[Entry], *, shards: Shards) -> set[str]:
    jobs = sorted({job_of(entry.judgment_id) for entry in entries})
    states = await pipeline.calls(("HGET", shards.of(job).job(job), "state") for job in jobs)
    return {job for job, state in zip(jobs, states, strict=True) if state == b"running"}


def _lookup(entry: Entry, *, shards: Shards) -> Command:
    key = shards[entry.shard].judgment(entry.judgment_id)
    return ("HMGET", key, "state", "work", "attempts", "crashes", "tenant", "result")


async def _of_job(pipeline: Pipeline, entry: Entry, *, wanted: bool, shards: Shards, consumer: str) -> Claim | None:
    if not wanted:
        await _drop(pipeline, entry, shards=shards)
        return None
    try:
        work = Work.model_validate_json(unpack(entry.work or b""))
    except _UNREADABLE as error:
        failure = _undecodable(entry, None, attempts=entry.attempts, deliveries=entry.deliveries, problem=error)
        keys, job_id = shards[entry.shard], job_of(entry.judgment_id)
        check = _kind_of_check(entry.work or b"")
        tenant = await pipeline.call("HGET", keys.job(job_id), "tenant")
        await end_failed_of_job(
            pipeline,
            failure,
            tally=Tally(None, FAILED),
            tenant=(tenant or b"").decode(),  # without one the job has just been deleted, and nothing is counted
            check=check,
            job_id=job_id,
            keys=keys,
            entry_id=entry.entry_id,
        )
        return None
    return _claim(entry, work, consumer=consumer, attempts=entry.attempts, deliveries=entry.deliveries)


async def _of_pair(
    pipeline: Pipeline, entry: Entry, row: Sequence[Any], *, shards: Shards, consumer: str
) -> Claim | None:
    state, text, attempts, crashes, tenant, result = row
    if state != b"waiting":
        await _drop(pipeline, entry, shards=shards)
        return None
    deliveries = entry.deliveries + int(crashes or 0)
    try:
        work = Work.model_validate_json(unpack(text))
    except _UNREADABLE as error:
        await end_failed(
            pipeline,
            _undecodable(entry, _waiting(result), attempts=int(attempts or 0), deliveries=deliveries, problem=error),
            tally=Tally(None, FAILED),
            keys=shards[entry.shard],
            tenant=tenant.decode(),
            lane=entry.lane,
            entry_id=entry.entry_id,
            retention=RETENTION,
        )
        return None
    return _claim(entry, work, consumer=consumer, attempts=int(attempts or 0), deliveries=deliveries)


def _claim(entry: Entry, work: Work, *, consumer: str, attempts: int, deliveries: int) -> Claim:
    return Claim(
        work=work,
        lane=entry.lane,
        shard=entry.shard,
        entry_id=entry.entry_id,
        consumer=consumer,
        attempts=attempts,
        deliveries=deliveries,
    )


async def _drop(pipeline: Pipeline, entry: Entry, *, shards: Shards) -> None:
    stream = shards[entry.shard].work(entry.lane)
    await pipeline.calls([("XACK", stream, GROUP, entry.entry_id), ("XDEL", stream, entry.entry_id)])


def _undecodable(
    entry: Entry,
    accepted: State | None,
    *,
    attempts: int,
    deliveries: int,
    problem: ValidationError | DocumentUnreadable,
) -> Failure:
    return Failure(
        id=entry.judgment_id,
        custom_id=accepted and accepted.custom_id,
        job_id=job_of(entry.judgment_id) or None,
        created_at=accepted.created_at if accepted else now(),
        error=FailureReason(
            code=FailureCode.UNDECODABLE,
            message=f"the stored work cannot be read by this worker ({_what_is_wrong(problem)}); are versions mixed?",
            retryable=False,
            attempts=attempts,
            deliveries=deliveries,
        ),
        finished_at=now(),
    )


def _what_is_wrong(problem: ValidationError | DocumentUnreadable) -> str:
    if isinstance(problem, DocumentUnreadable):
        return problem.detail
    first = problem.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'work'}: {first['type']}"


def _kind_of_check(text: bytes) -> str | None:
    """What hidden check some work stands for that cannot be read as a whole; None for a pair."""
    try:
        return str(orjson.loads(unpack(text))["check"]["kind"])
    except (DocumentUnreadable, ValueError, LookupError, TypeError):
        return None


def _waiting(text: bytes) -> State | None:
    try:
        return STATE.validate_json(unpack(text))
    except _UNREADABLE:
        return None
