"""A worker small enough to read: claims from the real store and finishes what it claims, without an engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from selfref.messages import Failure, Judgment, Label, Work
from selfref.store import Store
from tests.outcomes import judgment_of

RETENTION = 600.0  # seconds

Judge = Callable[[Work], Judgment | Failure]


@asynccontextmanager
async def judging(store: Store, judge: Judge = judgment_of) -> AsyncIterator[None]:
    """A worker at work for as long as the block runs."""
    worker = asyncio.create_task(_work(store, judge))
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def judge_next(store: Store, judge: Judge = judgment_of, *, count: int = 1) -> None:
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
        label = Label.of(claim.work.comparison, outcome) if isinstance(outcome, Judgment) else None
        await store.work.finish(claim, outcome, label, retention=RETENTION)
    return len(claims)
