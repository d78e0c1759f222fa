"""The claim loop while the store is away, slow, or lost: what is paid for is stored in the end, and stopping works."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selfref.store import Claim, Store, StoreUnavailable
from tests.redis_server import RedisServer
from tests.worker.judging import TENANT, HonestJudge, eventually, label_ids, submit, until_ended
from tests.worker.test_loop import MODEL, TERMS, Switch, make_loop, running
from worker.attempt import Attempts
from worker.circuit import Circuit
from worker.concurrency import Gate, opening
from worker.endings import Ending
from worker.loop import ClaimLoop


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may kill."""
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def fragile_store(redis: RedisServer) -> AsyncIterator[Store]:
    store = await Store.open(redis.url)
    yield store
    await store.aclose()


async def until_away(store: Store) -> None:
    """Return once every call made before this one has failed: the second ping waits its turn behind them."""
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.ping()


async def test_a_judgment_made_while_redis_is_away_is_stored_when_it_is_back(
    redis: RedisServer, fragile_store: Store
) -> None:
    judge = HonestJudge()
    judge.go.clear()
    ids = await submit(fragile_store, 8)
    async with running(make_loop(fragile_store, judge)):
        await eventually(lambda: len(judge.begun) == 8)
        redis.kill()
        judge.go.set()
        await until_away(fragile_store)
        redis.restart()
        assert (await until_ended(fragile_store, 8)).decided == 8
    assert sorted(await label_ids(fragile_store)) == sorted(ids)
    assert len(judge.begun) == 8  # none was paid for twice


async def test_a_worker_takes_up_claiming_when_redis_is_back(redis: RedisServer, fragile_store: Store) -> None:
    judge = HonestJudge()
    async with running(make_loop(fragile_store, judge)):
        await submit(fragile_store, 3)
        await until_ended(fragile_store, 3)
        redis.kill()
        await until_away(fragile_store)
        redis.restart()
        await submit(fragile_store, 3)
        assert (await until_ended(fragile_store, 6)).decided == 6


async def test_a_worker_stops_while_redis_is_away(redis: RedisServer, fragile_store: Store) -> None:
    judge = HonestJudge()
    judge.go.clear()
    await submit(fragile_store, 2)
    async with running(make_loop(fragile_store, judge)):
        await eventually(lambda: len(judge.begun) == 2)
        redis.kill()
        await until_away(fragile_store)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 5
    redis.restart()
    claims = await fragile_store.work.reclaim("next", lease=0.0, count=10)
    assert len(claims) == 2


class SlowToSettle(Attempts):
    """Holds every ending until it may be stored."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.settling = 0
        self.go = asyncio.Event()

    async def settle(self, claim: Claim, ending: Ending) -> None:
        self.settling += 1
        await self.go.wait()
        await super().settle(claim, ending)


def slow_loop(store: Store, judge: HonestJudge, **terms: Any) -> tuple[ClaimLoop, SlowToSettle]:
    agreed = replace(TERMS, consumer="slow", **terms)
    circuit = Circuit(Switch())
    attempts = SlowToSettle(store=store, judge=judge, model=MODEL, circuit=circuit, terms=agreed)
    gate = Gate(opening(8, None))
    return ClaimLoop(store=store, attempts=attempts, gate=gate, circuit=circuit, terms=agreed), attempts


async def test_a_judgment_on_its_way_to_the_store_outlives_its_lease(store: Store) -> None:
    judged, unjudged = await submit(store, 2)
    judge = HonestJudge()
    judge.stuck.add(unjudged)
    loop, attempts = slow_loop(store, judge)
    async with running(loop):
        await eventually(lambda: attempts.settling == 1 and len(judge.begun) == 2)
        assert len(await store.work.reclaim("thief", lease=0.0, count=2)) == 2
        await eventually(lambda: judge.given_up == [unjudged])  # the loop has seen that both are lost
        attempts.go.set()
        assert (await until_ended(store, 1)).decided == 1
    assert await label_ids(store) == [judged]


async def test_a_stopping_worker_waits_for_the_judgments_on_their_way(store: Store) -> None:
    ids = await submit(store, 4)
    loop, attempts = slow_loop(store, HonestJudge())
    async with running(loop):
        await eventually(lambda: attempts.settling == 4)
        loop.stop()
        asyncio.get_running_loop().call_later(0.2, attempts.go.set)
    assert sorted(await label_ids(store)) == sorted(ids)
    assert (await store.judgments.counts(TENANT)).decided == 4


async def test_a_stopping_worker_does_not_wait_for_ever_for_the_store(store: Store) -> None:
    (pair,) = await submit(store, 1)
    loop, attempts = slow_loop(store, HonestJudge(), stop_patience=0.2)
    async with running(loop):
        await eventually(lambda: attempts.settling == 1)
    claims = await store.work.claim("next", count=10, wait=0)
    assert [(claim.work.id, claim.deliveries) for claim in claims] == [(pair, 1)]
