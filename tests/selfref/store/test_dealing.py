"""Whose turn it is (P6): while two tenants wait, neither gets more than its share, and nobody is ever forgotten."""

import asyncio
from collections import Counter
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from selfref.messages import Lane
from selfref.store import Store
from selfref.store.jobs import HEAD_START
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import fed, judge, running, started
from tests.selfref.store.pairs import work
from tests.selfref.store.views import claim_all, look

QUANTUM = 4  # of `deal.lua`
DEAREST = 6  # the highest cost drawn here
UNFAIR = 2 * (QUANTUM + DEAREST)  # cost that one of two waiting tenants may be ahead of the other, head start apart

JOBS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 30), st.integers(1, DEAREST)), min_size=1, max_size=6
)  # tenant, pairs, cost of each


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


@given(jobs=JOBS, sizes=st.lists(st.integers(1, 20), min_size=1, max_size=10), canceled=st.integers(0, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_two_waiting_tenants_are_served_alike_and_nobody_is_forgotten(
    redis_server: RedisServer, jobs: list[tuple[str, int, int]], sizes: list[int], canceled: int
) -> None:
    asyncio.run(_deal(redis_server.url, jobs, sizes, canceled=canceled))


async def _deal(url: str, jobs: list[tuple[str, int, int]], sizes: list[int], *, canceled: int) -> None:
    with Redis.from_url(url) as redis:
        redis.flushall()
    store = await Store.open(url)
    try:
        for number, (tenant, pairs, cost) in enumerate(jobs):
            await started(store, f"job-{number}", pairs, tenant=tenant)
            await fed(store, f"job-{number}", range(pairs), tenant=tenant, cost=cost)
            await assert_lists_are_true(store)
        served: Counter[str] = Counter()
        ahead: dict[tuple[str, str], int] = {}
        step = 0
        while await _something_waits(store, jobs):
            for claim in await store.work.claim("w", count=sizes[step % len(sizes)], wait=0):
                tenant, _, cost = jobs[int((claim.work.job_id or "").removeprefix("job-"))]
                served[tenant] += cost
                await judge(store, claim)
            await assert_lists_are_true(store)
            waiting = [tenant for tenant in "abc" if sum(await _ready_of(store, jobs, tenant))]
            _assert_alike(served, waiting, ahead)
            if step == canceled:
                index = canceled % len(jobs)
                await store.jobs.cancel(f"job-{index}", tenant=jobs[index][0], at=1)
                await assert_lists_are_true(store)
            step += 1
        (keys,) = store.shards
        assert await store._pipeline.call("EXISTS", keys.turns) == 0
    finally:
        await store.aclose()


async def _ready_of(store: Store, jobs: list[tuple[str, int, int]], tenant: str) -> list[int]:
    return await store.jobs.ready([f"job-{number}" for number, job in enumerate(jobs) if job[0] == tenant])


async def _something_waits(store: Store, jobs: list[tuple[str, int, int]]) -> bool:
    ready = [count for tenant in "abc" for count in await _ready_of(store, jobs, tenant)]
    return sum(ready) > 0 or (await look(store)).waiting_ids().total() > 0


def _assert_alike(served: Counter[str], waiting: list[str], ahead: dict[tuple[str, str], int]) -> None:
    """Since both have waited, the one has never got further ahead of the other than the bound."""
    for one, other in permutations(waiting, 2):
        gained = served[one] - served[other] - ahead.setdefault((one, other), served[one] - served[other])
        assert gained <= UNFAIR + HEAD_START * DEAREST, (served, waiting)


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
