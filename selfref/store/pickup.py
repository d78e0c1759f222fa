"""From entries of a work stream to claims: what has ended is dropped, what cannot be read is failed with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from selfref.messages import STATE, Failure, FailureCode, FailureReason, Lane, State, Work, now
from selfref.store.claims import Claim
from selfref.store.finishing import end_failed
from selfref.store.judgments import RETENTION
from selfref.store.keys import GROUP, Shards
from selfref.store.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a work stream that a consumer has taken; `deliveries` as the stream counts them."""

    judgment_id: str
    lane: Lane
    shard: int
    entry_id: str
    deliveries: int


async def pick_up(pipeline: Pipeline, entries: Sequence[Entry], *, shards: Shards, consumer: str) -> list[Claim]:
    """The claims that these entries make, in order. Raises StoreUnavailable; the entries then stay leased."""
    if not entries:
        return []
    rows = await pipeline.calls(
        (
            "HMGET",
            shards[each.shard].judgment(each.judgment_id),
            "state",
            "work",
            "attempts",
            "crashes",
            "tenant",
            "result",
        )
        for each in entries
    )
    claims = []
    for entry, row in zip(entries, rows, strict=True):
        state, work = row[:2]
        if state != b"waiting":
            await _drop(pipeline, entry, shards=shards)
            continue
        deliveries = entry.deliveries + int(row[3] or 0)
        try:
            decoded = Work.model_validate_json(work)
        except ValidationError as error:
            await _fail_undecodable(pipeline, entry, row=row, deliveries=deliveries, problem=error, shards=shards)
            continue
        claims.append(
            Claim(
                work=decoded,
                lane=entry.lane,
                shard=entry.shard,
                entry_id=entry.entry_id,
                consumer=consumer,
                attempts=int(row[2] or 0),
                deliveries=deliveries,
            )
        )
    return claims


async def _drop(pipeline: Pipeline, entry: Entry, *, shards: Shards) -> None:
    stream = shards[entry.shard].work(entry.lane)
    await pipeline.calls([("XACK", stream, GROUP, entry.entry_id), ("XDEL", stream, entry.entry_id)])


async def _fail_undecodable(
    pipeline: Pipeline, entry: Entry, *, row: Sequence[Any], deliveries: int, problem: ValidationError, shards: Shards
) -> None:
    first = problem.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "work"
    accepted = _waiting(row[5])
    failure = Failure(
        id=entry.judgment_id,
        custom_id=accepted and accepted.custom_id,
        job_id=accepted and accepted.job_id,
        created_at=accepted.created_at if accepted else now(),
        error=FailureReason(
            code=FailureCode.UNDECODABLE,
            message=f"the stored work cannot be read by this worker ({where}: {first['type']}); are versions mixed?",
            retryable=False,
            attempts=int(row[2] or 0),
            deliveries=deliveries,
        ),
        finished_at=now(),
    )
    await end_failed(
        pipeline,
        failure,
        keys=shards[entry.shard],
        tenant=row[4].decode(),
        lane=entry.lane,
        entry_id=entry.entry_id,
        retention=RETENTION,
    )


def _waiting(text: bytes) -> State | None:
    try:
        return STATE.validate_json(text)
    except ValidationError:
        return None
