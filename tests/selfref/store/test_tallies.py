"""What is known of judges: counted once a pair, in the step that ends it, and bounded whatever callers write."""

from collections.abc import AsyncIterator
from functools import reduce
from operator import add
from typing import Any

import pytest

from selfref.bias import Judging, counts_of, principle_label
from selfref.messages import BiasCounts, Check, Judgment, Label, Preset, Verdict, Work
from selfref.store import Store
from selfref.store.finishing import end_failed
from selfref.store.tallies import Tally
from tests.outcomes import failure_of, judgment_of
from tests.redis_server import RedisServer
from tests.selfref.store.jobs import fail, fed, item, judge, pair_of, running, started, stored
from tests.selfref.store.lossy_proxy import LossyProxy
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import claim_all, crash, whole

MOST_KINDS = 200  # scripts/parts/tally.lua
# What `judgment_of` amounts to: two readings for A, a bias of 0.1 nats, and "Yes." is longer than "No.".
ONE = BiasCounts(decided=1, chose_first=1, chose_second=1, longer_won=1, measured=1, position_bias_micronats=100_000)
KIND = Judging.by("none", Preset.SELF_REFERENCE, "best for humanity")


def times(count: int, one: BiasCounts = ONE) -> BiasCounts:
    """So many of the same."""
    return reduce(add, [one] * count, BiasCounts())


async def accept(store: Store, *pairs: Work) -> None:
    for pair in pairs:
        await store.judgments.accept(pair, fingerprint="f", queue_limit=100_000)


def by(principle: str, name: str, *, tenant: str = "acme") -> Work:
    """A pair to be judged by this principle."""
    pair = work(name, tenant=tenant)
    return pair.model_copy(update={"comparison": pair.comparison.model_copy(update={"principle": principle})})


async def judge_all(store: Store, count: int, **how: Any) -> None:
    for claim in await claim_all(store, "w", count):
        assert await store.work.finish(claim, *judged(claim.work, **how), retention=RETENTION)


async def test_before_the_first_pair_has_ended_nothing_is_known(store: Store) -> None:
    await accept(store, work("p1"))
    assert await store.tallies.read("acme") == {}


async def test_pairs_are_counted_by_model_preset_and_principle(store: Store) -> None:
    await accept(store, work("p1"), work("p2"), by("be brief", "p3"))
    await judge_all(store, 3)
    assert await store.tallies.read("acme") == {
        KIND: times(2),
        Judging.by("none", Preset.SELF_REFERENCE, "be brief"): ONE,
    }


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_pair_counts_as_its_judgment_says(store: Store, verdict: Verdict) -> None:
    await accept(store, work("p1"))
    await judge_all(store, 1, verdict=verdict)
    pair = work("p1")
    assert await whole(store) == counts_of(judgment_of(pair, verdict=verdict), pair.comparison)


async def test_a_superseded_result_is_counted_nowhere(store: Store) -> None:
    await accept(store, work("p1"), work("p2"))
    late = await claim_all(store, "late", 2)
    for claim in await store.work.reclaim("w", lease=0.0, count=2):
        assert await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    before = await store.tallies.read("acme")
    assert not await store.work.finish(late[0], *judged(late[0].work, verdict=Verdict.TIE), retention=RETENTION)
    assert not await store.work.finish(late[1], failure_of(late[1].work), None, retention=RETENTION, model="m")
    assert await store.tallies.read("acme") == before == {KIND: times(2)}


async def test_nor_is_one_of_a_canceled_pair(store: Store) -> None:
    await accept(store, work("p1"))
    (claim,) = await claim_all(store, "w", 1)
    await store.judgments.cancel("p1")
    assert not await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    assert await store.tallies.read("acme") == {}


async def test_a_failure_is_its_models_and_counts_each_time(store: Store) -> None:
    await accept(store, work("p1"))
    (claim,) = await claim_all(store, "w", 1)
    await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION, model="none")
    assert await store.tallies.read("acme") == {KIND: BiasCounts(failed=1)}
    await store.dead_letters.replay(["p1"])
    await judge_all(store, 1)
    assert await store.tallies.read("acme") == {KIND: ONE + BiasCounts(failed=1)}


async def test_a_failure_of_unreadable_work_is_counted_without_a_kind(store: Store) -> None:
    await accept(store, work("p1"))
    await store._pipeline.call("HSET", store._shards.of("p1").judgment("p1"), "work", b"")
    assert await store.work.claim("w", count=1, wait=0) == []
    job = await started(store, "job-a", 1)
    await store.jobs.enqueue(job, [b"1:0:nothing to read"], after=0, through=1)
    assert await store.work.claim("w", count=1, wait=0) == []
    assert (await stored(store, "job-a")).counts.failed == 1
    assert await store.tallies.read("acme") == {None: BiasCounts(failed=2)}


async def test_pairs_of_jobs_count_beside_those_of_judge(store: Store) -> None:
    await running(store, "job-a", 3)
    await accept(store, work("p1"))
    claims = await claim_all(store, "w", 4)
    for claim in claims[:3]:
        assert await judge(store, claim)
    assert await fail(store, claims[3])
    assert await whole(store) == times(3) + BiasCounts(failed=1)
    assert not await judge(store, claims[0])
    assert not await fail(store, claims[3])
    assert await whole(store) == times(3) + BiasCounts(failed=1)


async def test_hidden_checks_are_counted_nowhere(store: Store) -> None:
    job = await started(store, "job-a", 1, checks=2)
    checks = [pair_of("job-a", number, check=Check(kind="gold", better="B")) for number in (1, 2)]
    await store.jobs.enqueue(job, [item(pair_of("job-a", 0)), *map(item, checks)], after=0, through=3)
    for claim, end in zip(await claim_all(store, "w", 3), (judge, judge, fail), strict=True):
        assert await end(store, claim)
    assert await whole(store) == ONE


async def test_a_canceled_job_counts_nothing_any_more(store: Store) -> None:
    await running(store, "job-a", 2)
    first, second = await claim_all(store, "w", 2)
    assert await judge(store, first)
    await store.jobs.cancel("job-a", tenant="acme", at=3)
    assert not await judge(store, second)
    assert await whole(store) == ONE


async def test_tenants_are_apart(store: Store) -> None:
    await accept(store, work("p1"), work("p2", tenant="other"), work("p3", tenant="other"))
    await judge_all(store, 3)
    assert (await whole(store), await whole(store, "other")) == (times(1), times(2))
    assert await store.tallies.read("nobody") == {}


async def test_shards_are_one_whole(redis_url: str) -> None:
    store = await Store.open(redis_url, shards=4)
    await accept(store, *(work(f"p{number}") for number in range(20)))
    await judge_all(store, 20)
    assert await store.tallies.read("acme") == {KIND: times(20)}
    assert sum(await store._pipeline.calls(("EXISTS", keys.tallies("acme")) for keys in store.shards)) > 1
    await store.aclose()


async def test_principles_without_end_take_bounded_room_and_every_pair_counts(store: Store) -> None:
    count = MOST_KINDS + 50
    await accept(store, *(by(f"principle {number}", f"p{number}") for number in range(count)))
    await judge_all(store, count)
    found = await store.tallies.read("acme")
    assert len(found) == MOST_KINDS + 1
    assert found[None] == times(50)
    assert await whole(store) == times(count)
    known = next(kind.principle for kind in found if kind is not None)
    await accept(store, by(known, "again"), by("one more", "more"))
    await judge_all(store, 2)
    found = await store.tallies.read("acme")
    assert found[Judging.by("none", Preset.SELF_REFERENCE, known)] == times(2)
    assert (len(found), found[None]) == (MOST_KINDS + 1, times(51))


async def test_long_principles_are_told_apart_and_take_bounded_room(store: Store) -> None:
    long = ["p" * 1999 + letter for letter in "ab"]
    await accept(store, by(long[0], "p1"), by(long[1], "p2"))
    await judge_all(store, 2)
    found = await store.tallies.read("acme")
    assert list(found.values()) == [ONE, ONE]
    assert {kind.label for kind in found if kind is not None} == set(map(principle_label, long))
    assert all(len(field) < 300 for field in await store._pipeline.call("HKEYS", store.shards[0].tallies("acme")))


async def test_counts_of_an_older_and_of_a_newer_version_are_added_to(store: Store) -> None:
    await accept(store, work("p1"), work("p2"))
    await judge_all(store, 1)
    key = store.shards[0].tallies("acme")
    (field,) = await store._pipeline.call("HKEYS", key)
    numbers = await store._pipeline.call("HGET", key, field)
    await store._pipeline.call("HSET", key, field, numbers[:8])  # knows of nothing but `decided`
    assert await whole(store) == BiasCounts(decided=1)
    await judge_all(store, 1)
    assert await whole(store) == ONE + BiasCounts(decided=1)
    await store._pipeline.call("HSET", key, field, numbers + (7).to_bytes(8, "little"))
    await accept(store, work("p3"))
    await judge_all(store, 1)
    assert await whole(store) == times(2)
    kept = await store._pipeline.call("HGET", key, field)
    assert kept[-8:] == (7).to_bytes(8, "little"), "what a newer version counts is left as it is"


async def test_every_integer_is_added_to_its_own(store: Store) -> None:
    every = BiasCounts(**{name: 10 + place for place, name in enumerate(BiasCounts.model_fields)})
    await accept(store, work("p1"), work("p2"))
    for claim in await claim_all(store, "w", 2):
        assert await end_failed(
            store._pipeline,
            failure_of(claim.work),
            tally=Tally(KIND, every),
            keys=store.shards[0],
            tenant="acme",
            lane=claim.lane,
            entry_id=claim.entry_id,
            retention=RETENTION,
        )
    assert await store.tallies.read("acme") == {KIND: every + every}


async def test_large_numbers_stay_exact(store: Store) -> None:
    await accept(store, work("p1"))
    key = store.shards[0].tallies("acme")
    await judge_all(store, 1)
    (field,) = await store._pipeline.call("HKEYS", key)
    most = 2**53 - 200_000  # nine billion nats
    await store._pipeline.call("HSET", key, field, (most.to_bytes(8, "little")) * 13)
    await accept(store, work("p2"))
    await judge_all(store, 1)
    found = await whole(store)
    assert (found.decided, found.tie) == (most + 1, most)
    assert found.position_bias_micronats == most + 100_000


@pytest.fixture
async def proxy(redis_url: str, redis_server: RedisServer) -> AsyncIterator[LossyProxy]:
    async with LossyProxy(redis_server.port).running() as running:
        yield running


async def test_a_lost_reply_counts_nothing_twice(proxy: LossyProxy) -> None:
    store = await Store.open(proxy.url)
    await accept(store, work("p1"), work("p2"))
    await started(store, "job-a", 2)
    await fed(store, "job-a", range(2))
    claims = await claim_all(store, "w", 4)
    for number, claim in enumerate(claims):
        outcome: tuple[Judgment, Label] | tuple[Any, None] = (
            judged(claim.work) if number % 2 else (failure_of(claim.work), None)
        )
        proxy.losing = 2
        await store.work.finish(claim, *outcome, retention=RETENTION, model="none")
    proxy.losing = 0
    assert proxy.lost == 8
    assert await whole(store) == times(2) + BiasCounts(failed=2)
    await store.aclose()


async def test_counts_outlive_the_process_that_made_them_and_redis_itself(tmp_path: Any) -> None:
    server = RedisServer(tmp_path / "mortal")
    try:
        store = await Store.open(server.url)
        await accept(store, work("p1"), work("p2"))
        await judge_all(store, 2)
        await crash(store)
        server.kill()
        server.restart()
        again = await Store.open(server.url)
        assert await again.tallies.read("acme") == {KIND: times(2)}
        await again.aclose()
    finally:
        server.kill()
