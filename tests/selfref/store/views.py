"""What is really in Redis, for tests that do not take the store's word for it."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

from selfref.messages import BiasCounts, Failure, Judgment, Lane, Waiting
from selfref.store import Claim, Store
from selfref.store.keys import GROUP


@dataclass(frozen=True)
class Queue:
    """Every entry of the work streams and the delayed set."""

    ready: Counter[tuple[Lane, str]]
    pending: dict[str, tuple[Lane, str, str, int]]  # stream/entry: lane, id, consumer, deliveries
    delayed: frozenset[tuple[Lane, str]]

    def waiting_ids(self) -> Counter[str]:
        """How many times each id is somewhere on its way to a worker."""
        return (
            Counter({each: count for (_, each), count in self.ready.items()})
            + Counter(judgment_id for _, judgment_id, _, _ in self.pending.values())
            + Counter(judgment_id for _, judgment_id in self.delayed)
        )


async def look(store: Store) -> Queue:
    """The queue as Redis holds it."""
    ready: Counter[tuple[Lane, str]] = Counter()
    pending = {}
    delayed = set()
    for keys in store._shards:
        for lane in Lane:
            stream = keys.work(lane)
            held = {
                entry.decode(): (consumer.decode(), deliveries)
                for entry, consumer, _, deliveries in await store._pipeline.call(
                    "XPENDING", stream, GROUP, "-", "+", 10000
                )
            }
            for entry, fields in await store._pipeline.call("XRANGE", stream, "-", "+"):
                judgment_id = fields[1].decode()
                if entry.decode() in held:
                    pending[f"{stream}/{entry.decode()}"] = (lane, judgment_id, *held.pop(entry.decode()))
                else:
                    ready[lane, judgment_id] += 1
            assert not held, f"pending entries that are no longer in {stream}: {held}"
        for member in await store._pipeline.call("ZRANGE", keys.delayed, 0, -1):
            lane_name, judgment_id = member.decode().split(":", 1)
            delayed.add((Lane(lane_name), judgment_id))
    return Queue(ready=ready, pending=pending, delayed=frozenset(delayed))


async def feed(store: Store, tenant: str = "acme") -> list[str]:
    """The ids of the whole label feed, read from zero in small pages."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await store.labels.read(tenant, after=cursor, limit=7, wait=0)
        if not page.labels:
            return ids
        ids += [label.id for label in page.labels]
        cursor = page.cursor


async def whole(store: Store, tenant: str = "acme") -> BiasCounts:
    """The tenant's counts of every kind of judging."""
    return reduce(add, (await store.tallies.read(tenant)).values(), BiasCounts())


async def assert_promises(store: Store, accepted: list[str], tenant: str = "acme") -> None:
    """P1 to P4: one state per pair, at most one label, the feed is the judged pairs, and the counts add up."""
    stored = await store.judgments.states(accepted)
    states = {each: found.state for each, found in zip(accepted, stored, strict=True) if found is not None}
    assert set(states) == set(accepted), "accepted pairs have vanished"
    queue = await look(store)
    for each, state in states.items():
        if isinstance(state, Waiting):
            assert queue.waiting_ids()[each] == 1, f"{each} waits, but {queue.waiting_ids()[each]} times in the queue"
    labels = await feed(store, tenant)
    assert sorted(labels) == sorted(each for each, state in states.items() if isinstance(state, Judgment))
    counts = await store.judgments.counts(tenant)
    assert counts.submitted == len(accepted)
    assert counts.waiting == sum(isinstance(state, Waiting) for state in states.values())
    assert counts.failed == sum(isinstance(state, Failure) for state in states.values())
    assert counts.decided + counts.tie + counts.inconsistent == len(labels) == (await whole(store, tenant)).judged


async def claim_all(store: Store, consumer: str, count: int, *, within: float = 5.0) -> list[Claim]:
    """Exactly `count` claims."""
    claims: list[Claim] = []
    deadline = time.monotonic() + within
    while len(claims) < count:
        assert time.monotonic() < deadline, f"only {len(claims)} of {count} pairs came"
        claims += await store.work.claim(consumer, count=count - len(claims), wait=0.1)
    return claims


async def crash(store: Store) -> None:
    """The end of a process that had no time to say goodbye."""
    await store._wire.aclose()


async def eventually(condition: Callable[[], Awaitable[bool]], *, within: float = 5.0) -> None:
    """Wait until the condition holds; an AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.005)
