"""`selfref doctor`: well where all is well, and otherwise a row that says how to mend it."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from selfref.cli.checks.engine import check_openai, check_tgi
from selfref.cli.checks.finding import Finding, Level
from selfref.cli.checks.keeper import check_keeper
from selfref.cli.checks.redis import check_redis, findings_of
from selfref.stack.bundled import BUNDLED_MODEL, BUNDLED_NOTE
from selfref.stack.datadir import Running
from selfref.store import Store
from tests.selfref.cli.fake_engine import GOOD_TOP, FakeOpenAi, FakeTgi, serving
from tests.selfref.cli.running import selfref

HEALTHY = {
    "redis_version": "7.2.4",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "maxmemory_policy": "noeviction",
    "used_memory": 1000,
    "maxmemory": 0,
}


def levels(found: list[Finding]) -> dict[str, Level]:
    return {finding.check: finding.level for finding in found}


def test_a_running_stack_is_found_by_its_folder_and_is_well(stack: Running, tmp_path: Path) -> None:
    data_dir = Path(stack.redis_url.removeprefix("unix://").partition("/redis/redis.sock")[0])
    shown = selfref("doctor", "--data-dir", str(data_dir))
    assert shown.exit_code == 0, shown.stdout
    for part in ("engine", "redis", "keeper", "service", "append-only file on", "noeviction", "takes pairs"):
        assert part in shown.stdout
    assert "fail" not in shown.stdout


def test_nothing_there_fails_for_every_part_with_what_to_do(tmp_path: Path) -> None:
    gone = "http://127.0.0.1:9"
    nowhere = ("--url", gone, "--engine-url", gone, "--redis-url", "redis://127.0.0.1:9/0")
    shown = selfref("doctor", *nowhere, "--data-dir", str(tmp_path))
    assert shown.exit_code == 1
    assert [line.split()[:2] for line in shown.stdout.splitlines() if line.startswith("fail")] == [
        ["fail", "engine"],
        ["fail", "redis"],
        ["fail", "service"],
    ]
    assert shown.stdout.count("→") == 3


async def test_a_good_engine_is_ok() -> None:
    with serving(FakeTgi()) as url:
        found = await check_tgi(url, api_key=None)
    assert levels(found) == dict.fromkeys(("reachable", "model", "verdict labels", "log-probs"), Level.OK)


@pytest.mark.parametrize(
    ("path", "answer", "check"),
    [
        ("/tokenize", [{"id": 1}], "verdict labels"),
        ("/tokenize", {"error": "no"}, "verdict labels"),
        ("/generate", {"generated_text": "A"}, "log-probs"),
        ("/generate", {"details": {"top_tokens": []}}, "log-probs"),
        ("/generate", {"details": {"top_tokens": [[{"id": 1, "logprob": None}]]}}, "log-probs"),
        ("/generate", {"details": {"top_tokens": [[{"id": 1, "logprob": 0.7}]]}}, "log-probs"),
        ("/generate", None, "log-probs"),
    ],
)
async def test_an_engine_that_cannot_judge_fails_where_it_cannot(path: str, answer: Any, check: str) -> None:
    with serving(FakeTgi({path: answer})) as url:
        found = await check_tgi(url, api_key=None)
    assert [finding.check for finding in found if finding.level is Level.FAIL] == [check]
    assert all(finding.mend for finding in found if finding.level is Level.FAIL)


async def test_whoever_labels_with_the_bundled_judge_is_told_what_it_knows() -> None:
    with serving(FakeTgi({"/info": {"model_id": BUNDLED_MODEL}})) as url:
        found = await check_tgi(url, api_key=None)
    assert levels(found)["model"] is Level.WARN
    assert BUNDLED_NOTE in {finding.mend for finding in found}


@pytest.mark.parametrize(
    ("log_probs", "level"), [({"content": [{"top_logprobs": GOOD_TOP}]}, Level.OK), (None, Level.FAIL)]
)
async def test_an_openai_engine_must_give_log_probs(log_probs: Any, level: Level) -> None:
    with serving(FakeOpenAi(log_probs)) as url:
        for address in (url, f"{url}/v1"):
            assert levels(await check_openai(address, api_key=None, model=None))["log-probs"] is level


async def test_an_openai_engine_must_serve_the_model() -> None:
    with serving(FakeOpenAi(None)) as url:
        found = await check_openai(url, api_key=None, model="another")
    assert levels(found)["model"] is Level.FAIL


def test_a_healthy_redis_is_ok() -> None:
    assert {finding.level for finding in findings_of(HEALTHY)} == {Level.OK}


@pytest.mark.parametrize(
    ("facts", "check", "level"),
    [
        ({"redis_version": "6.0.9"}, "version", Level.FAIL),
        ({"aof_enabled": 0}, "persistence", Level.FAIL),
        ({"aof_last_write_status": "err"}, "disk", Level.FAIL),
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", Level.FAIL),
        ({"used_memory": 950, "maxmemory": 1000}, "memory", Level.WARN),
    ],
)
def test_what_would_lose_pairs_is_found(facts: dict[str, Any], check: str, level: Level) -> None:
    found = [finding for finding in findings_of(HEALTHY | facts) if finding.level is not Level.OK]
    assert [(finding.check, finding.level) for finding in found] == [(check, level)]
    assert found[0].mend


async def test_a_real_redis_is_read(redis_url: str) -> None:
    assert {finding.level for finding in await check_redis(redis_url)} == {Level.OK}


async def test_a_redis_without_memory_left_fails_and_says_so(redis_url: str) -> None:
    async with Redis.from_url(redis_url, protocol=2) as client:
        await client.config_set("maxmemory", 1)
        found = await check_redis(redis_url)
        await client.config_set("maxmemory", 0)
    assert levels(found)["writes"] is Level.FAIL
    assert "raise its maxmemory" in found[0].mend


async def test_what_is_no_redis_url_is_said() -> None:
    (found,) = await check_redis("http://127.0.0.1:6379")
    assert found.level is Level.FAIL


async def test_an_active_keeper_is_ok_and_its_absence_a_warning_since_pairs_are_judged_without(
    store: Store, redis_url: str
) -> None:
    (found,) = await check_keeper(redis_url)
    assert (found.level, found.seen) == (Level.WARN, "no keeper is active: jobs wait")
    assert "service.keeper" in found.mend
    await store.lease.hold(seconds=60)
    assert levels(await check_keeper(redis_url)) == {"active": Level.OK}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "http://127.0.0.1:6379"])
async def test_a_redis_that_cannot_be_asked_is_complained_about_once(url: str) -> None:
    assert await check_keeper(url) == []


async def test_looking_for_a_keeper_writes_nothing(redis_url: str) -> None:
    await check_keeper(redis_url)
    async with Redis.from_url(redis_url, protocol=2) as client:
        assert await client.dbsize() == 0
