"""A worker small enough to read: claims from the real store and finishes what it claims, without an engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from selfref.messages import (
    Failure,
    FailureCode,
    FailureReason,
    Judgment,
    Label,
    OrderReading,
    Perplexity,
    Provenance,
    Usage,
    Verdict,
    VoteCounts,
    Work,
    now,
)
from selfref.store import Store

RETENTION = 600.0  # seconds

Judge = Callable[[Work], Judgment | Failure]


def judged(work: Work, verdict: Verdict = Verdict.A) -> Judgment:
    """A complete judgment of this work."""
    reading = OrderReading(
        first="A", verdict="A", log_odds_a=2.0, semantic_perplexity=Perplexity(a=1.1, b=8.0), critique="A is kinder."
    )
    return Judgment(
        id=work.id,
        custom_id=work.custom_id,
        created_at=work.created_at,
        verdict=verdict,
        probability_a=0.9,
        strength=0.8,
        log_odds=2.0,
        position_bias=0.1,
        orders=(reading, reading.model_copy(update={"first": "B"})),
        votes=VoteCounts(a=2, b=0, tie=0),
        reference=None,
        principle=work.comparison.principle,
        preset=work.preset,
        flags=work.flags,
        usage=Usage(calls=5),
        provenance=Provenance(engine="none", model="none", template="0", method="made"),
        finished_at=now(),
    )


def failed(work: Work, code: FailureCode, *, retryable: bool = False) -> Failure:
    """A failure of this work, for the given reason."""
    reason = FailureReason(code=code, message=f"made to fail: {code}", retryable=retryable, attempts=1)
    return Failure(id=work.id, created_at=work.created_at, error=reason, finished_at=now())


@asynccontextmanager
async def judging(store: Store, judge: Judge = judged) -> AsyncIterator[None]:
    """A worker at work for as long as the block runs."""
    worker = asyncio.create_task(_work(store, judge))
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def judge_next(store: Store, judge: Judge = judged, *, count: int = 1) -> None:
    """Take exactly `count` pairs, as they come, and finish them."""
    while count:
        count -= await _round(store, judge, most=count)


async def _work(store: Store, judge: Judge) -> None:
    while True:
        await _round(store, judge, most=100)


async def _round(store: Store, judge: Judge, *, most: int) -> int:
    claims = await store.work.claim("test-judge", count=most, wait=0.2)
    for claim in claims:
        outcome = judge(claim.work)
        label = Label.of(claim.work, outcome) if isinstance(outcome, Judgment) else None
        await store.work.finish(claim, outcome, label, retention=RETENTION)
    return len(claims)
