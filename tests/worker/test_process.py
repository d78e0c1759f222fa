"""Worker processes against a real Redis and an engine over HTTP: killed, stopped, frozen, overloaded, cut off."""

import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from selfref.embedded_redis import free_port
from selfref.messages import FailureCode, Preset, now
from selfref.store import Store
from tests.redis_server import RedisServer
from tests.selfref.store.views import whole
from tests.stub_engine import StubEngine
from tests.worker.engines.stub_server import StubServer, serving
from tests.worker.judging import TENANT, ended, eventually, label_ids, labels, submit, until_ended
from tests.worker.processes import StartEngine, StartWorker


async def test_pairs_held_by_a_killed_worker_resume_within_a_lease_and_a_fifth_and_end_once(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine, lease = start_engine("--latency-ms", "300"), 2.0
    killed = start_worker(redis_url, engine.url, lease=lease, concurrency=8)
    other = start_worker(redis_url, engine.url, lease=lease, concurrency=8)
    await killed.ready()
    await other.ready()
    ids = await submit(store, 16)
    await eventually(lambda: engine.stats()["in_flight"] == 16)  # eight calls of each worker
    killed.kill()
    killed_at = now()
    assert (await until_ended(store, 16)).decided == 16
    assert sorted(await label_ids(store)) == sorted(ids)
    reclaimed = [each for each in other.events() if each["event"] == "reclaimed"]
    assert 0 < sum(each["pairs"] for each in reclaimed) <= 8
    assert (datetime.fromisoformat(reclaimed[-1]["timestamp"]) - killed_at).total_seconds() < 1.2 * lease


async def test_counts_of_a_killed_worker_are_whole_and_exact(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--latency-ms", "20")
    killed = start_worker(redis_url, engine.url, lease=1, concurrency=4)
    await killed.ready()
    ids = await submit(store, 60)
    await until_ended(store, 10)
    killed.kill()  # some of its pairs have ended, some are in flight, and its own counters are gone
    other = start_worker(redis_url, engine.url, lease=1, concurrency=4)
    counts = await until_ended(store, 60)
    other.kill()
    tallied, found = await whole(store, TENANT), await labels(store)
    assert sorted(label.id for label in found) == sorted(ids)
    assert (tallied.decided, tallied.judged, tallied.failed) == (counts.decided, len(ids), 0)
    assert tallied.longer_won == sum(label.chosen == "GOOD" for label in found)  # the longer one, in every pair
    assert tallied.shorter_won == sum(label.chosen == "bad" for label in found)
    assert tallied.measured == tallied.judged


async def test_a_stopped_worker_hands_back_at_once_and_leaves(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--latency-ms", "2000")
    worker = start_worker(redis_url, engine.url, concurrency=8)
    await worker.ready()
    ids = await submit(store, 8)
    await eventually(lambda: engine.stats()["in_flight"] == 8)
    assert await worker.stop() < 2.0
    await eventually(lambda: engine.stats()["in_flight"] == 0)  # its calls are off the engine
    claims = await store.work.claim("next", count=20, wait=0)
    assert sorted(claim.work.id for claim in claims) == sorted(ids)
    assert {(claim.attempts, claim.deliveries) for claim in claims} == {(0, 1)}
    assert await consumers(redis_url) == {"next"}


async def consumers(redis_url: str) -> set[str]:
    """Who is in the consumer groups of the first shard."""
    async with Redis.from_url(redis_url) as redis:
        groups = [
            (stream, group["name"])
            for stream in await redis.keys("selfref:{s0}:*")
            if await redis.type(stream) == b"stream"
            for group in await redis.xinfo_groups(stream)
        ]
        found = [await redis.xinfo_consumers(stream, group) for stream, group in groups]
        return {consumer["name"].decode() for each in found for consumer in each}


async def test_a_worker_frozen_past_its_lease_makes_no_second_label(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--latency-ms", "300")
    frozen = start_worker(redis_url, engine.url, lease=1, concurrency=8)
    other = start_worker(redis_url, engine.url, lease=1, concurrency=8)
    await frozen.ready()
    await other.ready()
    ids = await submit(store, 16)
    await eventually(lambda: engine.stats()["in_flight"] == 16)  # eight calls of each worker
    frozen.send(signal.SIGSTOP)
    assert (await until_ended(store, 16)).decided == 16
    before = await label_ids(store)
    assert sorted(before) == sorted(ids)
    frozen.send(signal.SIGCONT)
    await frozen.logged("withdrawn")
    more = await submit(store, 16)
    assert (await until_ended(store, 32)).decided == 32
    after = await label_ids(store)
    assert after[:16] == before
    assert sorted(after[16:]) == sorted(more)
    assert await frozen.stop() < 5


async def test_a_canceled_pair_makes_no_engine_call_two_seconds_later(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--latency-ms", "1500")
    worker = start_worker(redis_url, engine.url)
    await worker.ready()
    engine.reset()
    (pair,) = await submit(store, 1, preset=Preset.SELF_REFERENCE)
    await eventually(lambda: engine.stats()["in_flight"] == 1)
    assert await store.judgments.cancel(pair)
    await eventually(lambda: engine.stats()["disconnects"] == 1, within=2.0)
    assert engine.generated == 1
    (after,) = await submit(store, 1)
    assert (await until_ended(store, 2)).canceled == 1
    assert await label_ids(store) == [after]
    assert engine.generated == 1 + 4  # the canceled pair's reference; two critiques and two verdicts of the other


async def test_one_call_in_twenty_failing_and_one_verdict_in_twenty_unreadable_lose_and_invent_nothing(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--errors-503", "0.05", "--garbage", "0.05", "--seed", "1")
    worker = start_worker(redis_url, engine.url, max_attempts=2, concurrency=32)
    await worker.ready()
    ids = await submit(store, 100, preset=Preset.SELF_REFERENCE)
    counts = await until_ended(store, 100, within=60)
    assert counts.decided + counts.failed == 100
    assert 0 < counts.failed < 40
    found = {pair: await ended(store, pair) for pair in ids}
    judged = {pair for pair, state in found.items() if state.status == "judged"}
    reasons = {state.error.code for state in found.values() if state.status == "failed"}
    assert reasons == {FailureCode.UNREADABLE_VERDICT}, "a call that got a 503 is made again"
    feed = await labels(store)
    assert len(feed) == len(judged) == counts.decided
    assert {label.id for label in feed} == judged
    assert {label.chosen for label in feed} == {"GOOD"}
    assert len(await store.dead_letters.list(1000, None)) == counts.failed
    (tallied,) = (await store.tallies.read(TENANT)).values()  # failures and judgments are of one and the same model
    assert (tallied.decided, tallied.failed) == (counts.decided, counts.failed)


async def test_a_redis_killed_and_restarted_in_mid_run_loses_and_doubles_nothing(
    tmp_path: Path, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    redis = RedisServer(tmp_path)
    engine = start_engine("--latency-ms", "100")
    store = await Store.open(redis.url)
    try:
        # Redis may die between taking a claim down and answering it; such a pair, and no other, is delivered twice.
        worker = start_worker(redis.url, engine.url, lease=5, concurrency=16, max_deliveries=2)
        await worker.ready()
        ids = await submit(store, 100, preset=Preset.SELF_REFERENCE)
        await eventually(lambda: engine.generated > 100)
        redis.kill()
        await worker.logged("store_unavailable")
        redis.restart()
        assert (await until_ended(store, 100, within=40)).decided == 100
        assert sorted(await label_ids(store)) == sorted(ids)
        assert await worker.stop() < 5
    finally:
        await store.aclose()
        redis.stop()


async def test_an_overloaded_engine_burns_no_attempts(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--latency-ms", "20", "--limit", "4")
    worker = start_worker(redis_url, engine.url, max_attempts=1, concurrency=32)
    await worker.ready()
    await submit(store, 60)
    counts = await until_ended(store, 60)
    assert (counts.decided, counts.failed) == (60, 0)
    assert engine.stats()["rejected_429"] > 0


async def test_an_engine_killed_and_restarted_in_mid_run_burns_no_attempts(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    engine = start_engine("--latency-ms", "100")
    worker = start_worker(redis_url, engine.url, max_attempts=1, max_deliveries=1, concurrency=16)
    await worker.ready()
    await submit(store, 60)
    await eventually(lambda: engine.generated > 40)
    engine.kill()
    await worker.logged("engine_away")
    engine.restart()
    await worker.logged("engine_back")
    counts = await until_ended(store, 60)
    assert (counts.decided, counts.failed) == (60, 0)


async def test_a_worker_waits_for_its_engine_and_says_so(
    store: Store, redis_url: str, start_worker: StartWorker
) -> None:
    port = free_port()
    worker = start_worker(redis_url, f"http://127.0.0.1:{port}")
    await worker.logged("waiting")
    engine = StubEngine(port=port)
    try:
        await worker.ready()
        assert await worker.stop() < 2.0
    finally:
        engine.close()


async def test_a_worker_that_still_waits_can_be_stopped(redis_url: str, start_worker: StartWorker) -> None:
    worker = start_worker(redis_url, f"http://127.0.0.1:{free_port()}")
    await worker.logged("waiting")
    assert await worker.stop() < 2.0


async def test_an_engine_that_cannot_judge_is_refused_loudly(
    redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    worker = start_worker(redis_url, f"{start_engine().url}/nothing-here")
    assert await worker.ends(within=20) == 3
    (event,) = [each for each in worker.events() if each["event"] == "engine_unsuitable"]
    assert "SELFREF_ENGINE_URL" in event["error"]


@pytest.mark.parametrize(
    ("redis", "settings", "variable"),
    [
        ("redis://127.0.0.1:1", {"lease": "soon"}, "SELFREF_WORKER_LEASE"),
        ("redis://127.0.0.1:1", {"metrics_host": "192.0.2.1", "metrics_port": 9}, "SELFREF_WORKER_METRICS_PORT"),
        ("127.0.0.1:6379", {}, "SELFREF_REDIS_URL"),
    ],
)
async def test_a_wrong_setting_is_refused_by_name(
    start_worker: StartWorker, redis: str, settings: dict[str, object], variable: str
) -> None:
    worker = start_worker(redis, "http://127.0.0.1:1", **settings)
    assert await worker.ends(within=20) == 2
    (event,) = [each for each in worker.events() if each["event"] == "wrong_setting"]
    assert event["setting"] == variable


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda stub: stub.info.update(model_id="another"), "another"),
        (lambda stub: stub.hidden.add("/generate"), "404"),
        (lambda stub: stub.hidden.add("/chat_tokenize"), "SELFREF_ENGINE_URL"),
    ],
)
async def test_an_engine_that_came_back_as_no_judge_of_ours_ends_the_worker_and_costs_no_pair_anything(
    store: Store, redis_url: str, start_worker: StartWorker, harm: Callable[[StubServer], None], said: str
) -> None:
    async with serving(StubServer()) as stub:
        worker = start_worker(redis_url, stub.url)
        await worker.ready()
        await submit(store, 1)
        await until_ended(store, 1)
        harm(stub)
        ids = await submit(store, 3, preset=Preset.SELF_REFERENCE)
        assert await worker.ends(within=20) == 3
    assert [said in each["error"] for each in worker.events() if each["event"] == "engine_unsuitable"] == [True]
    counts = await store.judgments.counts(TENANT)
    assert (counts.decided + counts.tie + counts.inconsistent, counts.failed) == (1, 0)
    claims = await store.work.claim("next", count=10, wait=0)
    assert sorted(claim.work.id for claim in claims) == sorted(ids)
    assert {(claim.attempts, claim.deliveries) for claim in claims} == {(0, 1)}


async def test_an_engine_url_that_is_none_is_refused_and_not_tried_for_ever(start_worker: StartWorker) -> None:
    worker = start_worker("redis://127.0.0.1:1", "notaurl")
    assert await worker.ends(within=20) == 2
    (event,) = [each for each in worker.events() if each["event"] == "wrong_setting"]
    assert event["setting"] == "SELFREF_ENGINE_URL"


async def test_misspelt_variables_are_named_once_at_the_start(start_worker: StartWorker) -> None:
    worker = start_worker("127.0.0.1:6379", "http://127.0.0.1:1", concurency=8, lease=5)
    assert await worker.ends(within=20) == 2
    (event,) = [each for each in worker.events() if each["event"] == "unknown_settings"]
    assert event["settings"] == ["SELFREF_WORKER_CONCURENCY"]


async def test_metrics_tell_what_was_judged(
    store: Store, redis_url: str, start_engine: StartEngine, start_worker: StartWorker
) -> None:
    worker = start_worker(redis_url, start_engine().url, metrics_port=free_port())
    await worker.ready()
    await submit(store, 3)
    await until_ended(store, 3)
    text = worker.metrics()
    assert 'worker_judgments_total{outcome="decided"} 3.0' in text
    assert 'worker_engine_calls_total{kind="generate",outcome="ok"} 6.0' in text
    assert 'worker_engine_calls_total{kind="verdict",outcome="ok"} 6.0' in text
    assert "worker_concurrency_limit 64.0" in text
    assert (await store.judgments.counts(TENANT)).decided == 3
