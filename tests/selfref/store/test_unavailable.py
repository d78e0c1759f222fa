"""Redis is away, mute, full, read-only or loading: one error, that says what to do."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from selfref.embedded_redis import free_port
from selfref.store import Store, StoreFull, StoreRefuses, StoreUnavailable
from selfref.store.wire import Wire, meaning
from tests.redis_server import RedisServer
from tests.selfref.store.pairs import RETENTION, judged, work
from tests.selfref.store.views import assert_promises, claim_all


async def test_a_redis_that_is_not_there(redis_url: str) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="SELFREF_REDIS_URL") as caught:
        await Store.open(f"redis://127.0.0.1:{free_port()}/0")
    assert "SELFREF_REDIS_URL" in caught.value.detail
    assert time.monotonic() - started < 3


async def test_a_url_that_is_none_of_redis() -> None:
    with pytest.raises(ValueError, match="scheme"):
        await Store.open("http://127.0.0.1:1/")


@pytest.fixture
async def mute() -> AsyncIterator[str]:
    """A server that takes everything and answers nothing."""
    writers = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    for writer in writers:
        writer.close()
    server.close()


async def test_a_redis_that_does_not_answer(mute: str) -> None:
    wire = Wire(mute)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.1 s"):
        await wire.exchange([("PING",)], within=0.1)
    assert time.monotonic() - started < 1
    await wire.aclose()


async def test_a_late_answer_is_never_taken_for_the_next_one(store: Store) -> None:
    wire = store._wire
    with pytest.raises(StoreUnavailable):
        await wire.exchange([("BLPOP", "nothing", "0.3")], within=0.05)
    cancelled = asyncio.create_task(wire.exchange([("BLPOP", "nothing", "0.3")]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await wire.exchange([("ECHO", "mine")] * 3) == [b"mine"] * 3
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_answers_that_were_not_read_never_answer_the_next_exchange() -> None:
    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read(4096)
        if len(connections) > 1:
            writer.write(b"+fresh\r\n")
            return
        writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        if await reader.read(4096):
            writer.write(b"+stale\r\n+stale\r\n+fresh\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    with pytest.raises(StoreUnavailable, match="loading"):
        await wire.exchange([("PING",), ("PING",), ("PING",)])
    assert await wire.exchange([("PING",)]) == [b"fresh"]
    await wire.aclose()
    for connection in connections:
        connection.close()
    server.close()


async def test_a_full_redis_refuses_whole_and_works_again_with_room(store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    (claim,) = await claim_all(store, "w", 1)
    await store._pipeline.call("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(StoreFull, match="out of memory"):
            await store.judgments.accept(work("p2"), fingerprint="f", queue_limit=10)
        with pytest.raises(StoreFull, match="raise its maxmemory"):
            await store.require_writes()
        with pytest.raises(StoreFull, match="out of memory"):
            await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
        assert await store.judgments.state("p2") is None
        await store.ping()
    finally:
        await store._pipeline.call("CONFIG", "SET", "maxmemory", 0)
    await assert_promises(store, ["p1"])
    await store.require_writes()
    assert await store._pipeline.call("EXISTS", store._shards[0].never) == 0
    assert await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    await assert_promises(store, ["p1"])


async def test_a_replica_refuses_writes(store: Store) -> None:
    await store._pipeline.call("REPLICAOF", "127.0.0.1", free_port())
    try:
        with pytest.raises(StoreRefuses, match="read-only replica"):
            await store.require_writes()
        with pytest.raises(StoreRefuses, match="read-only replica"):
            await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    finally:
        await store._pipeline.call("REPLICAOF", "NO", "ONE")


async def test_a_full_redis_can_be_opened_read_and_relieved_of_labels(redis_url: str, store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    (claim,) = await claim_all(store, "w", 1)
    await store.work.finish(claim, *judged(claim.work), retention=RETENTION)
    await store._pipeline.call("CONFIG", "SET", "maxmemory", 1)
    try:
        other = await Store.open(redis_url)
        page = await other.labels.read("acme", after=None, limit=5, wait=0)
        assert [label.id for label in page.labels] == ["p1"]
        assert await other.labels.trim("acme", through=page.cursor) == 1
        assert (await other.labels.read("acme", after=page.cursor, limit=5, wait=0)).labels == []
        await other.aclose()
    finally:
        await store._pipeline.call("CONFIG", "SET", "maxmemory", 0)


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "out of memory"),
        (ReadOnlyError("You can't write against a read only replica."), "read-only replica"),
        (ResponseError("MISCONF Errors writing to the AOF file: No space left on device"), "free some space"),
        (
            ResponseError("Error running script (call to f_1): @user_script:3: -MISCONF Errors writing"),
            "free some space",
        ),
        (ResponseError("Error running script (call to f_1): @user_script:3: OOM command not allowed"), "out of memory"),
        (ResponseError("LOADING Redis is loading the dataset in memory"), "still loading"),
        (ResponseError("BUSY Redis is busy running a script."), "busy"),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "NOREPLICAS"),
        (ResponseError("-NOGROUP No such key 's' or consumer group"), "consumer groups"),
    ],
)
def test_a_refusal_says_what_to_do(reply: Exception, detail: str) -> None:
    found = meaning(reply)
    assert isinstance(found, StoreUnavailable)
    assert detail in found.detail


def test_a_bug_of_ours_is_no_outage() -> None:
    bug = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
    assert meaning(bug) is bug


async def test_an_outage_ends_by_itself(redis_url: str, redis_server: RedisServer, store: Store) -> None:
    await store.judgments.accept(work("p1"), fingerprint="f", queue_limit=10)
    listening = asyncio.create_task(store.judgments.finished({0: "0-0"}, wait=2))
    redis_server.kill()
    try:
        with pytest.raises(StoreUnavailable):
            await store.ping()
        with pytest.raises(StoreUnavailable):
            await store.work.claim("w", count=1, wait=1)
        with pytest.raises(StoreUnavailable):
            await listening
    finally:
        redis_server.restart()
    await store.ping()
    assert len(await claim_all(store, "w", 1)) == 1


async def test_health_tells_what_a_doctor_asks(store: Store) -> None:
    health = await store.health()
    assert health.redis_version.startswith("6.2.")
    assert (health.aof_enabled, health.aof_last_write_status) == (True, "ok")
    assert (health.maxmemory_policy, health.maxmemory) == ("noeviction", 0)
    assert health.used_memory > 0
