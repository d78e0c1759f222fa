"""Redis is killed, or loses the end of its log: nothing accepted is lost, nothing is doubled."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfref.embedded_redis import EmbeddedRedis
from selfref.messages import Judgment, Lane, Verdict, Waiting
from selfref.store import Store
from tests.outcomes import failure_of
from tests.redis_server import RedisServer
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, claim_all, crash, feed, look

CUTS = 25  # of each kind


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of one's own, to be killed."""
    server = RedisServer(tmp_path / "mortal")
    yield server
    server.kill()


async def labour(store: Store, names: list[str]) -> None:
    """Every kind of thing that can happen to a pair."""
    for n, name in enumerate(names):
        lane = Lane.INTERACTIVE if n % 3 == 0 else Lane.BATCH
        await store.judgments.accept(work(name, lane=lane), fingerprint="f", queue_limit=1000)
    verdicts = [Verdict.A, Verdict.TIE, Verdict.INCONSISTENT]
    for n, claim in enumerate(await claim_all(store, "w", len(names) - 4)):
        match n % 7:
            case 0 | 1:
                await store.work.finish(claim, *judged(claim.work, verdict=verdicts[n % 3]), retention=RETENTION)
            case 2:
                await store.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
            case 3:
                await store.work.retry_later(claim, delay=0 if n % 2 else 1000, reason="503")
            case 4:
                await store.work.hand_back([claim])
            case 5:
                await store.judgments.cancel(claim.work.id)
            case _:
                await store.work.renew([claim])
    await store.work.promote()
    await store.dead_letters.replay(names[:9])


async def test_kill_9_and_restart_lose_nothing_that_was_accepted(mortal: RedisServer) -> None:
    store = await Store.open(mortal.url)
    names = [f"p{n}" for n in range(60)]
    await labour(store, names)
    before, queue = await store.judgments.states(names), await look(store)
    page = await store.labels.read("acme", after=None, limit=5, wait=0)
    rest = await store.labels.read("acme", after=page.cursor, limit=1000, wait=0)
    mortal.kill()
    mortal.restart()
    assert await store.judgments.states(names) == before
    assert await look(store) == queue, "stream ids, pending entries and their owners outlive a restart"
    assert await store.labels.read("acme", after=page.cursor, limit=1000, wait=0) == rest
    await assert_promises(store, names)
    await store.aclose()


async def test_a_claim_outlives_the_restart_of_redis(mortal: RedisServer) -> None:
    store = await Store.open(mortal.url)
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    (claim,) = await claim_all(store, "w", 1)
    mortal.kill()
    mortal.restart()
    assert await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    await assert_promises(store, ["p1"])
    assert (await look(store)).waiting_ids() == {}
    await store.aclose()


async def test_a_log_cut_anywhere_leaves_every_pair_in_one_place(mortal: RedisServer, tmp_path: Path) -> None:
    store = await Store.open(mortal.url)
    names = [f"p{n}" for n in range(40)]
    await labour(store, names)
    await crash(store)
    mortal.kill()
    log = mortal.append_only_file.read_bytes()
    start, chance = log.index(b"accepted_by"), random.Random(7)
    anywhere = chance.sample(range(start, len(log)), CUTS)
    between_transactions = chance.sample([found.end() for found in re.finditer(rb"\r\nEXEC\r\n", log)], CUTS)
    for offset in anywhere + between_transactions:
        folder = tmp_path / f"cut-{offset}"
        folder.mkdir()
        (folder / "appendonly.aof").write_bytes(log[:offset])
        server = EmbeddedRedis.start(folder)
        try:
            await _check_cut(server.url, names)
        finally:
            server.kill()


async def _check_cut(url: str, names: list[str]) -> None:
    store = await Store.open(url)
    stored = await store.judgments.states(names)
    accepted = [each for each, found in zip(names, stored, strict=True) if found is not None]
    assert accepted == names[: len(accepted)], "what was accepted later survived what was accepted earlier"
    await assert_promises(store, accepted)
    await _judge_what_waits(store)
    await assert_promises(store, accepted)
    for found in await store.judgments.states(accepted):
        assert found is not None
        assert not isinstance(found.state, Waiting)
    assert len(await feed(store)) == len(
        [found for found in await store.judgments.states(accepted) if found and isinstance(found.state, Judgment)]
    )
    await store.aclose()


async def _judge_what_waits(store: Store) -> None:
    (delayed,) = [keys.delayed for keys in store._shards]
    for member in await store._pipeline.call("ZRANGE", delayed, 0, -1):
        await store._pipeline.call("ZADD", delayed, 0, member)
    await store.work.promote()
    while claims := [
        *await store.work.reclaim("heir", lease=0, count=100),
        *await store.work.claim("heir", count=100, wait=0),
    ]:
        for claim in claims:
            await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
