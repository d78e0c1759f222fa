"""What failed can be looked at, and given another try."""

import asyncio

import pytest

from selfref.messages import FailureCode, Lane, Waiting
from selfref.store import Counts, Store
from tests.outcomes import failure_of
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, claim_all


async def fail(store: Store, *names: str) -> None:
    for name in names:
        await store.judgments.accept(work(name, lane=Lane.INTERACTIVE), fingerprint="f", queue_limit=100)
    for claim in await claim_all(store, "w", len(names)):
        await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)


async def test_a_failure_leaves_a_dead_letter_with_its_reason_and_its_work(store: Store) -> None:
    await fail(store, "p1")
    (letter,) = await store.dead_letters.list(10)
    assert (letter.id, letter.tenant, letter.code) == ("p1", "acme", FailureCode.ENGINE_FAILED)
    assert letter.message == "made to fail: engine_failed"
    assert letter.work is not None
    assert letter.work.comparison.prompt == "Question p1?"
    await assert_promises(store, ["p1"])


@pytest.mark.parametrize("shards", [1, 3])
async def test_dead_letters_are_listed_in_pages(redis_url: str, shards: int) -> None:
    store = await Store.open(redis_url, shards=shards)
    names = [f"p{n}" for n in range(11)]
    await fail(store, *names)
    seen: list[str] = []
    after = None
    while page := await store.dead_letters.list(3, after):
        assert len(page) <= 3
        seen += [letter.id for letter in page]
        after = page[-1].entry_id
    assert sorted(seen) == sorted(names)
    with pytest.raises(ValueError, match="entry_id"):
        await store.dead_letters.list(3, "somewhere")
    await store.aclose()


async def test_a_replayed_pair_waits_as_if_it_were_new(store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=100)
    (claim,) = await claim_all(store, "w", 1)
    await store.work.retry_later(claim, delay=0, reason="503")
    await store.work.promote()
    (claim,) = await claim_all(store, "w", 1)
    await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
    assert await store.dead_letters.replay(["p1"]) == 1
    stored = await store.judgments.state("p1")
    assert stored is not None
    assert isinstance(stored.state, Waiting)
    assert stored.state.custom_id == "custom-p1"
    assert await store.judgments.counts("acme") == Counts(submitted=1)
    assert await store._pipeline.call("PTTL", store._shards.of("p1").judgment("p1")) == -1
    assert await store.dead_letters.list(10) == []
    (again,) = await claim_all(store, "w", 1)
    assert (again.attempts, again.deliveries) == (0, 1)
    assert await store.work.finish(again, *judged(again.work), retention=RETENTION)
    await assert_promises(store, ["p1"])


async def test_only_pairs_that_failed_are_replayed(store: Store) -> None:
    await fail(store, "p1", "p2")
    for name in ("judged", "canceled", "waiting"):
        await store.judgments.accept(work(name), fingerprint="f", queue_limit=100)
    await store.judgments.cancel("canceled")
    (claim, _) = await claim_all(store, "w", 2)
    await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    assert await store.dead_letters.replay(["judged", "canceled", "waiting", "nobody", "p1"]) == 1
    assert await store.dead_letters.replay(["p1"]) == 0
    await assert_promises(store, ["p1", "p2", "judged", "canceled", "waiting"])


async def test_a_pair_replayed_by_several_at_once_comes_back_once(store: Store) -> None:
    await fail(store, "p1")
    replayed = await asyncio.gather(*(store.dead_letters.replay(["p1"]) for _ in range(5)))
    assert sorted(replayed) == [0, 0, 0, 0, 1]
    await assert_promises(store, ["p1"])


@pytest.mark.parametrize("shards", [1, 2])
async def test_everything_that_failed_is_replayed_at_once(redis_url: str, shards: int) -> None:
    store = await Store.open(redis_url, shards=shards)
    names = [f"p{n}" for n in range(20)]
    await fail(store, *names)
    assert await store.dead_letters.replay(None) == 20
    assert await store.dead_letters.replay(None) == 0
    assert len(await claim_all(store, "w", 20)) == 20
    await assert_promises(store, names)
    await store.aclose()
