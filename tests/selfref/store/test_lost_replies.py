"""Redis did it, and its answer was lost: nothing is doubled, and the caller learns the truth."""

from collections.abc import AsyncIterator

import pytest

from selfref.messages import Failure
from selfref.store import Accepted, Claim, Counts, Standing, Store, StoreUnavailable
from selfref.store.documents import pack
from tests.outcomes import failure_of
from tests.redis_server import RedisServer
from tests.selfref.store.lossy_proxy import LossyProxy
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, claim_all, feed, look


@pytest.fixture
async def proxy(redis_url: str, redis_server: RedisServer) -> AsyncIterator[LossyProxy]:
    async with LossyProxy(redis_server.port).running() as running:
        yield running


@pytest.fixture
async def unlucky(proxy: LossyProxy) -> AsyncIterator[Store]:
    opened = await Store.open(proxy.url)
    yield opened
    proxy.losing = 0
    await opened.aclose()


@pytest.fixture
async def claim(unlucky: Store) -> Claim:
    await unlucky.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    (claim,) = await claim_all(unlucky, "w", 1)
    return claim


@pytest.mark.parametrize("losses", [1, 2])
async def test_accept(proxy: LossyProxy, unlucky: Store, losses: int) -> None:
    proxy.losing = losses
    assert await unlucky.judgments.accept(work("p1"), fingerprint="f", queue_limit=10) == Accepted()
    assert proxy.lost == losses
    assert (await look(unlucky)).waiting_ids() == {"p1": 1}
    await assert_promises(unlucky, ["p1"])


@pytest.mark.parametrize("losses", [1, 2])
async def test_finish_with_a_judgment(proxy: LossyProxy, unlucky: Store, claim: Claim, losses: int) -> None:
    proxy.losing = losses
    assert await unlucky.work.finish(claim, *judged(claim.work), retention=RETENTION)
    assert proxy.lost == losses
    assert await feed(unlucky) == ["p1"]
    assert await unlucky.judgments.finished({0: "0-0"}, wait=0) == (
        ["p1"],
        (await unlucky.judgments.finished(None, wait=0))[1],
    )
    assert await unlucky.judgments.counts("acme") == Counts(submitted=1, decided=1)
    await assert_promises(unlucky, ["p1"])


@pytest.mark.parametrize("losses", [1, 2])
async def test_finish_with_a_failure(proxy: LossyProxy, unlucky: Store, claim: Claim, losses: int) -> None:
    proxy.losing = losses
    assert await unlucky.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
    assert len(await unlucky.dead_letters.list(10)) == 1
    assert await unlucky.judgments.counts("acme") == Counts(submitted=1, failed=1)
    await assert_promises(unlucky, ["p1"])


async def test_retry_later(proxy: LossyProxy, unlucky: Store, claim: Claim) -> None:
    proxy.losing = 1
    await unlucky.work.retry_later(claim, delay=0, reason="503")
    assert proxy.lost == 1
    await unlucky.work.promote()
    (again,) = await claim_all(unlucky, "w", 1)
    assert again.attempts == 1
    await assert_promises(unlucky, ["p1"])


async def test_hand_back(proxy: LossyProxy, unlucky: Store, claim: Claim) -> None:
    proxy.losing = 1
    await unlucky.work.hand_back([claim])
    assert proxy.lost == 1
    assert (await look(unlucky)).ready.total() == 1
    await assert_promises(unlucky, ["p1"])


async def test_promote(proxy: LossyProxy, unlucky: Store, claim: Claim) -> None:
    await unlucky.work.retry_later(claim, delay=0, reason="503")
    proxy.losing = 1
    await unlucky.work.promote()
    assert proxy.lost == 1
    assert (await look(unlucky)).ready.total() == 1


async def test_cancel(proxy: LossyProxy, unlucky: Store, claim: Claim) -> None:
    proxy.losing = 2
    assert await unlucky.judgments.cancel("p1")
    assert await unlucky.judgments.counts("acme") == Counts(submitted=1, canceled=1)
    assert await unlucky.work.renew([claim]) == [Standing.CANCELED]


async def test_replay(proxy: LossyProxy, unlucky: Store, claim: Claim) -> None:
    await unlucky.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
    state = await unlucky.judgments.state("p1")
    assert state is not None
    assert isinstance(state.state, Failure)
    command = unlucky.dead_letters._replaying(
        "p1", tenant="acme", lane=claim.lane, failure=pack(state.state.model_dump_json())
    )
    proxy.losing = 1
    assert await unlucky._pipeline.call(*command) == 1
    assert proxy.lost == 1
    assert await unlucky.judgments.counts("acme") == Counts(submitted=1)
    assert (await look(unlucky)).waiting_ids() == {"p1": 1}
    await assert_promises(unlucky, ["p1"])


async def test_a_late_repetition_of_a_failure_does_not_end_the_replayed_pair(unlucky: Store, claim: Claim) -> None:
    await unlucky.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
    call = await unlucky._pipeline.call("HGET", unlucky._shards.of("p1").judgment("p1"), "ended_by")
    await unlucky.dead_letters.replay(["p1"])
    keys = unlucky._shards.of("p1")
    arguments = ["p1", call, "workers", claim.entry_id, "{}", 1000, 10, 10, "acme", "engine_failed", "m", "t"]
    repeated = await unlucky._pipeline.run(
        "fail",
        keys=[keys.judgment("p1"), keys.work(claim.lane), keys.counts("acme"), keys.finished, keys.dead],
        args=arguments,
    )
    assert repeated == 1
    await assert_promises(unlucky, ["p1"])


async def test_reserve(proxy: LossyProxy, unlucky: Store) -> None:
    proxy.losing = 1
    assert await unlucky.judgments.reserve("p1", seconds=5)
    assert proxy.lost == 1
    assert not await unlucky.judgments.reserve("p1", seconds=5)


async def test_a_claim_is_never_asked_for_twice(proxy: LossyProxy, unlucky: Store) -> None:
    for name in ("p1", "p2"):
        await unlucky.judgments.accept(work(name), fingerprint="f", queue_limit=10)
    proxy.losing = 1
    with pytest.raises(StoreUnavailable):
        await unlucky.work.claim("w", count=1, wait=0)
    assert len((await look(unlucky)).pending) == 1, "a repetition would have taken a second pair"
    assert len(await unlucky.work.reclaim("w", lease=0, count=10)) == 1, "the lost one comes back with its lease"


async def test_more_losses_than_tries_are_reported_and_still_double_nothing(
    proxy: LossyProxy, unlucky: Store, claim: Claim
) -> None:
    proxy.losing = 1000
    with pytest.raises(StoreUnavailable, match="Redis"):
        await unlucky.work.finish(claim, *judged(claim.work), retention=RETENTION)
    proxy.losing = 0
    assert not await unlucky.work.finish(claim, *judged(claim.work), retention=RETENTION)
    assert await feed(unlucky) == ["p1"]
    await assert_promises(unlucky, ["p1"])
