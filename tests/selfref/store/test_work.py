"""Claiming, keeping, ending and giving back."""

import asyncio
import time
from collections import Counter

import pytest

from selfref.messages import Failure, FailureCode, Judgment, Lane, Verdict
from selfref.store import Standing, Store
from selfref.store.documents import pack
from selfref.store.keys import GROUP
from tests.outcomes import failure_of, judgment_of
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, claim_all, crash, eventually, look


async def accept(store: Store, *names: str, lane: Lane = Lane.BATCH) -> None:
    for name in names:
        await store.judgments.accept(work(name, lane=lane), fingerprint="f", queue_limit=10_000)


async def consumers(store: Store) -> set[str]:
    found = set()
    for keys in store._shards:
        for lane in Lane:
            rows = await store._pipeline.call("XINFO", "CONSUMERS", keys.work(lane), GROUP)
            found |= {dict(zip(row[::2], row[1::2], strict=True))[b"name"].decode() for row in rows}
    return found


async def test_interactive_pairs_come_first(store: Store) -> None:
    await accept(store, "lo0", "lo1")
    await accept(store, "hi0", "hi1", lane=Lane.INTERACTIVE)
    assert [claim.work.id for claim in await store.work.claim("w", count=3, wait=0)] == ["hi0", "hi1", "lo0"]


@pytest.mark.parametrize("count", [1, 7, 40])
async def test_a_tenth_of_all_claims_is_kept_for_the_batch_lane(store: Store, count: int) -> None:
    await accept(store, *(f"lo{n}" for n in range(100)))
    await accept(store, *(f"hi{n}" for n in range(300)), lane=Lane.INTERACTIVE)
    lanes: Counter[Lane] = Counter()
    while lanes.total() < 200:
        claims = await store.work.claim("w", count=min(count, 200 - lanes.total()), wait=0)
        lanes.update(claim.lane for claim in claims)
    assert 19 <= lanes[Lane.BATCH] <= 20


async def test_what_is_kept_for_an_empty_lane_is_not_wasted(store: Store) -> None:
    await accept(store, *(f"hi{n}" for n in range(30)), lane=Lane.INTERACTIVE)
    assert len(await store.work.claim("w", count=30, wait=0)) == 30


async def test_a_waiting_claim_wakes_up_promptly(store: Store) -> None:
    waiting = asyncio.create_task(store.work.claim("w", count=8, wait=2))
    await eventually(lambda: _blocked(store))
    started = time.monotonic()
    await accept(store, "p1")
    (claim,) = await waiting
    assert claim.work.id == "p1"
    assert time.monotonic() - started < 1.5


async def _blocked(store: Store) -> bool:
    return b"blocked_clients:1" in await store._pipeline.call("INFO", "clients")


async def test_several_consumers_share_the_work_without_overlap(redis_url: str, store: Store) -> None:
    names = [f"p{n}" for n in range(300)]
    await accept(store, *names)
    stores = [await Store.open(redis_url) for _ in range(3)]
    taken: Counter[str] = Counter()

    async def labour(mine: Store, consumer: str) -> None:
        while claims := await mine.work.claim(consumer, count=7, wait=0):
            taken.update(claim.work.id for claim in claims)
            ended = await asyncio.gather(
                *(mine.work.finish(claim, *judged(claim.work), retention=RETENTION) for claim in claims)
            )
            assert all(ended)

    await asyncio.gather(*(labour(stores[n % 3], f"w{n}") for n in range(6)))
    assert taken == Counter(names)
    await assert_promises(store, names)
    for each in stores:
        await each.aclose()


async def test_the_first_writer_wins_and_its_label_is_the_only_one(store: Store) -> None:
    await accept(store, "p1")
    (zombie,) = await claim_all(store, "zombie", 1)
    (owner,) = await store.work.reclaim("owner", lease=0, count=10)
    assert await store.work.finish(owner, *judged(owner.work, verdict=Verdict.B), retention=RETENTION)
    assert not await store.work.finish(zombie, *judged(zombie.work, verdict=Verdict.A), retention=RETENTION)
    assert not await store.work.finish(zombie, failure_of(zombie.work), None, retention=RETENTION)
    page = await store.labels.read("acme", after=None, limit=10, wait=0)
    assert [label.verdict for label in page.labels] == [Verdict.B]
    await assert_promises(store, ["p1"])


async def test_a_zombie_that_is_first_still_ends_the_pair_for_its_new_owner(store: Store) -> None:
    await accept(store, "p1")
    (zombie,) = await claim_all(store, "zombie", 1)
    (owner,) = await store.work.reclaim("owner", lease=0, count=10)
    assert await store.work.finish(zombie, *judged(zombie.work), retention=RETENTION)
    assert await store.work.renew([owner]) == [Standing.LOST]
    assert not await store.work.finish(owner, *judged(owner.work, verdict=Verdict.B), retention=RETENTION)
    await assert_promises(store, ["p1"])
    assert (await look(store)).waiting_ids() == {}


async def test_a_pair_that_failed_is_not_judged_again_by_whoever_finds_its_entry(store: Store) -> None:
    await accept(store, "p1")
    (zombie,) = await claim_all(store, "zombie", 1)
    await store.work.hand_back(await store.work.reclaim("owner", lease=0, count=10))
    assert await store.work.finish(zombie, failure_of(zombie.work), None, retention=RETENTION)
    assert await store.work.claim("w", count=10, wait=0) == []
    assert (await look(store)).waiting_ids() == {}
    await assert_promises(store, ["p1"])


async def test_nothing_is_published_for_a_canceled_pair(store: Store) -> None:
    await accept(store, "p1")
    (claim,) = await claim_all(store, "w", 1)
    assert await store.judgments.cancel("p1")
    assert not await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    await assert_promises(store, ["p1"])


async def test_renewal_keeps_a_lease_from_running_out(store: Store) -> None:
    await accept(store, "p1")
    (claim,) = await claim_all(store, "owner", 1)

    async def a_minute_passes() -> None:
        stream = store._shards[0].work(Lane.BATCH)
        await store._pipeline.call("XCLAIM", stream, GROUP, "owner", 0, claim.entry_id, "IDLE", 60_000, "JUSTID")

    await a_minute_passes()
    assert await store.work.renew([claim]) == [Standing.HELD]
    assert await store.work.reclaim("thief", lease=30, count=1) == []
    await a_minute_passes()
    (taken,) = await store.work.reclaim("thief", lease=30, count=1)
    assert taken.deliveries == 2, "a renewal is no delivery, a takeover is one"
    assert await store.work.renew([claim]) == [Standing.LOST]
    assert await store.work.renew([taken]) == [Standing.HELD], "the loser's renewal must not have stolen it back"


async def test_renewal_tells_each_claim_its_own_standing(store: Store) -> None:
    await accept(store, "held", "canceled", "taken")
    await accept(store, "quick", lane=Lane.INTERACTIVE)
    claims = {claim.work.id: claim for claim in await claim_all(store, "w", 4)}
    await store.judgments.cancel("canceled")
    await store.work.finish(claims["quick"], *judged(claims["quick"].work), retention=RETENTION)
    entry = claims["taken"].entry_id
    await store._pipeline.call("XCLAIM", store._shards[0].work(Lane.BATCH), GROUP, "other", 0, entry)
    order = ["quick", "held", "canceled", "taken"]
    assert await store.work.renew([claims[name] for name in order]) == [
        Standing.LOST,
        Standing.HELD,
        Standing.CANCELED,
        Standing.LOST,
    ]
    assert (await look(store)).waiting_ids() == {"held": 1, "taken": 1}, "what has ended needs no entry"
    assert await store.work.renew([]) == []


async def test_a_crashed_workers_pairs_are_taken_over_and_the_crash_is_counted(redis_url: str, store: Store) -> None:
    await accept(store, "p1", "p2")
    for n in range(3):
        crashing = await Store.open(redis_url)
        claims = await (claim_all(crashing, "w", 2) if n == 0 else crashing.work.reclaim(f"w{n}", lease=0, count=9))
        assert [(claim.deliveries, claim.attempts) for claim in claims] == [(n + 1, 0)] * 2
        await crash(crashing)
    claims = await store.work.reclaim("last", lease=0, count=9)
    await store.work.hand_back([claims[0]])
    await store.work.retry_later(claims[1], delay=0, reason="429")
    await store.work.promote()
    again = {claim.work.id: claim for claim in await claim_all(store, "last", 2)}
    assert again[claims[0].work.id].deliveries == 4, "handing back is no delivery, and forgets none"
    assert again[claims[0].work.id].attempts == 0
    assert again[claims[1].work.id].deliveries == 4
    assert again[claims[1].work.id].attempts == 1


async def test_a_lease_that_still_runs_is_not_taken_over(store: Store) -> None:
    await accept(store, "p1")
    await claim_all(store, "owner", 1)
    assert await store.work.reclaim("thief", lease=30, count=10) == []


async def test_a_lease_that_ran_out_is_found_at_once_among_many_that_have_not(store: Store) -> None:
    await accept(store, *(f"p{n}" for n in range(300)))
    claims = [each for _ in range(3) for each in await claim_all(store, "busy", 100)]
    stream, gone = store._shards[0].work(Lane.BATCH), claims[222]
    await store._pipeline.call("XCLAIM", stream, GROUP, "gone", 0, gone.entry_id, "IDLE", 60_000, "JUSTID")
    (taken,) = await store.work.reclaim("w", lease=30, count=1)  # a busy worker has room for one
    assert taken.work.id == gone.work.id


async def test_reclaim_takes_no_more_than_asked_for_and_comes_to_all(store: Store) -> None:
    await accept(store, *(f"p{n}" for n in range(25)))
    await claim_all(store, "gone", 25)
    seen: Counter[str] = Counter()
    for _ in range(5):
        claims = await store.work.reclaim("w", lease=0, count=5)
        assert len(claims) <= 5
        seen.update(claim.work.id for claim in claims)
    assert len(seen) == 25


async def test_an_entry_deleted_under_its_consumer_is_cleared_away(store: Store) -> None:
    await accept(store, "p1", "p2")
    claims = await claim_all(store, "gone", 2)
    stream = store._shards[0].work(Lane.BATCH)
    await store._pipeline.call("XDEL", stream, claims[0].entry_id)
    taken = await store.work.reclaim("w", lease=0, count=10)
    assert [claim.work.id for claim in taken] == [claims[1].work.id]
    assert len(await store._pipeline.call("XPENDING", stream, GROUP, "-", "+", 10)) == 1


async def test_a_retry_waits_for_its_time_and_counts_the_attempt(store: Store) -> None:
    await accept(store, "p1", "p2")
    first, second = await claim_all(store, "w", 2)
    await store.work.retry_later(first, delay=0, reason="engine said 503")
    await store.work.retry_later(second, delay=3600, reason="engine said 503")
    assert await store.work.claim("w", count=10, wait=0) == []
    assert await store.work.promote() == 1
    assert await store.work.promote() == 0
    (again,) = await claim_all(store, "w", 1)
    assert (again.work.id, again.attempts, again.deliveries) == (first.work.id, 1, 1)
    await assert_promises(store, ["p1", "p2"])


async def test_a_retry_goes_back_to_its_own_lane(store: Store) -> None:
    await accept(store, "p1", lane=Lane.INTERACTIVE)
    (claim,) = await claim_all(store, "w", 1)
    await store.work.retry_later(claim, delay=0, reason="engine said 503")
    await store.work.promote()
    assert (await look(store)).ready == {(Lane.INTERACTIVE, "p1"): 1}


async def test_a_pair_canceled_while_it_rests_is_dropped(store: Store) -> None:
    await accept(store, "p1")
    (claim,) = await claim_all(store, "w", 1)
    await store.work.retry_later(claim, delay=0, reason="engine said 503")
    await store.judgments.cancel("p1")
    await store.work.promote()
    assert await store.work.claim("w", count=10, wait=0) == []
    assert (await look(store)).waiting_ids() == {}


async def test_a_zombies_retry_or_return_changes_nothing(store: Store) -> None:
    await accept(store, "p1")
    (zombie,) = await claim_all(store, "zombie", 1)
    (owner,) = await store.work.reclaim("owner", lease=0, count=10)
    before = await look(store)
    await store.work.retry_later(zombie, delay=0, reason="too late")
    await store.work.hand_back([zombie])
    assert await look(store) == before
    assert await store.work.renew([owner]) == [Standing.HELD]


async def test_what_is_handed_back_is_there_for_others_at_once(store: Store) -> None:
    await accept(store, "p1", "p2")
    await store.work.hand_back(await claim_all(store, "leaving", 2))
    claims = await claim_all(store, "staying", 2)
    assert {(claim.work.id, claim.attempts, claim.deliveries) for claim in claims} == {("p1", 0, 1), ("p2", 0, 1)}


async def test_a_consumer_that_ends_cleanly_leaves_nothing_behind(redis_url: str, store: Store) -> None:
    await accept(store, "p1", "p2", "p3")
    leaving = await Store.open(redis_url)
    (first,) = await claim_all(leaving, "leaving", 1)
    await leaving.work.finish(first, *judged(first.work), retention=RETENTION)
    await claim_all(leaving, "leaving", 1)  # held until the end
    assert "leaving" in await consumers(store)
    await leaving.aclose()
    assert "leaving" not in await consumers(store)
    assert len(await claim_all(store, "staying", 2)) == 2
    await assert_promises(store, ["p1", "p2", "p3"])


@pytest.mark.parametrize("unreadable", [pack('{"version": 9}'), b'{"version": 9}', b""])
async def test_work_that_cannot_be_read_fails_with_its_reason(store: Store, unreadable: bytes) -> None:
    await accept(store, "p1", "p2")
    await store._pipeline.call("HSET", store._shards.of("p1").judgment("p1"), "work", unreadable)
    assert [claim.work.id for claim in await store.work.claim("w", count=5, wait=0)] == ["p2"]
    stored = await store.judgments.state("p1")
    assert stored is not None
    assert isinstance(stored.state, Failure)
    assert stored.state.error.code is FailureCode.UNDECODABLE
    assert stored.state.custom_id == "custom-p1"
    (letter,) = await store.dead_letters.list(10)
    assert (letter.id, letter.code, letter.work) == ("p1", FailureCode.UNDECODABLE, None)
    await assert_promises(store, ["p1", "p2"])


async def test_an_outcome_must_fit_its_claim_and_its_label(store: Store) -> None:
    await accept(store, "p1")
    (claim,) = await claim_all(store, "w", 1)
    outcome, label = judged(claim.work)
    with pytest.raises(ValueError, match="brings its label"):
        await store.work.finish(claim, outcome, None, retention=RETENTION)
    with pytest.raises(ValueError, match="brings its label"):
        await store.work.finish(claim, failure_of(claim.work), label, retention=RETENTION)
    with pytest.raises(ValueError, match="cannot end p1"):
        await store.work.finish(claim, judgment_of(work("p2")), label, retention=RETENTION)


async def test_a_claim_after_redis_was_emptied_makes_the_groups_again(store: Store) -> None:
    await store._pipeline.call("FLUSHALL")
    await accept(store, "p1")
    (claim,) = await claim_all(store, "w", 1)
    assert await store.work.finish(claim, *judged(claim.work), retention=RETENTION)


async def test_scripts_that_redis_has_forgotten_are_loaded_again(store: Store) -> None:
    await store._pipeline.call("SCRIPT", "FLUSH")
    await asyncio.gather(*(accept(store, f"p{n}") for n in range(3)))
    await store._pipeline.call("SCRIPT", "FLUSH")
    claims = await claim_all(store, "w", 3)
    assert all(
        await asyncio.gather(*(store.work.finish(each, *judged(each.work), retention=RETENTION) for each in claims))
    )
    stored = await store.judgments.state("p0")
    assert stored is not None
    assert isinstance(stored.state, Judgment)


async def test_two_shards_keep_every_promise(redis_url: str) -> None:
    store = await Store.open(redis_url, shards=2)
    names = [f"p{n}" for n in range(40)]
    await accept(store, *names)
    claims = await claim_all(store, "w", 40)
    assert {claim.shard for claim in claims} == {0, 1}
    assert await store.work.renew(claims) == [Standing.HELD] * 40
    for claim in claims[:20]:
        await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    for claim in claims[20:30]:
        await store.work.retry_later(claim, delay=0, reason="503")
    await store.work.hand_back(claims[30:35])
    assert len(await store.work.reclaim("w2", lease=0, count=100)) == 5
    assert await store.work.promote() == 10
    await assert_promises(store, names)
    await store.aclose()
