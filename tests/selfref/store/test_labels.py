"""The label feed: replayable, resumable, and honest about cursors it cannot serve."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from selfref.messages import Verdict
from selfref.store import CursorExpired, CursorInvalid, DocumentUnreadable, ShardsDiffer, Store
from selfref.store.cursor import Cursor, Position
from tests.outcomes import failure_of
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, claim_all, eventually, feed


@pytest.fixture(params=[1, 2, 5])
async def sharded(redis_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    store = await Store.open(redis_url, shards=request.param)
    yield store
    await store.aclose()


async def judge(store: Store, *names: str, tenant: str = "acme") -> None:
    for name in names:
        await store.judgments.accept(work(name, tenant=tenant), fingerprint="f", queue_limit=10_000)
    for claim in await claim_all(store, "w", len(names)):
        await store.work.finish(claim, *judged(claim.work), retention=RETENTION)


async def test_the_feed_from_zero_is_the_judged_pairs(sharded: Store) -> None:
    names = [f"p{n}" for n in range(30)]
    for name in names:
        await sharded.judgments.accept(work(name), fingerprint="f", queue_limit=100)
    verdicts = [Verdict.A, Verdict.B, Verdict.TIE, Verdict.INCONSISTENT, None]
    for n, claim in enumerate(await claim_all(sharded, "w", 30)):
        verdict = verdicts[n % 5]
        if verdict is None:
            await sharded.work.finish(claim, failure_of(claim.work), None, retention=RETENTION)
        else:
            await sharded.work.finish(claim, *judged(claim.work, verdict=verdict), retention=RETENTION)
    assert len(await feed(sharded)) == 24
    await assert_promises(sharded, names)


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_of_any_size_make_up_the_same_sequence(sharded: Store, limit: int) -> None:
    await judge(sharded, *(f"p{n}" for n in range(25)))
    whole = await sharded.labels.read("acme", after=None, limit=1000, wait=0)
    assert len(whole.labels) == 25
    pages, cursor = [], None
    while (page := await sharded.labels.read("acme", after=cursor, limit=limit, wait=0)).labels:
        assert len(page.labels) <= limit
        pages += page.labels
        cursor = page.cursor
    assert pages == whole.labels


async def test_a_reader_that_keeps_up_reads_every_label_once(sharded: Store) -> None:
    names = [f"p{n}" for n in range(60)]
    writing = asyncio.create_task(judge(sharded, *names))
    seen: list[str] = []
    cursor = None
    while len(seen) < 60:
        page = await sharded.labels.read("acme", after=cursor, limit=4, wait=2)
        seen += [label.id for label in page.labels]
        cursor = page.cursor
    await writing
    assert sorted(seen) == sorted(names)


async def test_an_empty_page_has_a_cursor_to_go_on_from(sharded: Store) -> None:
    page = await sharded.labels.read("acme", after=None, limit=5, wait=0)
    assert page.labels == []
    await judge(sharded, "p1")
    after = await sharded.labels.read("acme", after=page.cursor, limit=5, wait=0)
    assert [label.id for label in after.labels] == ["p1"]
    assert (await sharded.labels.read("acme", after=after.cursor, limit=5, wait=0)).labels == []


async def test_a_long_poll_wakes_up_promptly(sharded: Store) -> None:
    reading = asyncio.create_task(sharded.labels.read("acme", after=None, limit=5, wait=10))

    async def waiting() -> bool:
        return b"blocked_clients:1" in await sharded._pipeline.call("INFO", "clients")

    await eventually(waiting)
    started = time.monotonic()
    await judge(sharded, "p1")
    assert [label.id for label in (await reading).labels] == ["p1"]
    assert time.monotonic() - started < 1.5


async def test_a_long_poll_ends_after_its_wait(store: Store) -> None:
    started = time.monotonic()
    page = await store.labels.read("acme", after=None, limit=5, wait=0.2)
    assert page.labels == []
    assert 0.15 < time.monotonic() - started < 1.9


async def test_a_tenant_sees_only_its_own_labels(store: Store) -> None:
    await judge(store, "p1", tenant="acme")
    await judge(store, "p2", tenant="else")
    assert await feed(store, "acme") == ["p1"]
    assert await feed(store, "else") == ["p2"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "0",
        "nonsense!",
        "\x00",
        "é",
        "A",
        "eyJhIjoxfQ",
        Cursor(epoch="x", positions=()).encode() + "~",
        Cursor(epoch="x", positions=(Position(1, 2**64),)).encode(),
        Cursor(epoch="x", positions=(Position(2**64 - 1, 2**64 - 1),)).encode(),
    ],
)
async def test_what_is_no_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(CursorInvalid, match="not a label cursor"):
        await store.labels.read("acme", after=cursor, limit=5, wait=0)


async def test_a_cursor_beyond_every_label_reads_nothing(store: Store) -> None:
    await judge(store, "p1")
    epoch = Cursor.decode((await store.labels.read("acme", after=None, limit=5, wait=0)).cursor).epoch
    for position in (Position(2**64 - 1, 2**64 - 2), Position(1, 2**64 - 1), Position(2**64 - 1, 0)):
        cursor = Cursor(epoch=epoch, positions=(position,)).encode()
        page = await store.labels.read("acme", after=cursor, limit=5, wait=0)
        assert [label.id for label in page.labels] == (["p1"] if position.milliseconds == 1 else [])


async def test_a_cursor_of_a_feed_that_was_replaced_is_refused(store: Store) -> None:
    await judge(store, "p1")
    cursor = (await store.labels.read("acme", after=None, limit=5, wait=0)).cursor
    await store._pipeline.call("FLUSHALL")
    with pytest.raises(CursorInvalid, match="another feed"):
        await store.labels.read("acme", after=cursor, limit=5, wait=0)
    await store.labels.read("acme", after=None, limit=5, wait=0)


async def test_a_cursor_for_other_shards_is_refused(store: Store) -> None:
    page = await store.labels.read("acme", after=None, limit=5, wait=0)
    longer = Cursor(epoch=Cursor.decode(page.cursor).epoch, positions=(Position(), Position())).encode()
    with pytest.raises(CursorInvalid, match="another feed"):
        await store.labels.read("acme", after=longer, limit=5, wait=0)


async def test_a_cursor_before_trimmed_labels_has_expired(sharded: Store) -> None:
    start = (await sharded.labels.read("acme", after=None, limit=1, wait=0)).cursor
    await judge(sharded, *(f"p{n}" for n in range(10)))
    first = await sharded.labels.read("acme", after=start, limit=3, wait=0)
    middle = await sharded.labels.read("acme", after=first.cursor, limit=4, wait=0)
    rest = await sharded.labels.read("acme", after=middle.cursor, limit=100, wait=0)
    assert await sharded.labels.trim("acme", through=middle.cursor) == 7
    assert await sharded.labels.trim("acme", through=middle.cursor) == 0
    for gone in (start, first.cursor):
        with pytest.raises(CursorExpired, match="no longer kept"):
            await sharded.labels.read("acme", after=gone, limit=5, wait=0)
    assert await sharded.labels.read("acme", after=middle.cursor, limit=100, wait=0) == rest
    oldest_kept = await sharded.labels.read("acme", after=None, limit=100, wait=0)
    assert oldest_kept.labels == rest.labels
    assert (await sharded.labels.read("acme", after=oldest_kept.cursor, limit=5, wait=0)).labels == []


async def test_a_long_feed_is_trimmed_whole(store: Store) -> None:
    await judge(store, "p1")
    stream = store._shards[0].labels("acme")
    (entry,) = await store._pipeline.call("XRANGE", stream, "-", "+")
    await store._pipeline.calls([("XADD", stream, "*", *entry[1])] * 1200)
    everything = await store.labels.read("acme", after=None, limit=5000, wait=0)
    assert await store.labels.trim("acme", through=everything.cursor) == 1201
    assert await feed(store) == []


async def test_a_label_that_this_version_cannot_read_is_not_passed_over(store: Store) -> None:
    await judge(store, "p1")
    await store._pipeline.call("XADD", store._shards[0].labels("acme"), "*", "label", '{"version": 1}')
    with pytest.raises(DocumentUnreadable, match="versions mixed"):
        await store.labels.read("acme", after=None, limit=5, wait=0)


async def test_a_cursor_survives_a_url_and_the_process_that_made_it(redis_url: str, store: Store) -> None:
    await judge(store, "p1", "p2")
    cursor = (await store.labels.read("acme", after=None, limit=1, wait=0)).cursor
    assert cursor.replace("-", "").replace("_", "").isalnum()
    other = await Store.open(redis_url)
    assert len((await other.labels.read("acme", after=cursor, limit=5, wait=0)).labels) == 1
    await other.aclose()


async def test_the_number_of_shards_cannot_change_under_the_data(redis_url: str, store: Store) -> None:
    with pytest.raises(ShardsDiffer, match="SELFREF_SHARDS=1"):
        await Store.open(redis_url, shards=2)
    with pytest.raises(ValueError, match="at least 1"):
        await Store.open(redis_url, shards=0)
