"""Accepting, looking at and withdrawing pairs."""

import asyncio
import time

import pytest

from selfref.messages import Cancellation, Judgment, Lane, Verdict, Waiting
from selfref.store import Accepted, AlreadyThere, Counts, QueueFull, Store
from tests.outcomes import failure_of
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import claim_all, look


async def test_an_accepted_pair_waits_with_all_that_it_came_with(store: Store) -> None:
    pair = work("p1")
    assert await store.judgments.accept(pair, fingerprint="f", queue_limit=10) == Accepted()
    stored = await store.judgments.state("p1")
    assert stored is not None
    assert stored.tenant == "acme"
    assert stored.state == Waiting(id="p1", custom_id=pair.custom_id, created_at=pair.created_at)
    (claim,) = await store.work.claim("w", count=1, wait=0)
    assert claim.work == pair
    assert (claim.attempts, claim.deliveries) == (0, 1)


async def test_an_unknown_pair_is_none(store: Store) -> None:
    assert await store.judgments.state("nobody") is None
    assert await store.judgments.states([]) == []


async def test_an_id_is_accepted_once_even_by_many_at_the_same_time(store: Store) -> None:
    replies = await asyncio.gather(
        *(store.judgments.accept(work("p1"), fingerprint=f"f{n}", queue_limit=10) for n in range(20))
    )
    winner = replies.index(Accepted())
    assert [reply for reply in replies if reply != Accepted()] == [AlreadyThere(f"f{winner}", "acme")] * 19
    assert (await store.judgments.counts("acme")).submitted == 1
    assert (await look(store)).waiting_ids() == {"p1": 1}


async def test_a_full_lane_refuses_and_keeps_nothing(store: Store) -> None:
    for n in range(3):
        await store.judgments.accept(work(f"p{n}"), fingerprint="f", queue_limit=3)
    assert await store.judgments.accept(work("p3"), fingerprint="f", queue_limit=3) == QueueFull(length=3)
    assert await store.judgments.state("p3") is None
    assert (await store.judgments.counts("acme")).submitted == 3
    other_lane = work("p4", lane=Lane.INTERACTIVE)
    assert await store.judgments.accept(other_lane, fingerprint="f", queue_limit=3) == Accepted()
    assert await store.judgments.queue_lengths() == {Lane.INTERACTIVE: 1, Lane.BATCH: 3}


async def test_a_pair_that_was_accepted_before_is_recognised_in_a_full_lane(store: Store) -> None:
    await store.judgments.accept(work("p0"), fingerprint="f", queue_limit=1)
    assert await store.judgments.accept(work("p0"), fingerprint="g", queue_limit=1) == AlreadyThere("f", "acme")


async def test_a_canceled_pair_never_reaches_a_worker(store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    assert await store.judgments.cancel("p1")
    assert await store.judgments.cancel("p1")
    assert await store.work.claim("w", count=5, wait=0) == []
    stored = await store.judgments.state("p1")
    assert stored is not None
    assert isinstance(stored.state, Cancellation)
    assert stored.state.custom_id == "custom-p1"
    assert await store.judgments.counts("acme") == Counts(submitted=1, canceled=1)
    assert (await look(store)).waiting_ids() == {}


async def test_what_has_ended_cannot_be_canceled(store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    (claim,) = await claim_all(store, "w", 1)
    await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    assert not await store.judgments.cancel("p1")
    assert not await store.judgments.cancel("nobody")
    stored = await store.judgments.state("p1")
    assert stored is not None
    assert isinstance(stored.state, Judgment)


async def test_counts_add_up_over_every_kind_of_end(store: Store) -> None:
    for n in range(6):
        await store.judgments.accept(work(f"p{n}"), fingerprint="f", queue_limit=10)
    await store.judgments.accept(work("other", tenant="else"), fingerprint="f", queue_limit=10)
    claims = {claim.work.id: claim for claim in await claim_all(store, "w", 7)}
    for name, verdict in [("p0", Verdict.A), ("p1", Verdict.TIE), ("p2", Verdict.INCONSISTENT)]:
        await store.work.finish(claims[name], *judged(claims[name].work, verdict=verdict), retention=RETENTION)
    await store.work.finish(claims["p3"], failure_of(claims["p3"].work), None, retention=RETENTION)
    await store.judgments.cancel("p4")
    counts = await store.judgments.counts("acme")
    assert counts == Counts(submitted=6, decided=1, tie=1, inconsistent=1, failed=1, canceled=1)
    assert counts.waiting == 1
    assert await store.judgments.counts("else") == Counts(submitted=1)
    assert await store.judgments.counts("nobody") == Counts()


async def test_an_ended_pair_is_forgotten_after_its_retention(store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    key = store._shards.of("p1").judgment("p1")
    assert await store._pipeline.call("PTTL", key) == -1, "a waiting pair must never expire"
    (claim,) = await claim_all(store, "w", 1)
    await store.work.finish(claim, *judged(claim.work), retention=50)
    assert 40_000 < await store._pipeline.call("PTTL", key) <= 50_000
    assert not await store._pipeline.call("HGET", key, "work"), "the payload has no reader left"


async def test_notice_of_an_end_comes_promptly(store: Store) -> None:
    for name in ("p0", "p1"):
        await store.judgments.accept(work(name), fingerprint="f", queue_limit=10)
    first, second = await claim_all(store, "w", 2)
    await store.work.finish(first, *judged(first.work), retention=RETENTION)
    nothing, present = await store.judgments.finished(None, wait=2)
    assert nothing == []
    started = time.monotonic()
    listening = asyncio.create_task(store.judgments.finished(present, wait=2))
    await store.work.finish(second, *judged(second.work), retention=RETENTION)
    ids, onward = await listening
    assert ids == [second.work.id]
    assert time.monotonic() - started < 1.5
    assert await store.judgments.finished(onward, wait=0) == ([], onward)
    assert await store.judgments.finished({0: "0-0"}, wait=0) == ([first.work.id, second.work.id], onward)


async def test_an_id_is_reserved_by_one_request_until_it_is_released(store: Store) -> None:
    assert await store.judgments.reserve("p1", seconds=30)
    assert not await store.judgments.reserve("p1", seconds=30)
    await store.judgments.release("p1")
    assert await store.judgments.reserve("p1", seconds=30)
    assert 0 < await store._pipeline.call("PTTL", store._shards.of("p1").reservation("p1")) <= 30_000


@pytest.mark.parametrize("shards", [1, 3])
async def test_shards_share_the_queue_limit(redis_url: str, shards: int) -> None:
    store = await Store.open(redis_url, shards=shards)
    accepted = 0
    for n in range(60):
        reply = await store.judgments.accept(work(f"p{n}"), fingerprint="f", queue_limit=30)
        accepted += reply == Accepted()
    assert accepted == 30
    assert (await store.judgments.queue_lengths())[Lane.BATCH] == 30
    await store.aclose()
