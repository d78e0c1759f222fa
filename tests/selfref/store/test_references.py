"""References are computed once, whoever asks, and whoever dies."""

import asyncio
import time

import pytest

from selfref.store import Store
from selfref.store.references import LOCK
from tests.selfref.store.views import eventually


class Annotator:
    """Computes texts when told to go on, and counts."""

    def __init__(self) -> None:
        self.started = 0
        self.go_on = asyncio.Event()

    async def compute(self) -> str:
        self.started += 1
        number = self.started
        await self.go_on.wait()
        return f"text {number}"


async def test_one_process_computes_once_for_all_who_ask(store: Store) -> None:
    annotator = Annotator()
    asking = [
        asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
        for _ in range(20)
    ]
    annotator.go_on.set()
    answers = await asyncio.gather(*asking)
    assert sorted(answers) == [("text 1", False)] + [("text 1", True)] * 19
    assert await store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5) == ("text 1", True)
    assert await store.references.get_or_compute("other", annotator.compute, ttl=60, patience=5) == ("text 2", False)


async def test_several_processes_compute_once(redis_url: str, store: Store) -> None:
    other = await Store.open(redis_url)
    annotator = Annotator()
    first = asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    await eventually(lambda: _reached(annotator, 1))
    second = asyncio.create_task(other.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    annotator.go_on.set()
    assert await first == ("text 1", False)
    assert await second == ("text 1", True)
    assert annotator.started == 1
    await other.aclose()


async def _reached(annotator: Annotator, started: int) -> bool:
    return annotator.started >= started


async def test_the_next_in_line_tries_when_a_computation_fails(redis_url: str, store: Store) -> None:
    other = await Store.open(redis_url)
    annotator = Annotator()
    annotator.go_on.set()
    failing = asyncio.Event()

    async def fail() -> str:
        await failing.wait()
        raise LookupError("the engine said no")

    first = asyncio.create_task(store.references.get_or_compute("k", fail, ttl=60, patience=5))
    lock = store._shards.of("k").reference_lock("k")

    async def locked() -> bool:
        return await store._pipeline.call("GET", lock) is not None

    await eventually(locked)
    near = asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    far = asyncio.create_task(other.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    started = time.monotonic()
    failing.set()
    with pytest.raises(LookupError):
        await first
    assert {text for text, _ in await asyncio.gather(near, far)} == {"text 1"}
    assert time.monotonic() - started < LOCK / 2, "the lock was not freed by the failure"
    assert not await locked()
    await other.aclose()


async def test_the_next_in_line_tries_when_the_first_is_cancelled(store: Store) -> None:
    annotator = Annotator()
    first = asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    await eventually(lambda: _reached(annotator, 1))
    second = asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    impatient = asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    await asyncio.sleep(0)
    impatient.cancel()
    first.cancel()
    annotator.go_on.set()
    assert await second == ("text 2", False)
    assert (await asyncio.gather(first, impatient, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_the_lock_of_a_crashed_computer_runs_out(store: Store) -> None:
    died = time.monotonic()
    await store._pipeline.call("SET", store._shards.of("k").reference_lock("k"), "a dead process", "PX", 200)
    annotator = Annotator()
    annotator.go_on.set()
    assert await store.references.get_or_compute("k", annotator.compute, ttl=60, patience=30) == ("text 1", False)
    assert 0.2 <= time.monotonic() - died < 10


async def test_a_living_computer_holds_its_lock_for_a_bounded_time_only(store: Store) -> None:
    annotator = Annotator()
    asking = asyncio.create_task(store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5))
    await eventually(lambda: _reached(annotator, 1))
    assert 0 < await store._pipeline.call("PTTL", store._shards.of("k").reference_lock("k")) <= LOCK * 1000
    annotator.go_on.set()
    await asking


async def test_patience_ends_in_computing_it_oneself(store: Store) -> None:
    keys = store._shards.of("k")
    await store._pipeline.call("SET", keys.reference_lock("k"), "somebody slow")
    annotator = Annotator()
    annotator.go_on.set()
    assert await store.references.get_or_compute("k", annotator.compute, ttl=60, patience=0.05) == ("text 1", False)
    assert await store._pipeline.call("GET", keys.reference_lock("k")) == b"somebody slow", "not ours to free"


async def test_a_reference_is_kept_for_its_time(store: Store) -> None:
    annotator = Annotator()
    annotator.go_on.set()
    await store.references.get_or_compute("k", annotator.compute, ttl=60, patience=5)
    assert 50_000 < await store._pipeline.call("PTTL", store._shards.of("k").reference("k")) <= 60_000
