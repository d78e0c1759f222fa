"""Whose turn it is (P6): while two tenants wait, neither gets more than its share, and nobody is ever forgotten."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import count as numbers
from itertools import pairwise, permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from selfref.messages import Lane
from selfref.store import Store
from selfref.store.jobs import HEAD_START
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import fed, judge, running, started
from tests.selfref.store.pairs import work
from tests.selfref.store.views import claim_all

QUANTUM = 4  # of `deal.lua`
DEAREST = 16  # the highest cost of a pair: MAX_VOTES
UNFAIR = 3 * QUANTUM + 2 * (DEAREST - 1)  # cost by which one of two waiting tenants may get ahead of the other
TENANTS = "abc"
_numbers = numbers()


@dataclass(frozen=True)
class Feed:
    """So many pairs of one cost for a job; the job is another one for every cost."""

    tenant: str
    pairs: int
    cost: int


@dataclass(frozen=True)
class Take:
    """Claims of a worker with so much room."""

    count: int


@dataclass(frozen=True)
class Cancel:
    """One of the jobs fed so far ends."""

    which: int


ACTS = st.lists(
    st.one_of(
        st.builds(Feed, st.sampled_from(TENANTS), st.sampled_from([1, 5, 100]), st.sampled_from([1, 4, DEAREST])),
        st.builds(Take, st.integers(1, 25)),
        st.builds(Cancel, st.integers(0, 9)),
    ),
    max_size=25,
)


async def assert_lists_are_true(store: Store) -> None:
    """A tenant is in line exactly while a job of it is, and a job exactly while it has ready pairs."""
    (keys,) = store.shards
    call = store._pipeline.call
    tenants = [each.decode() for each in await call("LRANGE", keys.turns, 0, -1)]
    assert len(set(tenants)) == len(tenants)
    lists = {key.decode() for key in await call("KEYS", f"{keys.prefix}turns:*")}
    assert lists == {keys.turns_of(tenant) for tenant in tenants}
    waiting = set()
    for tenant in tenants:
        jobs = [each.decode() for each in await call("LRANGE", keys.turns_of(tenant), 0, -1)]
        assert len(set(jobs)) == len(jobs)
        waiting |= {keys.ready(job) for job in jobs}
    assert waiting == {key.decode() for key in await call("KEYS", f"{keys.prefix}ready:*")}


@given(acts=ACTS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_two_waiting_tenants_are_served_alike_and_nobody_is_forgotten(
    redis_server: RedisServer, acts: list[Feed | Take | Cancel]
) -> None:
    async def play() -> None:
        with Redis.from_url(redis_server.url) as redis:
            redis.flushall()
        store = await Store.open(redis_server.url)
        try:
            table = Table(store)
            for act in acts:
                await table.do(act)
                await table.assert_nobody_is_ahead()
                await assert_lists_are_true(store)
            while await table.waiting():
                await table.do(Take(25))
                await table.assert_nobody_is_ahead()
            assert await store._pipeline.call("KEYS", "*turns*") == []
            assert await store._pipeline.call("KEYS", "*credits*") == []
        finally:
            await store.aclose()

    asyncio.run(play())


class Table:
    """The dealing as those who wait see it: what each tenant has been dealt, while which others waited."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[str, Feed] = {}  # the last feed of each job that runs
        self._dealt: Counter[str] = Counter()  # cost, by tenant
        self._ahead: dict[tuple[str, str], int] = {}  # of tenants that wait: by how much when both began to

    async def do(self, act: Feed | Take | Cancel) -> None:
        before = await self._ready()
        match act:
            case Feed(tenant, pairs, cost):
                job_id = await self._job(act)
                before[job_id] += pairs
                await fed(self._store, job_id, range(pairs), tenant=tenant, cost=cost)
            case Take(count):
                await self._store.work.claim("w", count=count, wait=0)
            case Cancel(which) if self._jobs:
                job_id = sorted(self._jobs)[which % len(self._jobs)]
                await self._store.jobs.cancel(job_id, tenant=self._jobs.pop(job_id).tenant, at=1)
        left = await self._ready()
        for job_id, fed_with in self._jobs.items():
            self._dealt[fed_with.tenant] += (before[job_id] - left[job_id]) * fed_with.cost

    async def waiting(self) -> set[str]:
        """The tenants that have ready pairs."""
        return {self._jobs[job_id].tenant for job_id, count in (await self._ready()).items() if count}

    async def assert_nobody_is_ahead(self) -> None:
        """Since two tenants wait, neither has been dealt more than the other but for the bound."""
        both = set(permutations(await self.waiting(), 2))
        self._ahead = {pair: ahead for pair, ahead in self._ahead.items() if pair in both}
        for one, other in both:
            ahead = self._dealt[one] - self._dealt[other]
            assert ahead - self._ahead.setdefault((one, other), ahead) <= UNFAIR

    async def _job(self, feed: Feed) -> str:
        for job_id, known in self._jobs.items():
            if (known.tenant, known.cost) == (feed.tenant, feed.cost):
                return job_id
        job_id = f"job-{next(_numbers)}"
        await started(self._store, job_id, 1000, tenant=feed.tenant)
        self._jobs[job_id] = feed
        return job_id

    async def _ready(self) -> Counter[str]:
        return Counter(dict(zip(self._jobs, await self._store.jobs.ready(list(self._jobs)), strict=True)))


async def test_a_tenant_with_a_few_pairs_does_not_wait_for_one_with_many(store: Store) -> None:
    await running(store, "job-big", 2000, tenant="big")
    for claim in await claim_all(store, "w", 50):
        await judge(store, claim)
    await running(store, "job-small", 20, tenant="small")
    order = [claim.work.tenant for claim in await claim_all(store, "w", 100)]
    last = max(place for place, tenant in enumerate(order) if tenant == "small")
    assert order.count("small") == 20
    assert last < HEAD_START + 2 * 20 + 2 * QUANTUM


async def test_pairs_that_cost_more_come_less_often(store: Store) -> None:
    await started(store, "job-dear", 50, tenant="dear")
    await fed(store, "job-dear", range(50), tenant="dear", cost=4)
    await running(store, "job-cheap", 200, tenant="cheap")
    served = Counter(claim.work.tenant for claim in (await claim_all(store, "w", 100))[HEAD_START:])
    assert served["cheap"] == 4 * served["dear"] or abs(served["cheap"] - 4 * served["dear"]) <= 2 * QUANTUM


async def test_a_tenant_overdraws_its_turn_by_less_than_one_pair(store: Store) -> None:
    await running(store, "job-cheap", 200, tenant="cheap")
    await started(store, "job-dear", 20, tenant="dear")
    await fed(store, "job-dear", range(20), tenant="dear", cost=DEAREST)
    order = [claim.work.tenant for claim in (await claim_all(store, "w", 120))[HEAD_START:]]
    places = [place for place, tenant in enumerate(order) if tenant == "dear"]
    assert {after - before for before, after in pairwise(places)} == {DEAREST + 1}


async def test_a_tenants_jobs_take_turns(store: Store) -> None:
    await running(store, "job-1", 200)
    await running(store, "job-2", 200)
    served = Counter(claim.work.job_id for claim in (await claim_all(store, "w", 100))[HEAD_START:])
    assert abs(served["job-1"] - served["job-2"]) <= QUANTUM


async def test_interactive_work_comes_first_and_leaves_jobs_their_tenth(store: Store) -> None:
    await running(store, "job-1", 100)
    for number in range(100):
        pair = work(f"p{number}", lane=Lane.INTERACTIVE)
        await store.judgments.accept(pair, fingerprint="", queue_limit=1000)
    claims = [await store.work.claim("w", count=10, wait=0) for _ in range(10)]
    served = Counter(claim.lane for page in claims for claim in page)
    assert served == {Lane.INTERACTIVE: 90, Lane.BATCH: 10}


async def test_idle_workers_are_woken_by_the_first_pairs_of_a_job(store: Store) -> None:
    waiting = asyncio.create_task(store.work.claim("w", count=4, wait=2.0))
    await started(store, "job-1", 3)
    clock = asyncio.get_running_loop().time
    began = clock()
    await fed(store, "job-1", range(3))
    assert len(await waiting) >= 1
    assert clock() - began < 1.0
